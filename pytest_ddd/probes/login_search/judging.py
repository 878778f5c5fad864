"""Hold log-ins against who may log in, from where and when; pure."""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from pytest_ddd.baseline.sections.access import DAYS, HOURS, Access, Visitor
from pytest_ddd.probes.login_search.answer import Found, Session
from pytest_ddd.probes.login_search.events import Event
from pytest_ddd.units import plural

_SAME_S = 300
"""A log line and the session it opened are no further apart."""


def strangers(events: Iterable[Event], model: Access, zone: str) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with log-ins and sudo, grouped, with the key that says so."""
    seen: Counter[tuple[str, str]] = Counter()
    first: dict[tuple[str, str], Event] = {}
    for event in events:
        found = _wrong(event, model, ZoneInfo(zone))
        if found is not None:
            seen[found] += 1
            first.setdefault(found, event)
    for (text, key), count in seen.items():
        at = f"{first[text, key].at:%Y-%m-%d %H:%M} UTC"
        times = f", {plural(count, 'time')} in all" if count > 1 else ""
        yield f"{text} (first at {at}{times})", key


def _wrong(event: Event, model: Access, zone: ZoneInfo) -> tuple[str, str] | None:
    """Return what is wrong with one event, and the key that says so."""
    text = ""
    if event.kind == "login":
        text = _wrong_login(event, model.allowed.get(event.who), zone)
    elif event.kind == "sudo failed":
        text = f"{event.who} was refused: {event.what[:80]}"
    elif event.kind == "sudo" and event.who not in (*model.sudo, "root"):
        text = f"{event.who}, who may not, ran as somebody else: {event.what[:80]}"
    return (text, "allowed" if event.kind == "login" else "sudo") if text else None


def _wrong_login(event: Event, visitor: Visitor | None, zone: ZoneInfo) -> str:
    if visitor is None:
        who = "root" if event.who == "root" else f"{event.who}, who may not,"
        return f"{who} logged in from {event.where}"
    if not _is_from(event.where, visitor):
        return f"{event.who} logged in from {event.where}, outside of the allowed networks"
    if not is_within(event.at, visitor.hours, zone):
        return f"{event.who} logged in outside of the allowed hours from {event.where}"
    return ""


def _is_from(where: str, visitor: Visitor) -> bool:
    if not visitor.networks:
        return True
    try:
        address = ipaddress.ip_address(where.partition("%")[0])
    except ValueError:  # a console, or a name: nobody knows from where
        return False
    return any(address in ipaddress.ip_network(each) for each in visitor.networks)


def is_within(at: datetime, hours: Sequence[str], zone: ZoneInfo) -> bool:
    """Whether a moment is in one of some hours; `22:00-06:00` belong to the day they begin on."""
    local = at.astimezone(zone)
    return not hours or any(_covers(each, local) for each in hours)


def _covers(text: str, local: datetime) -> bool:
    match = HOURS.fullmatch(text)
    assert match is not None
    start, end = time.fromisoformat(match[3]), time.fromisoformat(match[4])
    now, day = local.time().replace(tzinfo=None), local
    if start <= end:
        inside = start <= now < end
    else:
        inside = now >= start or now < end
        day = local - timedelta(days=1) if now < end else local
    return inside and _is_day(day.weekday(), match[1], match[2])


def _is_day(weekday: int, first: str | None, last: str | None) -> bool:
    if first is None:
        return True
    start, end = DAYS.index(first), DAYS.index(last or first)
    return (weekday - start) % 7 <= (end - start) % 7


def unlogged(found: Found) -> list[Session]:
    """Return sessions from elsewhere that wtmp knows and the log does not."""
    logged = [(one.who, one.at) for one in found.events if one.kind == "login"]
    return [
        session
        for session in found.logins
        if session.where and not session.where.startswith(":")
        and not any(
            who == session.who and abs((at - session.at).total_seconds()) <= _SAME_S
            for who, at in logged
        )
    ]  # fmt: skip
