"""Log lines: the last one that tells how a job ended."""

from __future__ import annotations

import re
import shlex
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from pytest_ddd.baseline.sections.jobs import LogLine
from pytest_ddd.errors import CannotLookError
from pytest_ddd.plain import visible
from pytest_ddd.probes import commands
from pytest_ddd.probes.job_sources.interface import Found, Run

if TYPE_CHECKING:
    from pytest_ddd.connections import Session

_TAIL_BYTES = 256 << 20
"""So much of the end of a log is searched."""

_LINE_BYTES = 4096
_SHOWN = 200
_SCRIPT = """\
export LC_ALL=C
date '+%s %z' || exit 1
if [ ! -e {path} ]; then echo it is not there >&2; exit 1; fi
if [ ! -f {path} ] || [ ! -r {path} ]; then echo it cannot be read >&2; exit 1; fi
for file in {path} {rotated}; do
  [ -f "$file" ] || continue
  if [ ! -r "$file" ]; then echo "$file cannot be read" >&2; exit 1; fi
  line=$(tail -c {tail} -- "$file" | grep -aE {both} | tail -n 1 | cut -b -{line})
  [ -n "$line" ] && break
done
[ -n "$line" ] || exit 0
if {failed}; then echo failure; else echo success; fi
printf '%s' "$line"
"""
_STAMP = re.compile(
    r"^[\[<\s]*(?:\d{1,3}>(?:1 )?)?"
    r"(?:(?P<date>\d{4}[-/.]\d\d[-/.]\d\d)[T_ ](?P<time>\d\d:\d\d:\d\d)(?:[.,]\d+)?"
    r" ?(?P<zone>Z|UTC|GMT|[+-]\d\d:?\d\d)?"
    r"|(?P<month>[A-Z][a-z]{2}) (?P<day>[ 0-3]\d) (?P<clock>\d\d:\d\d:\d\d)"
    r"|(?P<epoch>1\d{9})(?:[.]\d+)?\b)"
)


def find(session: Session, log: LogLine, timeout_s: float) -> Found:
    """Search the end of the log on its host, then of its first rotated sibling.

    Raises:
        CannotLookError: the log cannot be read, or the line that was found tells no time.
    """
    both = [log.success, *([log.failure] if log.failure else [])]
    failed = f"printf '%s\\n' \"$line\" | grep -qaE -e {shlex.quote(log.failure or '')}"
    command = _SCRIPT.format(
        path=shlex.quote(log.path),
        rotated=shlex.quote(f"{log.path}.1"),
        tail=_TAIL_BYTES,
        line=_LINE_BYTES,
        both=" ".join(f"-e {shlex.quote(pattern)}" for pattern in both),
        failed=failed if log.failure else "false",
    )
    shown = f"grep -aE {' '.join(f'-e {shlex.quote(one)}' for one in both)} {log.path}"
    completed = commands.look(session, command, shown=shown, timeout_s=timeout_s)
    source = f"{session.spec.label}: {shown}"
    if not completed.ok or completed.error_text.strip():
        raise commands.blind(session, shown, completed, hint=f"ls -l {shlex.quote(log.path)}")
    return parse(completed.text, source)


def parse(text: str, source: str) -> Found:
    """Return what the script printed: the clock of the host, then how and in which words.

    Raises:
        CannotLookError: the line tells no time.
    """
    first, *rest = text.split("\n", 2)
    now, _, offset = first.partition(" ")
    if not now.isdecimal() or not re.fullmatch(r"[+-]\d{4}", offset):
        raise CannotLookError(f"{source}: not a clock: {first!r}")
    seen_at = datetime.fromtimestamp(int(now), UTC)
    if len(rest) < 2:
        return Found(run=None, source=source, seen_at=seen_at)
    how, line = rest
    run = Run(
        finished_at=stamp_of(line, seen_at, offset),
        succeeded=how == "success",
        said=visible(line[:_SHOWN]),
    )
    return Found(run=run, source=source, seen_at=seen_at)


def stamp_of(line: str, now: datetime, offset: str) -> datetime:
    """Return the time that a line begins with.

    Args:
        line: begins with RFC 3339, the stamp of syslog, or seconds since 1970.
        now: the clock of the host.
        offset: of the host's time zone, `+0100`, for stamps that say none.

    Raises:
        CannotLookError: it begins with something else.
    """
    match = _STAMP.match(line)
    try:
        if match is not None and match["epoch"]:
            return datetime.fromtimestamp(int(match["epoch"]), UTC)
        if match is not None and match["date"]:
            zone = match["zone"] or offset
            zone = "+0000" if zone.isalpha() else zone.replace(":", "")
            text = f"{re.sub('[/.]', '-', match['date'])} {match['time']} {zone}"
            return datetime.strptime(text, "%Y-%m-%d %H:%M:%S %z").astimezone(UTC)
        if match is not None:
            return _this_year(f"{match['month']} {match['day']} {match['clock']} {offset}", now)
    except ValueError:
        pass
    raise CannotLookError(
        f"the line does not begin with a time: {visible(line[:_SHOWN])!r}",
        hint="let the job write RFC 3339 (date -Is) before its words, or use a marker file",
    )


def _this_year(stamp: str, now: datetime) -> datetime:
    """Return the latest time with such a stamp that is not in the future."""
    for year in (now.year + 1, now.year, now.year - 1):
        found = datetime.strptime(f"{year} {stamp}", "%Y %b %d %H:%M:%S %z").astimezone(UTC)
        if found <= now + timedelta(days=1):
            return found
    raise ValueError(stamp)
