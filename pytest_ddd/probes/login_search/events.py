"""Read lines of an auth log as events: who did what, from where, when."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from itertools import repeat
from typing import Literal

Kind = Literal["login", "failed", "unknown", "sudo", "sudo failed", "unread"]

_ISO = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:[.,]\d+)?(Z|[+-]\d\d:?\d\d)?")
_OLD = re.compile(r"([A-Z][a-z]{2}) ([ \d]\d) (\d\d:\d\d:\d\d)")
_MONTHS = "JanFebMarAprMayJunJulAugSepOctNovDec"

_SSHD = re.compile(
    r"\bsshd(?:-session|-auth)?\[(?P<process>\d+)\]: "
    r"(?:message repeated (?P<times>\d+) times: \[ )?(?P<said>.*)"
)
"""rsyslog's $RepeatedMsgReduction tells how often a line came again."""

_MOST_TIMES = 100_000
"""More of one line are not told apart: whoever can write into the log can write any number."""
_PATTERNS: Sequence[tuple[Kind, re.Pattern[str]]] = (
    ("login", re.compile(r"Accepted (?P<how>\S+) for (?P<who>.+) from (?P<where>\S+) port \d+")),
    ("unknown", re.compile(r"Invalid user (?P<who>.*) from (?P<where>\S+)")),
    ("failed", re.compile(
        r"Failed (?!publickey|none)(?P<how>\S+) for (?:invalid user )?(?P<who>.*) "
        r"from (?P<where>\S+) port")),
    ("failed", re.compile(
        r"(?:Connection (?:closed|reset) by|Disconnected from) (?:authenticating|invalid) user "
        r"(?P<who>.*) (?P<where>\S+) port \d+")),
    ("failed", re.compile(
        r"error: maximum .* for (?:invalid user )?(?P<who>.*) from (?P<where>\S+) port")),
)  # fmt: skip
"""What sshd writes. That it refused one public key is no failure: clients try all they have."""

_SUDO = re.compile(r"\bsudo(?:\[\d+\])?:\s+(?P<who>\S+) : (?P<rest>.*)")
_REFUSED = ("NOT in sudoers", "incorrect password", "not allowed", "password is required")
_SU = re.compile(r"\bsu(?:\[\d+\])?: (?P<failed>FAILED SU )?\(to (?P<to>\S+)\) (?P<who>\S+) on ")
_LOGIN = re.compile(r"\blogin\[\d+\]: .*session opened for user (?P<who>[^\s(]+)")
_LOGIN_FAILED = re.compile(r"\blogin\[\d+\]: FAILED LOGIN .*(?:FOR|for) '?(?P<who>[^',]*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One thing that happened; `where` is an address or a terminal, `what` a command or a way.

    `process` is the number of the sshd that tells it. A failure without a way is the end of a
    connection that did not get in.
    """

    kind: Kind
    at: datetime
    who: str = ""
    where: str = ""
    what: str = ""
    process: str = ""


def stamp_of(line: str, *, zone: timedelta, before: datetime) -> datetime | None:
    """Return when a line was written, in UTC; None when it does not say.

    Args:
        line: begins with an RFC 3339 time, or with `Nov 23 07:30:00`.
        zone: the host's offset, for lines that name none.
        before: when its file was last written: the year that old stamps lack.
    """
    if (iso := _ISO.match(line)) is not None:
        name = iso[3] or ""
        offset = UTC if name == "Z" else timezone(_offset(name) if name else zone)
        return _moment(f"{iso[1]} {iso[2]}", offset)
    old = _OLD.match(line)
    at = _MONTHS.find(old[1]) if old else -1
    if old is None or at % 3:
        return None
    for year in (before.year, before.year - 1):
        text = f"{year}-{at // 3 + 1:02d}-{int(old[2]):02d} {old[3]}"
        moment = _moment(text, timezone(zone))
        if moment is not None and moment <= before + timedelta(days=1):
            return moment
    return None


def read(line: str, at: datetime) -> Iterator[Event]:
    """Yield what one line tells; a line about nothing that is looked for tells nothing."""
    if (sshd := _SSHD.search(line)) is not None:
        for kind, pattern in _PATTERNS:
            if (match := pattern.match(sshd["said"])) is not None:
                found = match.groupdict()
                event = Event(
                    kind=kind, at=at, who=found["who"], where=found["where"],
                    what=found.get("how") or "", process=sshd["process"],
                )  # fmt: skip
                yield from repeat(event, min(int(sshd["times"] or 1), _MOST_TIMES))
                return
    elif (sudo := _SUDO.search(line)) is not None:
        yield from _sudo(sudo, at)
    elif (su := _SU.search(line)) is not None:
        yield Event(
            kind="sudo failed" if su["failed"] else "sudo",
            at=at,
            who=su["who"],
            what=f"su {su['to']}",
        )
    elif (failed := _LOGIN_FAILED.search(line)) is not None:
        yield Event(kind="failed", at=at, who=failed["who"], where="console", what="password")
    elif (login := _LOGIN.search(line)) is not None:
        yield Event(kind="login", at=at, who=login["who"], where="console", what="password")


def _sudo(match: re.Match[str], at: datetime) -> Iterator[Event]:
    reason, marker, command = match["rest"].partition("COMMAND=")
    if not marker:
        return
    refused = any(words in reason for words in _REFUSED)
    kind: Kind = "sudo failed" if refused else "sudo"
    yield Event(kind=kind, at=at, who=match["who"], what=command.strip())


def _moment(text: str, zone: timezone) -> datetime | None:
    try:
        return datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC)
    except ValueError:
        return None


def _offset(text: str) -> timedelta:
    sign = -1 if text[0] == "-" else 1
    digits = text[1:].replace(":", "")
    return sign * timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))


def zone_of(text: str) -> timedelta:
    """Read `+0100` as `date +%z` prints it."""
    return _offset(text)
