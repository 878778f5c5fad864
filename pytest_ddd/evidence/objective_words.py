"""Says in words how an objective stands, for terminal, report and command alike."""

from __future__ import annotations

from pytest_ddd.occurrences import ObjectiveStanding, Point, Standing
from pytest_ddd.units import plural

_SHOWN = 10
"""How many bad occurrences a text names."""

SYMBOLS = {
    Standing.MET: "✓",
    Standing.MISSED: "✗",
    Standing.NOT_PROVEN: "?",
    Standing.NO_DATA: "-",
}


def counted(one: ObjectiveStanding) -> str:
    """Return `61 of 63, 96.8 % of 95 %`, with what was excused or not measured."""
    share = "" if one.share is None else f", {100 * one.share:.3g} %"
    more = [f"{one.excused} excused"] if one.excused else []
    more += [f"{one.unmeasured} not measured"] if one.unmeasured else []
    beside = f" (+ {', '.join(more)})" if more else ""
    return f"{one.good} of {one.good + one.bad}{beside}{share}, target {100 * one.target:.3g} %"


def budget(one: ObjectiveStanding) -> str:
    """Return `1 of 3 bad runs used`."""
    if one.target >= 1:
        return f"{one.bad} bad, none allowed"
    return f"{one.bad} of {one.allowed_bad} bad runs used"


def doubt(one: ObjectiveStanding) -> str:
    """Return the verdict and the interval that it rests on."""
    if one.standing is Standing.NO_DATA:
        return "no data"
    if one.target >= 1 and one.standing is Standing.MET:
        return f"met so far (at least {100 * one.low:.3g} % with 95 % confidence)"
    return f"{one.standing.value} ({100 * one.low:.3g} % to {100 * one.high:.3g} %)"


def line(one: ObjectiveStanding) -> str:
    """Return everything on one line."""
    if one.standing is Standing.NO_DATA and not one.total:
        return (
            f"{SYMBOLS[one.standing]} {one.title}: no data, target {100 * one.target:.3g} %, "
            f"{one.window_days} days"
        )
    return (
        f"{SYMBOLS[one.standing]} {one.title}: {counted(one)}; {budget(one)}; {doubt(one)}; "
        f"{one.window_days} days"
    )


def trend(one: ObjectiveStanding) -> str:
    """Return what the line of occurrences shows: `63 occurrences; bad: 2026-11-03 (missed)`."""
    bad = [
        f"{point.due_at.strftime('%Y-%m-%d')} ({point.happened.value})"
        for point in one.points
        if point.good is False
    ]
    shown = ", ".join(bad[-_SHOWN:])
    return f"{plural(len(one.points), 'occurrence')}; bad: {shown or 'none'}"


def colour(point: Point) -> str:
    """Return the class of a point in the report."""
    return {True: "GREEN", False: "RED", None: "UNKNOWN"}[point.good]
