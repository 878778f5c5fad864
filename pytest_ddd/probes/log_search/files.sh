# Search a log on its host, and print counts and a sample; log_command.py sets what it needs:
# path (or unit and priority), since, now, optional, max_bytes, memory_kib, find_lines(), the awk
# programs and their environment. Between the stages travel lines `number:text` and marks:
#   #H host's clock   #R start over   #F size mtime =suffix   #1 first line   #9 last line
#   #0 there is no log   #! what could not be seen   #E end

blind() { printf '#! %s\n' "$*"; }

one_line() { tr '\n' ' ' | head -c 300; }

# A line without end would fill the memory of the host: grep gets little, and says so (status 2).
limited() (
    ulimit -v "$memory_kib" 2>/dev/null
    case $(ulimit -v 2>/dev/null) in
        '' | *[!0-9]*) exit 120 ;;
    esac
    find_lines
)

# Other greps than GNU's end quietly (status 1) when their memory is full or the disk cannot be
# read, and some stop at a NUL: they get bytes from a pipe, and what they leave in it is counted.
case $(grep --version 2>/dev/null) in
    *'GNU grep'*) gnu=1 ;;
    *) gnu=0 ;;
esac

unpack() {
    case $1 in
        *.gz) gzip -dc ;;
        *.bz2) bzip2 -dc ;;
        *.xz) xz -dc ;;
        *.zst) zstd -dcq ;;
        *) cat ;;
    esac
}

# Search what a command prints; sets blocks (of 64 KiB that were read), unpack_code, over, grep_code
# and rest. Not by `head -c`: BusyBox's reads more than it prints, and that much would be lost.
scan_pipe() {
    codes=$(
        {
            { "$@"; echo "u$?" >&4; } |
                { dd bs=65536 count="$((left / 65536 + 1))" iflag=fullblock 2>&4; echo "o$(left_over)" >&4; } |
                tr '\000' '\001' |
                { limited; echo "g$?" >&4; echo "r$(left_over)" >&4; }
        } 4>&1 >&5
    )
    blocks=0 unpack_code=1 over=0 grep_code=2 rest=1
    for word in $codes; do
        case $word in
            u[0-9]*) unpack_code=${word#u} ;;
            o[0-9]*) over=${word#o} ;;
            g[0-9]*) grep_code=${word#g} ;;
            r[0-9]*) rest=${word#r} ;;
            [0-9]*+[0-9]*) blocks=${word%+*} ;; # dd: "12+1 records in"
        esac
    done
}

left_over() { echo "$(($(head -c 1 | wc -c)))"; }

# Say what went wrong while one source was read; $1 is its suffix.
verdict() {
    if [ "$grep_code" = 120 ]; then
        blind "unguarded =$1"
    elif [ "$rest" != 0 ] || [ "$grep_code" -gt 1 ]; then
        blind "search $grep_code =$1"
    elif [ "$over" != 0 ]; then
        blind "over $max_bytes =$1"
    elif [ "$unpack_code" = 127 ]; then
        blind "tool unpack =$1"
    elif [ "$unpack_code" != 0 ]; then
        blind "damaged $unpack_code =$1"
    fi
}

# Print `device:inode size mtime =suffix` of the log and its rotated siblings. `@` in a suffix
# stands for the path without its extension (name-20261123.log).
list_files() {
    set +f
    for file in "$path" "$path".[0-9]* "$path"-[0-9]* "$path".old* \
        "$stem".[0-9]*."$extension"* "$stem"-[0-9][0-9][0-9][0-9]*."$extension"*; do
        suffix=${file#"$path"}
        if [ "$suffix" = "$file" ]; then
            [ -n "$stem" ] || continue
            suffix=@${file#"$stem"}
        fi
        bare=${suffix%.gz} bare=${bare%.bz2} bare=${bare%.xz} bare=${bare%.zst}
        digits=${bare#@}
        case $bare in @*) digits=${digits%."$extension"} ;; esac
        case $digits in
            '' | .old) ;;
            *[!0-9T:_.-]*) continue ;;
        esac
        [ -e "$file" ] || continue
        # Being packed right now: the plain one is still whole.
        [ "$bare" != "$suffix" ] && [ -e "${file%.*}" ] && continue
        facts=$(stat -L -c '%d:%i %s %Y' -- "$file") && echo "$facts =$suffix"
    done
    set -f
}

# Complain, and fail, unless $file is something that can be read to its end.
is_file() {
    if [ -f "$file" ]; then
        [ -r "$file" ] && return 0
        blind "unreadable =$suffix"
    elif [ -e "$file" ]; then
        blind "kind $(stat -L -c %F -- "$file" | tr ' ' '-') =$suffix"
    else
        return 1 # renamed or packed since it was listed: the next round finds it
    fi
    seen="$seen$id "
    return 1
}

# A digest of the first bytes of a file: inodes are used again, and a log that was cut off may be
# as long as before.
beginning() { head -c "$1" "$2" | sha256sum | tr ' ' '-'; }

# Read one file whose facts are in id, size, mtime and suffix; standard input is the file.
scan_file() {
    [ "$(stat -L -c '%d:%i' /proc/self/fd/0)" = "$id" ] || return 0 # renamed: the next round
    begins=512
    [ "$size" -ge 512 ] || begins=$size
    seen="$seen$id "
    known="$known$id $size $begins $(beginning "$begins" /proc/self/fd/0) "
    if [ "$size" -gt "$left" ]; then
        blind "over $max_bytes =$suffix"
        return 0
    fi
    printf '#F %s %s =%s\n' "$size" "$mtime" "$suffix"
    case $(unpack "$suffix" <"$file" 2>/dev/null | head -c 512 | tr -c '\377\376\000' x | tr '\377\376\000' abn) in
        ab*n* | ba*n*) blind "encoding =$suffix" ;; # the mark of UTF-16, and a half of a letter
    esac
    printf '#1 '
    unpack "$suffix" <"$file" 2>/dev/null | head -c 4096 | head -n 1 | head -c 400 | tr -d '\n'
    printf '\n#9 '
    case $suffix in
        *.gz | *.bz2 | *.xz | *.zst) packed=1 ;;
        *) packed=0 && tail -c 4096 "$file" | tail -n 1 | head -c 400 | tr -d '\n' ;;
    esac
    echo
    if [ "$gnu$packed" = 10 ]; then
        limited
        grep_code=$? unpack_code=0 over=0 rest=0
    else
        scan_pipe unpack "$suffix"
    fi
    verdict "$suffix"
    [ "$packed" = 0 ] || size=$((blocks * 65536))
    left=$((left - size))
    [ "$left" -ge 0 ] || left=0
}

# Read what the listing names and was not read yet. Sets fresh=1 when there was something,
# again=1 when counting has to start over.
scan_listing() {
    fresh=0
    while [ $# -ge 4 ]; do
        id=$1 size=$2 mtime=$3 suffix=${4#=}
        shift 4
        case $seen in *" $id "*) continue ;; esac
        [ -z "$suffix" ] || [ "$mtime" -ge "$since" ] || continue
        if [ "$round" -gt 1 ]; then  # it may hold packed what was read before
            case $suffix in *.gz | *.bz2 | *.xz | *.zst) again=1 && return 0 ;; esac
        fi
        [ "$mtime" -lt "$since" ] || fresh=1
        name_file "$suffix"
        if [ "$mtime" -ge "$since" ]; then
            if is_file; then scan_file <"$file"; fi
        elif [ -z "$suffix" ]; then
            is_file # a device may look old and still be no log
        fi
        [ -z "$again" ] || return 0
    done
}

# Whether a file that was read is another one now, or was copied away and cut off meanwhile.
has_changed() {
    while [ $# -ge 4 ]; do
        case $known in
            *" $1 "*) is_same "$2" "${4#=}" ${known#*" $1 "} || return 0 ;;
        esac
        shift 4
    done
    return 1
}

# Compare size and name of now with size, length and digest of the beginning of then.
is_same() {
    name_file "$2"
    [ "$1" -ge "$3" ] && [ "$(beginning "$4" "$file")" = "$5" ]
}

# Set file to the path with a suffix.
name_file() {
    case $1 in
        @*) file=$stem${1#@} ;;
        *) file=$path$1 ;;
    esac
}

# Say why the file itself is not there, unless it is. Fails when nothing can be read.
look_for_file() {
    [ -e "$path" ] && return 0
    why=$(stat -L -c %i -- "$path" 2>&1 >/dev/null | one_line)
    case $why in
        *'No such file'* | *'Not a directory'*)
            [ ! -L "$path" ] || { blind "dangling ="; return 1; }
            echo '#0'
            [ "$optional" = 1 ] || blind "missing ="
            ;;
        *) blind "denied $why" && return 1 ;;
    esac
}

scan_files() {
    directory=${path%/*}/
    case $path in */*) ;; *) directory=. ;; esac
    stem=${path%.*} extension=${path##*.}
    case $extension in *[!A-Za-z0-9]*) stem= ;; esac
    for attempt in 1 2 3; do
        echo '#R'
        look_for_file || return 0
        if [ -d "$directory" ] && [ ! -r "$directory" ]; then
            blind "directory $(id -un 2>/dev/null) ="
        fi
        seen=' ' known=' ' left=$max_bytes again=
        for round in 1 2 3 4 5; do
            listing=$(list_files)
            [ -n "$listing" ] || [ ! -e "$path" ] || blind "listing ="
            scan_listing $listing
            [ "$fresh" = 1 ] && [ -z "$again" ] || break
        done
        listing=$(list_files)
        has_changed $listing && again=1
        [ "$again$fresh" != 0 ] || return 0
    done
    blind "rotating ="
}

journal() {
    journalctl --no-pager ${unit:+"--unit=$unit"} "$@"
}

read_journal() {
    journal -q -a -o short-iso --since "@$since" ${priority:+"--priority=$priority"}
}

# A journal that may not be seen, or a unit that it never heard of, prints nothing and ends with 0.
scan_journal() {
    echo '#R'
    command -v journalctl >/dev/null || { blind "tool journalctl ="; return 0; }
    why=$(journal -n 1 2>&1 >/dev/null | one_line)
    [ -z "$why" ] || { blind "journal $why"; return 0; }
    if [ -z "$(journal -q -n 1 -o cat | head -c 1 | tr '\000' '\001')" ]; then
        echo '#0'
        [ "$optional" = 1 ] || blind "silent ="
        return 0
    fi
    left=$max_bytes
    printf '#F 0 0 =\n'
    scan_pipe read_journal
    verdict ''
}

offset_at() { date -d "@$1" +%z 2>/dev/null || date +%z; }

LC_ALL=C
export LC_ALL
set -f
for tool in awk cat cut date dd grep head sha256sum stat tail tr wc; do
    command -v "$tool" >/dev/null && continue
    printf '#! tool %s =\nN 0 0 0 0 0 0\nEND whole\n' "$tool"
    exit
done
case $path in /* | '') ;; *) path=./$path ;; esac
host_now=$(date +%s)
if [ "$host_now" -lt "$((now - 300))" ]; then # the clock that wrote the log is behind ours
    since=$((since + host_now - now))
fi
export host_now since
offsets="$(offset_at "$since") $(offset_at "$host_now")"
export offsets
{
    exec 5>&1
    printf '#H %s\n' "$host_now"
    if [ -n "$path" ]; then scan_files; else scan_journal; fi
    echo '#E'
} | tr '\000' '\001' | awk "$select_awk" | awk "$count_awk"
