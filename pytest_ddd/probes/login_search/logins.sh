# Print what a host logged about log-ins; command.py sets path (empty: the journal), since and now.
# Out: `:` and a line of the log, and marks:
#   #N now zone   #F mtime first line of a file   #O oldest line of the journal
#   #W line of last   #B line of lastb   #! what could not be seen   #E end

blind() { printf '#! %s\n' "$*"; }

unpack() {
    case $1 in
        *.gz) gzip -dc <"$1" ;;
        *.xz) xz -dc <"$1" ;;
        *.bz2) bzip2 -dc <"$1" ;;
        *.zst) zstd -dcq <"$1" ;;
        *) cat <"$1" ;;
    esac
}

relevant() {
    grep -aE \
        -e 'sshd(-session|-auth)?\[[0-9]+\]: (message repeated [0-9]+ times: \[ )?(Accepted|Failed|Invalid user|Connection (closed|reset) by (authenticating|invalid) user|Disconnected from (authenticating|invalid) user|error: maximum)' \
        -e '(^| )(sudo|su)(\[[0-9]+\])?: ' -e ' login\[[0-9]+\]: ' | cut -c1-600 | sed 's/^/:/'
}

# The inode of the log itself: another one afterwards means that it was rotated meanwhile.
identity() { stat -c %i "$path" 2>/dev/null; }

scan_files() {
    [ -e "$path" ] || { blind "$path does not exist"; return 0; }
    before=$(identity)
    for file in "$path" "$path".[0-9]* "$path"-[0-9]*; do
        [ -e "$file" ] || continue
        [ -f "$file" ] || { blind "$file is no regular file"; continue; }
        [ -r "$file" ] || { blind "$file cannot be read: permission denied"; continue; }
        mtime=$(stat -c %Y "$file")
        printf '#F %s %s\n' "$mtime" "$(unpack "$file" 2>/dev/null | head -n 1 | cut -c1-200 | tr -d '\000')"
        [ "$mtime" -ge "$since" ] || continue
        { { unpack "$file" 2>/dev/null || blind "$file cannot be unpacked" >&3; } | relevant; } 3>&1
    done
    [ "$before" = "$(identity)" ] || blind "$path was rotated meanwhile"
}

scan_journal() {
    command -v journalctl >/dev/null || { blind "journalctl is missing"; return 0; }
    why=$(journalctl --no-pager -n 1 2>&1 >/dev/null | tr '\n' ' ' | head -c 300)
    [ -z "$why" ] || { blind "the journal cannot be read in full: $why"; return 0; }
    printf '#O %s\n' "$(journalctl --no-pager -q -a -o short-iso 2>/dev/null | head -n 1 | cut -c1-200)"
    { { journalctl --no-pager -q -a -o short-iso --since "@$since" SYSLOG_FACILITY=4 SYSLOG_FACILITY=10 2>/dev/null ||
        blind "journalctl failed" >&3; } | relevant; } 3>&1
}

# wtmp and btmp, and the one before each: logrotate keeps one.
scan_sessions() {
    for pair in "last W /var/log/wtmp" "lastb B /var/log/btmp"; do
        set -- $pair
        command -v "$1" >/dev/null || { blind "$1 is missing"; continue; }
        [ -e "$3" ] || { blind "$3 does not exist"; continue; }
        for file in "$3" "$3.1"; do
            [ -e "$file" ] || continue
            [ -r "$file" ] || { blind "$file cannot be read: permission denied"; continue; }
            said=$("$1" -w --time-format iso -f "$file" 2>&1) || { blind "$1 -f $file: $said"; continue; }
            printf '%s\n' "$said" | sed "s/^/#$2 /"
        done
    done
}

LC_ALL=C PATH=$PATH:/usr/sbin:/sbin
export LC_ALL PATH
printf '#N %s\n' "$(date '+%s %z')"
if [ -n "$path" ]; then scan_files; else scan_journal; fi
[ -z "$sessions" ] || scan_sessions
echo '#E'
