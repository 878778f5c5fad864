# Print on which days the files that match `files` have records; files.py sets files and by_line.
# Out: #N now zone   #F mtime path   :day (2026-11-23 or Nov 23)   #? lines of a file in which none
# has a time   #! what could not be seen   #E end

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

days() {
    awk '
        function say(day) { if (day != last) print ":" day; last = day }
        { sub(/^\[/, "") }
        /^[12][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]/ { say(substr($0, 1, 10)); next }
        /^[A-Z][a-z][a-z] [ 0-3][0-9] [0-2][0-9]:/ { say(substr($0, 1, 6)); next }
        match($0, /\[?[0-3][0-9]\/[A-Z][a-z][a-z]\/[12][0-9][0-9][0-9]:/) {
            part = substr($0, RSTART, RLENGTH)
            sub(/^\[/, "", part)
            month = index("JanFebMarAprMayJunJulAugSepOctNovDec", substr(part, 4, 3))
            say(sprintf("%s-%02d-%s", substr(part, 8, 4), (month + 2) / 3, substr(part, 1, 2)))
            next
        }
        NF { without++ }
        END { if (last == "") print "#? " without + 0 }  # else they go on with the line before
    '
}

LC_ALL=C
export LC_ALL
IFS=  # names of files may hold blanks
printf '#N %s\n' "$(date '+%s %z')"
directory=${files%/*}
[ -z "$directory" ] || [ -r "$directory" ] || case $directory in
    *[*?[]*) ;;
    *) [ ! -e "$directory" ] || blind "$directory cannot be listed: permission denied" ;;
esac
for file in $files; do
    [ -e "$file" ] || continue
    [ -f "$file" ] || continue
    mtime=$(stat -c %Y -- "$file") || { blind "$file cannot be examined"; continue; }
    printf '#F %s %s\n' "$mtime" "$file"
    [ -n "$by_line" ] || continue
    [ -r "$file" ] || { blind "$file cannot be read: permission denied"; continue; }
    { { unpack "$file" 2>/dev/null || blind "$file cannot be unpacked" >&3; } | days; } 3>&1
done
echo '#E'
