# Drop matched lines from before `since`; hand the others on in batches, each classified by grep.
# In: `number:text`, and marks that start with `#`. Out: the marks, and batches for count.awk.

BEGIN {
    since = ENVIRON["since"] + 0
    now = ENVIRON["host_now"] + 0
    ahead = now + 300
    longest = ENVIRON["max_line"] + 0
    critical = ENVIRON["critical_grep"]
    ignored = ENVIRON["ignore_grep"]
    split(ENVIRON["offsets"], zones, " ")
    early = zone_s(zones[1]); late = zone_s(zones[2])
    if (early < late) { swap = early; early = late; late = swap }
    this_year = year_of(now)
}

/^#/ { flush(); mark($0); next }
!/^[0-9]+:/ { print "#! protocol ="; next }

{
    colon = index($0, ":")
    line = substr($0, 1, colon - 1)
    text = substr($0, colon + 1)
    if (length(text) > longest) { too_long++; print "#! long " line " =" suffix; next }
    future = 0
    if (stamp(text)) {
        if (latest < since) next
        if (earliest > ahead) future = 1
    }
    size++
    bytes += length(text)
    texts[size] = text
    heads[size] = "T " line " " future " " substr(text, 1, 600)
    if (size >= 5000 || bytes > 4000000) flush()
}

END { flush() }

function mark(text, kind) {
    kind = substr(text, 1, 2)
    if (kind == "#R") { size = 0; bytes = 0 }
    if (kind == "#F") {
        split(text, words, " ")
        mtime = words[3] + 0
        suffix = substr(text, index(text, "=") + 1)
        lag = late > 0 ? late : 0
        old_file = first_at = 0
    }
    if (kind == "#1") { first_line(substr(text, 4)); return }
    if (kind == "#9") { last_line(substr(text, 4)); return }
    print text
    fflush()
}

# For stamps without year: one that reads as "later this year" is from last year only when its
# file begins that way, too; one from long before its file began is from the future.
function first_line(text) {
    if (!stamp(text)) return
    if (no_year && earliest > now + 2678400) old_file = 1
    else if (earliest <= ahead) first_at = latest
}

# The last line was written when the file was: what its stamp lacks is what its zone lacks.
function last_line(text, gap) {
    if (!stamp(text)) return
    if (earliest > ahead) print "#L =" suffix
    if (zoned) return
    gap = mtime - (latest - lag)
    if (gap <= 50400) lag = gap > 300 ? gap : 0
}

function flush(i) {
    if (size == 0) return
    print "B"
    for (i = 1; i <= size; i++) print heads[i]
    classify("c", critical)
    classify("i", ignored)
    print "e"
    fflush()
    size = 0
    bytes = 0
}

function classify(name, grep, command, i) {
    if (grep == "") return
    print name
    fflush()
    command = "{ " grep "; echo \"g$?\"; } | cut -d: -f1"
    for (i = 1; i <= size; i++) print texts[i] | command
    close(command)
}

# Find the stamp of a line; sets earliest and latest (epoch seconds), zoned and no_year.
# Only where a logger puts it: a date inside a message must not make a line look old.
function stamp(text, head) {
    head = substr(text, 1, 400)
    sub(/^[\001 \t]+/, "", head)
    sub(/^<[0-9]+>(1 )?/, "", head)
    zoned = 0; no_year = 0; latest = -1
    if (head ~ /^[{]/) return in_json(substr(text, 1, 2000))
    if (head ~ /^\[?[0-9][0-9][0-9][0-9][-\/.][0-9][0-9][-\/.][0-9][0-9][T_ ][0-9][0-9]:[0-9][0-9]:[0-9][0-9]/) {
        sub(/^\[/, "", head)
        return iso(head)
    }
    if (head ~ /^1[0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9]/) return epoch(head)
    if (in_access(head)) return 1
    sub(/^\[/, "", head)
    sub(/^(Mon|Tue|Wed|Thu|Fri|Sat|Sun),? /, "", head)
    if (head ~ /^[A-Z][a-z][a-z] [ 0-3][0-9] [0-9][0-9]:[0-9][0-9]:[0-9][0-9]/) return syslog(head)
    return 0
}

function iso(head, at) {
    at = moment(substr(head, 1, 4), substr(head, 6, 2), substr(head, 9, 2), substr(head, 12, 8))
    return at >= 0 && place(at, substr(head, 20))
}

function syslog(head, month, rest, year, at) {
    month = month_of(substr(head, 1, 3))
    rest = substr(head, 16)
    sub(/^[.,][0-9]+/, "", rest)
    year = this_year
    no_year = 1
    if (rest ~ /^ ([A-Z]+ )?[12][0-9][0-9][0-9]($|[^0-9:])/) {
        match(rest, /[12][0-9][0-9][0-9]/)
        year = substr(rest, RSTART, 4)
        no_year = 0
    }
    at = moment(year, month, substr(head, 5, 2), substr(head, 8, 8))
    if (at < 0 || !place(at, "")) return 0
    if (no_year && old_file && earliest > now + 2678400)
        return place(moment(year - 1, month, substr(head, 5, 2), substr(head, 8, 8)), "")
    if (no_year && latest < first_at - 86400)
        return place(moment(year + 1, month, substr(head, 5, 2), substr(head, 8, 8)), "")
    return 1
}

# [23/Nov/2026:07:24:51 +0000] before the first quote; of several the latest.
function in_access(head, found, at, high, low) {
    at = index(head, "\"")
    if (at > 0) head = substr(head, 1, at - 1)
    found = 0
    while (match(head, /\[[0-3][0-9]\/[A-Z][a-z][a-z]\/[0-9][0-9][0-9][0-9]:[0-9][0-9]:[0-9][0-9]:[0-9][0-9] [-+][0-9][0-9][0-9][0-9]\]/)) {
        part = substr(head, RSTART + 1)
        head = substr(head, RSTART + RLENGTH)
        at = moment(substr(part, 8, 4), month_of(substr(part, 4, 3)), substr(part, 1, 2), substr(part, 13, 8))
        if (at < 0 || !place(at, substr(part, 21, 6))) continue
        if (!found || latest > high) { high = latest; low = earliest }
        found = 1
    }
    if (found) { latest = high; earliest = low }
    return found
}

function in_json(text, found, value, high, low) {
    found = 0
    while (match(text, /"(@timestamp|timestamp|time|ts|datetime|date|asctime)" *: *"?/)) {
        value = substr(text, RSTART + RLENGTH, 40)
        text = substr(text, RSTART + RLENGTH)
        if (!(value ~ /^[0-9][0-9][0-9][0-9][-\/][0-9][0-9][-\/][0-9][0-9][T_ ][0-9][0-9]:[0-9][0-9]:[0-9][0-9]/ ? iso(value) : epoch(value))) continue
        if (!found || latest > high) { high = latest; low = earliest }
        found = 1
    }
    if (found) { latest = high; earliest = low }
    return found
}

# Ten digits are seconds, thirteen are milliseconds; a number that is not near now is no time.
function epoch(text, digits, at) {
    if (!match(text, /^1[0-9]+/)) return 0
    digits = substr(text, 1, RLENGTH)
    if (RLENGTH != 10 && RLENGTH != 13 && RLENGTH != 16 && RLENGTH != 19) return 0
    at = substr(digits, 1, 10) + 0
    if (at < now - 31968000 || at > now + 31968000) return 0
    zoned = 1
    earliest = latest = at
    return 1
}

# Take a moment and what stands behind it; without a zone both offsets of the night may hold.
function place(at, rest, zone) {
    sub(/^[.,][0-9]+/, "", rest)
    zoned = 1
    if (rest ~ /^ ?(Z|UTC|GMT)([^A-Za-z]|$)/) { earliest = latest = at; return 1 }
    if (rest ~ /^ ?[-+][01][0-9]:?[0-5][0-9]([^0-9]|$)/) {
        sub(/^ /, "", rest)
        earliest = latest = at - zone_s(rest)
        return 1
    }
    if (rest ~ /^[-+][01][0-9]([^0-9]|$)/) {
        earliest = latest = at - zone_s(substr(rest, 1, 3) "00")
        return 1
    }
    zoned = 0
    earliest = at - early
    latest = at - late + lag
    return 1
}

function zone_s(text) {
    sub(/:/, "", text)
    return (substr(text, 1, 1) == "-" ? -1 : 1) * (substr(text, 2, 2) * 3600 + substr(text, 4, 2) * 60)
}

function month_of(name, at) {
    at = index("JanFebMarAprMayJunJulAugSepOctNovDec", name)
    return at % 3 == 1 ? (at + 2) / 3 : 0
}

# Seconds since 1970 of a civil time in UTC, -1 when there is no such time.
function moment(year, month, day, clock, hour, minute, second, era, of_era, of_year) {
    year += 0; month += 0; day += 0
    hour = substr(clock, 1, 2) + 0; minute = substr(clock, 4, 2) + 0; second = substr(clock, 7, 2) + 0
    if (month < 1 || month > 12 || day < 1 || day > 31 || hour > 24 || minute > 59 || second > 60) return -1
    if (month <= 2) year--
    era = int(year / 400)
    of_era = year - era * 400
    of_year = int((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1
    return (era * 146097 + of_era * 365 + int(of_era / 4) - int(of_era / 100) + of_year - 719468) * 86400 + hour * 3600 + minute * 60 + second
}

function year_of(at, year) {
    year = 1970 + int(at / 31556952)
    while (moment(year + 1, 1, 1, "00:00:00") <= at + late) year++
    while (moment(year, 1, 1, "00:00:00") > at + late) year--
    return year
}
