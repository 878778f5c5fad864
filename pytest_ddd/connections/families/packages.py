"""Packages: one look into dpkg's status, else one dpkg-query; or one rpm.

A dpkg-query of one package takes in what dpkg knows of all of them: 5.9 ms of a processor with 825
packages, where awk finds those that are asked about in 1.4 ms (dpkg 1.21, mawk 1.3.4). Awk answers
only where nothing can be read otherwise: each package is there once, as installed, and dpkg has no
updates beside the file. It is the file that dpkg(1) names, in the form of deb-control(5). One that
is damaged or cut short goes to dpkg-query, which refuses all of it: so nothing in it is green.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from pytest_ddd.connections.families.interface import (
    WORD,
    Answers,
    Family,
    as_words,
    names_of,
    split_rows,
    there,
)

_DPKG_FIELDS = ("${db:Status-Abbrev}", "${Architecture}", "${Version}", "${Status}")
_DPKG_FORMAT = "|".join(("${Package}", *_DPKG_FIELDS)) + r"\n"
_DPKG_STATUS, _DPKG_UPDATES = "/var/lib/dpkg/status", "/var/lib/dpkg/updates"

_AWK = """\
BEGIN { RS = ""; FS = "\\n" }
!/^Package: / || /\\n[^ A-Z]/ { odd = 1 }
/^Package: (@)\\n/ {
  split("", f)
  for (i = 1; i <= NF; i++) { j = index($i, ": "); f[substr($i, 1, j - 1)] = substr($i, j + 2) }
  if (f["Status"] !~ /^(install|hold) ok installed$/) odd = 1
  if (f["Architecture"] == "" || f["Version"] == "" || s[f["Package"]]++) odd = 1
  rows = rows f["Package"] "|" substr(f["Status"], 1, 1) "i |" f["Architecture"] "|" f["Version"] \
    "|" f["Status"] "\\n"
  n++; last = NR
}
END { if (odd || n != wanted || last == NR) exit 1; printf "%s", rows }"""


def _ask_dpkg(found: Sequence[re.Match[str]]) -> str:
    names = names_of(found)
    words = "|".join(re.sub(r"([+.])", r"[\1]", name) for name in names)
    return (
        f"{{ set -- {_DPKG_UPDATES}/*;"
        f' [ ! "$DPKG_ADMINDIR$DPKG_ROOT" ] && [ -r {_DPKG_UPDATES} ] && [ ! -e "$1" ]'
        f" && awk -v wanted={len(names)} '{_AWK.replace('@', words)}' {_DPKG_STATUS} 2>/dev/null"
        f" || dpkg-query -f '{_DPKG_FORMAT}' -W {as_words(found)}; }}"
    )


def _tell_dpkg(found: Sequence[re.Match[str]], text: str) -> Answers:
    rows = list(split_rows(text, 1 + len(_DPKG_FIELDS)))
    for match in found:
        mine = [
            dict(zip(_DPKG_FIELDS, row[1:], strict=True)) for row in rows if row[0] == match["name"]
        ]
        wanted = match["format"].replace(r"\n", "\n")
        told = "".join(_filled(wanted, row) for row in mine)
        if told and "${" not in told:  # else it asks for something else
            yield match[0], 0, told


def _filled(form: str, row: Mapping[str, str]) -> str:
    for field, value in row.items():
        form = form.replace(field, value)
    return form


_RPM_FIELDS = {"%{VERSION}": 1, "%{RELEASE}": 2}


def _tell_rpm(found: Sequence[re.Match[str]], text: str) -> Answers:
    rows = list(split_rows(text, 3))
    for match in found:
        mine = [row for row in rows if row[0] == match["name"]]
        if mine and match["format"] is None:
            yield match[0], 0, ""  # --quiet
        elif mine:
            yield match[0], 0, "".join(row[_RPM_FIELDS[match["format"]]] for row in mine)


DPKG = Family(
    pattern=re.compile(
        r"(LC_ALL=C )?dpkg-query -f '(?P<format>[^']*)' -W (?P<name>[a-z0-9][a-z0-9+.-]+)"
    ),
    where=there("dpkg-query"),
    ask=_ask_dpkg,
    tell=_tell_dpkg,
)

RPM = Family(
    pattern=re.compile(
        r"rpm -q (?:--quiet|--queryformat=\"(?P<format>%\{(?:VERSION|RELEASE)\})\") "
        rf"(?P<name>{WORD})(?: 2>&1)?"
    ),
    where=f"! {there('dpkg-query')} && {there('rpm')}",  # as testinfra chooses
    ask=lambda found: (
        f"rpm -q --queryformat '%{{NAME}}|%{{VERSION}}|%{{RELEASE}}\\n' {as_words(found)}"
    ),
    tell=_tell_rpm,
)
