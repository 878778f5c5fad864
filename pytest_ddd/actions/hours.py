"""Whether a host may be changed now: its windows, and what is left of them."""

from __future__ import annotations

from datetime import datetime
from typing import cast
from zoneinfo import ZoneInfo

from pytest_ddd.baseline.model import Baseline, Declaration
from pytest_ddd.baseline.sections.maintenance import Maintenance
from pytest_ddd.units import format_duration
from pytest_ddd.windows import parse_window

SECTION = "maintenance"


def obstacles(baseline: Baseline, host: str, *, at: datetime, needs_s: float) -> list[str]:
    """Return why a host may not be changed now; empty when all its windows are open long enough.

    Args:
        baseline: what the windows are, and in which time zone.
        host: its inventory name.
        at: the moment.
        needs_s: how long the change may take at most, its way back included.
    """
    declared = [
        cast("Declaration[Maintenance]", one) for one in baseline.for_host[host].get(SECTION, ())
    ]
    with_window = [one for one in declared if one.model.window is not None]
    if not with_window:
        return [
            f"{host} has no maintenance window: add `{SECTION}: {{patches: {{window: "
            f'"Tue 02:00-04:00"}}}}` in {baseline.root}/{baseline.name}/{SECTION}.yaml'
        ]
    zone = baseline.environment.timezone
    return [text for one in with_window if (text := _obstacle(one, zone, at, needs_s))]


def _obstacle(
    declaration: Declaration[Maintenance], zone: str, at: datetime, needs_s: float
) -> str:
    text = declaration.model.window
    assert text is not None
    where = f"window {declaration.key} ({text} {zone}, {declaration.origin('window')})"
    held = parse_window(text, zone).begun(at)
    if held is None:
        return f"{where} is closed: it is {at.astimezone(ZoneInfo(zone)):%a %H:%M} there"
    left_s = (held[1] - at).total_seconds()
    if left_s < needs_s:
        return (
            f"{where} closes in {format_duration(left_s)}, and this batch with its way back may "
            f"take {format_duration(needs_s)}"
        )
    return ""
