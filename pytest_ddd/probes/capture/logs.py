"""Find the logs of a host: the files that its running services write, and the journal."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

from pytest_ddd.baseline.placing import Statement
from pytest_ddd.baseline.tree import Plain
from pytest_ddd.probes.capture.interface import LeftOut, Search, Values
from pytest_ddd.probes.capture.names import SUDO, look_at
from pytest_ddd.probes.drift.comparison import Comparison

SECTION = "logs"

_OPEN_FILES = "find /proc/[0-9]*/fd -lname '/var/log/*' -printf '%h %l\\n' 2>/dev/null; id -u"
"""Process and file of all that is open below /var/log; only root sees it of everybody."""

_OPEN_FILE = re.compile(r"/proc/(?P<pid>\d+)/fd (?P<path>/var/log/[^\n]+)")
_UNIT = re.compile(r"^/proc/(?P<pid>\d+)/cgroup:.*/(?P<unit>[^/\n]+)\.service(?:/|$)", re.MULTILINE)
_SPACE = re.compile(r"^/proc/(\w+)/ns/pid (\S+)$", re.MULTILINE)
_NO_TEXT = re.compile(r"access|/journal/|\.(gz|xz|bz2|zst|journal)$|/(wtmp|btmp|lastlog)$| \(")
"""Who asked for what is no trouble, and binary files have their own readers."""

_PATTERNS: Mapping[str, tuple[str, str]] = {
    "nginx*": ("[[](crit|alert|emerg)[]]", "[[]error[]]"),
    "apache2*": (":(crit|alert|emerg)[]]", ":error[]]"),
    "httpd*": (":(crit|alert|emerg)[]]", ":error[]]"),
    "postgresql*": ("PANIC:", "(ERROR|FATAL):"),
    "mariadb*": ("[[]FATAL[]]", "[[]ERROR[]]"),
    "mysql*": ("[[]FATAL[]]", "[[]ERROR[]]"),
    "*": (
        "(^|[^A-Za-z])(PANIC|FATAL|CRITICAL|EMERG(ENCY)?|panic|fatal)([^A-Za-z]|$)",
        "(^|[^A-Za-z])(ERROR|Error|error)([^A-Za-z]|$)",
    ),
}
"""Service -> what is critical and what is an error in its log, as its manual words it."""

_IGNORED = {"nginx*": "[(]2: No such file or directory[)]"}
"""Service -> errors of whoever asked: for nginx, a page that is not there is one."""

_JOURNAL: Values = {"journal": "*", "priority": "crit", "critical": ["."]}
"""Every line that its own program calls critical, or worse."""


def find(search: Search) -> Iterator[Statement | LeftOut]:
    """Yield an entry for each log that a running service writes."""
    host = search.host
    look = look_at(search.scope.connections, host)
    if look.script("journalctl -q -n 0").ok:
        yield Statement(host=host, path=(SECTION, "journal"), values=_JOURNAL)
    *lines, account = look.script(_OPEN_FILES).text.splitlines() or [""]
    if account != "0":
        yield LeftOut(
            host=host,
            name=SECTION,
            why="only root sees which files the services of others write",
            hint=SUDO,
        )
        return
    found = _by_service(look, lines)
    for unit, paths in found.items():
        patterns = patterns_of(unit)
        for path in paths:
            name = unit if len(paths) == 1 else f"{unit}-{PurePosixPath(path).stem}"
            yield Statement(host=host, path=(SECTION, name), values={"path": path, **patterns})


def _by_service(look: Comparison, lines: Sequence[str]) -> dict[str, list[str]]:
    """Return the text files that each running service has open."""
    opened = [match for line in lines if (match := _OPEN_FILE.fullmatch(line)) is not None]
    units = _units_of(look, {match["pid"] for match in opened})
    found: dict[str, set[str]] = {}
    for match in opened:
        if match["pid"] in units and not _NO_TEXT.search(match["path"]):
            found.setdefault(_plain_name(units[match["pid"]]), set()).add(match["path"])
    return {unit: sorted(paths) for unit, paths in sorted(found.items())}


def _units_of(look: Comparison, pids: set[str]) -> dict[str, str]:
    """Return the services that processes belong to; a container's have files of their own."""
    if not pids:
        return {}
    spaces = shlex.join(f"/proc/{pid}/ns/pid" for pid in ["self", *sorted(pids)])
    groups = shlex.join(f"/proc/{pid}/cgroup" for pid in sorted(pids))
    text = look.script(
        f"find {spaces} -maxdepth 0 -printf '%p %l\\n' 2>/dev/null;"
        f" grep -H . {groups} /dev/null 2>/dev/null"
    ).text
    inside = dict(_SPACE.findall(text))
    return {
        match["pid"]: match["unit"]
        for match in _UNIT.finditer(text)
        if inside.get(match["pid"]) == inside.get("self")
    }


def _plain_name(unit: str) -> str:
    """Return the name of a service without its instance: `postgresql@15-main` is postgresql."""
    return unit.partition("@")[0]


def patterns_of(unit: str) -> Values:
    """Return the patterns for the log of a service, as an entry writes them."""
    critical, error = next(both for name, both in _PATTERNS.items() if fnmatchcase(unit, name))
    ignored: list[Plain] = [text for name, text in _IGNORED.items() if fnmatchcase(unit, name)]
    ignore: Values = {"ignore": ignored} if ignored else {}
    return {"critical": [critical], "error": [error], **ignore}
