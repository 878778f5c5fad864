"""Find the days on which files of a host have records."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from datetime import UTC, date, datetime
from importlib import resources
from typing import TYPE_CHECKING

from pytest_ddd.baseline.sections.retention import Retention
from pytest_ddd.errors import CannotLookError
from pytest_ddd.probes.login_search.events import stamp_of, zone_of

if TYPE_CHECKING:
    from pytest_ddd.connections import Session


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """The days that have records, and what could not be seen."""

    days: frozenset[date]
    count: int
    """Files, or rows."""
    source: str
    took_s: float = 0.0
    blinds: tuple[str, ...] = ()


def kept_in_files(model: Retention, session: Session) -> Kept:
    """Return the days of a log's lines, or of the last changes of files.

    Raises:
        CannotLookError: the search did not come to its end.
    """
    source = resources.files("pytest_ddd.probes.keeping").joinpath("days.sh").read_text("utf-8")
    by_line = model.kind == "log"
    heads = f"files={shlex.quote(model.files)}\nby_line={'1' if by_line else ''}\n"
    answer = session.run(heads + source, timeout_s=model.timeout, repeatable=True)
    lines = answer.text.split("\n")
    if "#E" not in lines:
        raise CannotLookError(f"{model.files}: the search did not come to its end: {answer.said}")
    return _read(lines, model.files, answer.took_s, by_line=by_line)


def _read(lines: list[str], name: str, took_s: float, *, by_line: bool) -> Kept:
    days: set[date] = set()
    blinds: list[str] = []
    _, now, offset = lines[0].split()
    before, zone = datetime.fromtimestamp(int(now), UTC), zone_of(offset)
    count, file = 0, ""
    for line in lines:
        mark, _, rest = line.partition(" ")
        if mark == "#F":
            mtime, _, file = rest.partition(" ")
            before, count = datetime.fromtimestamp(int(mtime), UTC), count + 1
            if not by_line:
                days.add(before.date())
        elif mark == "#!":
            blinds.append(rest)
        elif mark == "#?" and int(rest):
            blinds.append(f"{rest} lines of {file} do not say when")
        elif line.startswith(":"):
            at = stamp_of(f"{line[1:]} 00:00:00", zone=zone, before=before)
            if at is not None:
                days.add((at + zone).date())
    return Kept(
        days=frozenset(days),
        count=count,
        source=name,
        took_s=took_s,
        blinds=tuple(dict.fromkeys(blinds)),
    )
