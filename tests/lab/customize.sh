# Turns a fresh Debian root ($1) into a lab host: users, sudo, ssh, nginx, journal. Run by image.py.
root=$1

in_root() { chroot "$root" env PATH=/usr/sbin:/usr/bin:/sbin:/bin "$@"; }

ln -s busybox "$root/bin/ash"
echo /bin/ash >>"$root/etc/shells"

add_user() { in_root useradd -m -s "$2" "$1"; }
add_user ops /bin/bash
add_user sudopw /bin/bash
add_user noisy /bin/bash
add_user dashuser /bin/dash
add_user ashuser /bin/ash
add_user cshuser /bin/tcsh
add_user fishuser /usr/bin/fish
printf 'sudopw:%s\n' "$LAB_SUDO_PASSWORD" | in_root chpasswd

echo 'ops ALL=(ALL) NOPASSWD: ALL' >"$root/etc/sudoers.d/ops"
echo 'sudopw ALL=(ALL) ALL' >"$root/etc/sudoers.d/sudopw"
chmod 440 "$root/etc/sudoers.d/ops" "$root/etc/sudoers.d/sudopw"

# Everything a careless administrator can print in front of a command's own output.
cat >"$root/home/noisy/.bashrc" <<'EOF'
echo "*** WELCOME, this line comes from .bashrc ***"
echo "*** and this one goes to stderr ***" >&2
printf 'no newline at the end of this one: \033[31m'
EOF
cp "$root/home/noisy/.bashrc" "$root/home/noisy/.bash_profile"
printf '################\n#  AUTHORISED ONLY, { "json": not really }\n################\n' >"$root/etc/ssh/noisy-banner"
printf 'echo "hello from .cshrc"\n' >"$root/home/cshuser/.cshrc"

# The public key counts for every user.
printf '%s' "$LAB_KEY" >"$root/etc/ssh/lab_keys"
cat >"$root/etc/ssh/sshd_config.d/lab.conf" <<'EOF'
AuthorizedKeysFile .ssh/authorized_keys /etc/ssh/lab_keys
PasswordAuthentication no
PrintLastLog no
LogLevel VERBOSE
UseDNS no
HostKey /etc/ssh/ssh_host_ed25519_key
Match User noisy
    Banner /etc/ssh/noisy-banner
EOF
rm -f "$root"/etc/ssh/ssh_host_*

: >"$root/etc/machine-id"
rm -f "$root/etc/hostname" "$root/var/lib/dbus/machine-id"
# A directory here makes the journal outlive a reboot.
mkdir -p "$root/var/log/journal"
for unit in apt-daily.timer apt-daily-upgrade.timer getty.target console-getty.service getty@tty1.service \
    systemd-networkd.service systemd-networkd.socket systemd-resolved.service dpkg-db-backup.timer \
    e2scrub_all.timer fstrim.timer logrotate.timer; do
    ln -sf /dev/null "$root/etc/systemd/system/$unit"
done
ln -sf /lib/systemd/system/multi-user.target "$root/etc/systemd/system/default.target"

mkdir -p "$root/etc/nginx/tls" "$root/srv/www"
rm -f "$root/etc/nginx/sites-enabled/default"
cat >"$root/etc/nginx/conf.d/lab.conf" <<'EOF'
server {
    listen 80 default_server;
    root /srv/www;
    location = /health { default_type application/json; return 200 '{"status":"healthy","uptime":1}\n'; }
}
EOF
cat >"$root/etc/nginx/conf.d/lab-tls.conf" <<'EOF'
server {
    listen 443 ssl default_server;
    ssl_certificate /etc/nginx/tls/server.crt;
    ssl_certificate_key /etc/nginx/tls/server.key;
    root /srv/www;
    location = /health { default_type application/json; return 200 '{"status":"healthy","uptime":1}\n'; }
}
EOF
echo 'lab host' >"$root/srv/www/index.html"
rm -rf "$root"/var/cache/apt/archives/*.deb
