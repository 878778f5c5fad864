# Count the classified batches of select.awk; keep the first and last lines of each class.

BEGIN {
    kept = ENVIRON["kept"] + 0
    most = ENVIRON["most_lines"] + 0
    enough = ENVIRON["enough_errors"] + 0
    all_critical = ENVIRON["only_critical"] + 0
    reset()
}

/^#R/ { reset(); next }
/^#F/ { files++; bytes += $2; suffix = substr($0, index($0, "=") + 1); next }
/^#E/ { finish("whole"); exit }
/^#!/ { if (blinds < 50) blind[++blinds] = $0; next }
/^#L/ { late[++lates] = $0; next }
/^#/ { print; next }

/^B/ { size = asked = answered = 0; mode = ""; split("", is_critical); split("", is_ignored); next }
/^T/ { heads[++size] = $0; next }
/^[ci]$/ { mode = $0; asked++; next }
/^g/ { answered++; if (substr($0, 2) + 0 > 1) blind[++blinds] = "#! classify " substr($0, 2); next }
/^e/ { tally(); next }
/^[0-9]/ { if (mode == "c") is_critical[$0] = 1; else is_ignored[$0] = 1; next }

function reset() {
    files = bytes = blinds = lates = critical = error = future = looked = 0
    split("", samples); split("", order); split("", wrap)
    order["critical"] = order["error"] = order["future"] = 0
}

function tally(i, class) {
    if (asked != answered) blind[++blinds] = "#! classify 127 ="
    for (i = 1; i <= size; i++) {
        looked++
        if (i in is_ignored) continue
        class = (all_critical || (i in is_critical)) ? "critical" : "error"
        if (class == "critical") critical++; else error++
        keep(class, heads[i])
        if (substr(heads[i], index(substr(heads[i], 3), " ") + 3, 1) == "1") { future++; keep("future", heads[i]) }
    }
    if (looked >= most && (critical > 0 || (enough > 0 && error >= enough))) { finish("part"); exit }
}

# The first `kept` lines stay; the last `kept` overwrite each other in turn.
function keep(class, head, n) {
    n = order[class]++
    if (n >= kept) n = kept + (n - kept) % kept
    samples[class, n] = head
    suffixes[class, n] = suffix
}

function show(class, i, n, total) {
    total = order[class]
    for (i = 0; i < total && i < 2 * kept; i++) {
        n = i
        if (i >= kept && total > 2 * kept) n = kept + (i + total - 2 * kept - kept) % kept
        print "S " class " =" suffixes[class, n]
        print samples[class, n]
    }
}

function finish(how, i) {
    for (i = 1; i <= blinds; i++) print blind[i]
    for (i = 1; i <= lates; i++) print late[i]
    show("critical"); show("error"); show("future")
    # mawk writes what exceeds 31 bits as 5.36871e+09, unless told otherwise.
    printf "N %d %.0f %d %d %d %d\n", files, bytes, looked, critical, error, future
    print "END " how
    fflush()
}
