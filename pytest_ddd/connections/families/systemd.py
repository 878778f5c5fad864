"""Units of systemd: one systemctl a verb."""

from __future__ import annotations

import re
from collections.abc import Sequence

from pytest_ddd.connections.families.interface import (
    WORD,
    Answers,
    Family,
    as_words,
    names_of,
    there,
)

_SHOW = """\
{{
x=$(systemctl show {names}); printf '%s\\n\\nprocesses\\n' "$x"
set -f; IFS='
'; set --; d=' '
for l in $x; do
case $l in MainPID=*[!0-9]* | MainPID=0) continue ;; MainPID=*) p=${{l#*=}} ;; *) continue ;; esac
case $d in *" $p "*) continue ;; esac
read -r s </proc/$p/stat || continue
printf '%s\\n' "$s"
set -- "$@" /proc/$p/exe; d="$d$p "
done 2>/dev/null
unset IFS; set +f
[ $# = 0 ] || readlink -v "$@" 2>&1
}}"""
"""What shows the units, then a line for each main process, then a line for each of its programs.

The shell itself reads what is known there first. A readlink that takes one link only says less.
"""

_STAT = re.compile(r"[0-9]+ \(.*\) [A-Za-z]( -?[0-9]+){20,}")
_HIDDEN = re.compile(r"readlink: /proc/(?P<pid>[0-9]+)/exe: .+")


def main_process(pid: str) -> str:
    """Return the command that prints the state of a process and the program that it runs."""
    return f"cat /proc/{pid}/stat; readlink /proc/{pid}/exe"


def _tell_show(found: Sequence[re.Match[str]], text: str) -> Answers:
    """Tell the units, and the main process of each of them."""
    units, _, processes = text.partition("\n\nprocesses\n")
    yield from _tell_units(found, units)
    lines = processes.removesuffix("\n").split("\n")
    stats, links = lines[: len(lines) // 2], lines[len(lines) // 2 :]
    hidden = {match["pid"] for link in links if (match := _HIDDEN.fullmatch(link))}
    programs = [link for link in links if link.startswith("/")]
    if len(stats) != len(links) or len(hidden) + len(programs) != len(links):
        return
    for stat in stats:
        pid, _, _ = stat.partition(" ")
        program = "" if pid in hidden else f"{programs.pop(0)}\n"
        if _STAT.fullmatch(stat):
            yield main_process(pid), int(pid in hidden), f"{stat}\n{program}"


def _tell_units(found: Sequence[re.Match[str]], text: str) -> Answers:
    """`systemctl show a b` writes one block a unit, with a blank line between two."""
    names = names_of(found)
    blocks = text.split("\n\n")
    if len(blocks) != len(names):
        return
    by_name = dict(zip(names, blocks, strict=True))
    for match in found:
        name, block = match["name"], by_name[match["name"]]
        known = {
            word for line in block.splitlines() if line[:6] == "Names=" for word in line[6:].split()
        }
        if {name, f"{name}.service"} & known:
            yield match[0], 0, f"{block}\n"


_ENABLED_STATUS = {"enabled": 0, "static": 0, "disabled": 1}


def _tell_enabled(found: Sequence[re.Match[str]], text: str) -> Answers:
    names = names_of(found)
    words = text.splitlines()
    if len(words) != len(names):
        return
    by_name = dict(zip(names, words, strict=True))
    for match in found:
        word = by_name[match["name"]]
        if word in _ENABLED_STATUS:
            yield match[0], _ENABLED_STATUS[word], f"{word}\n"


SHOW = Family(
    pattern=re.compile(rf"systemctl show (?P<name>{WORD})"),
    where=there("systemctl"),
    ask=lambda found: _SHOW.format(names=as_words(found)),
    tell=_tell_show,
)

ENABLED = Family(
    pattern=re.compile(rf"(LC_ALL=C )?systemctl is-enabled (-- )?(?P<name>{WORD})"),
    where=there("systemctl"),
    ask=lambda found: f"systemctl is-enabled -- {as_words(found)}",
    tell=_tell_enabled,
)
