"""Which alerts share one message: many new ones of a rule at once, and those once told so."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pytest_ddd.alerts import Alert, AlertKey, dedup_key
from pytest_ddd.messages import Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """A message that nothing stops, about one alert."""

    alert: Alert
    kind: Kind
    channels: tuple[str, ...]
    group_above: int | None
    """More new alerts of its rule than this are one message; None never groups."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """One message: what it does to which incident, and the alerts that it is about."""

    dedup_key: str
    kind: Kind
    channels: tuple[str, ...]
    alerts: tuple[Alert, ...]
    is_group: bool = False


def bundle(dues: Sequence[Due], alerts: Iterable[Alert]) -> list[Bundle]:
    """Return the messages to write.

    Args:
        dues: what is due, at most once an alert.
        alerts: all alerts: a group is resolved when the last of its members is.
    """
    closing = {due.alert.key for due in dues if due.kind is Kind.RESOLVE}
    still_open = {
        alert.announced_as for alert in alerts if alert.announced_as and alert.key not in closing
    }
    groups: dict[tuple[str, Kind, tuple[str, ...]], list[Due]] = {}
    for due in dues:
        name = due.alert.announced_as or due.alert.key.rule
        if due.kind is Kind.RESOLVE and name in still_open:
            continue
        groups.setdefault((name, due.kind, due.channels), []).append(due)
    return [one for group in groups.values() for one in _bundles(group)]


def _bundles(group: Sequence[Due]) -> list[Bundle]:
    first = group[0]
    if first.alert.announced_as:
        return [_one(first.alert.announced_as, group)]
    if first.group_above is not None and len(group) > first.group_above:
        return [_one(_group_key([due.alert.key for due in group]), group)]
    return [_one(due.alert.key.dedup_key, [due]) for due in group]


def _one(key: str, group: Sequence[Due]) -> Bundle:
    return Bundle(
        dedup_key=key,
        kind=group[0].kind,
        channels=group[0].channels,
        alerts=tuple(due.alert for due in group),
        is_group=len(group) > 1,
    )


def _group_key(keys: Sequence[AlertKey]) -> str:
    """Return the incident of a group: another one than that of an older group of its rule."""
    members = hashlib.sha256("\n".join(sorted(key.dedup_key for key in keys)).encode())
    return dedup_key(keys[0].environment, keys[0].rule, "group", members.hexdigest()[:12])
