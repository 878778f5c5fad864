# Boots one lab host and boots it again on reboot. Run by host.py in a mount namespace of its own, so that
# no mount of a host is ever seen by the rest of the machine.
# Arguments: root lower upper work netns machine hostname, then cgroup directories.
root=$1 lower=$2 upper=$3 work=$4 netns=$5 machine=$6 hostname=$7
shift 7

mount -t overlay "$machine" -o "lowerdir=$lower,upperdir=$upper,workdir=$work" "$root" || exit 97
# nspawn keeps run-time files here; give it a place that goes away with this namespace.
mkdir -p /run/systemd && mount -t tmpfs "$machine" /run/systemd || exit 98
for cgroup; do
    echo $$ >"$cgroup/cgroup.procs" || exit 99
done

status=133
# With --keep-unit, nspawn ends with 133 when the host asks for a reboot.
while [ "$status" -eq 133 ]; do
    # The network is the host's own, so root there may see and change its firewall.
    systemd-nspawn --quiet --directory="$root" --machine="$machine" --hostname="$hostname" \
        --capability=CAP_NET_ADMIN \
        --register=no --keep-unit --settings=no --network-namespace-path="/run/netns/$netns" \
        --resolv-conf=off --timezone=off --link-journal=no \
        --kill-signal=SIGRTMIN+3 --console=pipe --boot
    status=$?
done
exit "$status"
