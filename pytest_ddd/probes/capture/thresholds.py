"""Propose limits of resources: the usual ones, or wider ones where those would not hold."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pytest_ddd import results
from pytest_ddd.baseline.model import Declaration
from pytest_ddd.baseline.placing import Statement
from pytest_ddd.baseline.sections.thresholds import Resource as Limits
from pytest_ddd.errors import CannotLookError, NotApplicableError, UnreachableError
from pytest_ddd.outcomes import Outcome
from pytest_ddd.probes.capture.interface import LeftOut, Search, Values
from pytest_ddd.probes.resources import SECTION, Resource
from pytest_ddd.probes.scope import Scope
from pytest_ddd.results import Limit, Reading, Threshold
from pytest_ddd.units import format_quantity

_CPU: Values = {"warn": "95%", "attempts": {"count": 3, "interval": "2s"}}
"""A busy processor alone is no fault: no crit, and one busy moment does not count."""

_PERCENT = ((80, 90), (90, 95), (95, 98))
_SWAP = ((50, 80), (80, 90))
_OPEN_FILES = ((70, 90),)
_LOAD = ((2, 5), (4, 8), (8, 16))
_STEPS = {"memory": _PERCENT, "swap": _SWAP, "load": _LOAD, "open_files": _OPEN_FILES}
"""Limits from narrow to wide, warn and crit; what is beyond the widest is no state to keep."""


def find(search: Search) -> Iterator[Statement | LeftOut]:
    """Yield limits for what is on a host."""
    scope, host = search.scope, search.host
    yield _statement(host, "cpu", _CPU)
    for kind, steps in _STEPS.items():
        if search.wants(kind):
            yield from _of_host(scope, host, kind, steps)
    for kind in ("disk", "inodes"):
        if any(map(search.wants, (kind, *_mounts_of(search, kind)))):
            yield from _of_file_systems(scope, host, kind)


def _mounts_of(search: Search, kind: str) -> list[str]:
    return [name for name in search.names if name.startswith(f"{kind}:")]


def _of_host(
    scope: Scope, host: str, kind: str, steps: Sequence[tuple[int, int]]
) -> Iterator[Statement | LeftOut]:
    """Propose limits of something that a host has once."""
    read = _read(scope, host, kind, steps[0])
    if isinstance(read, LeftOut):
        yield read
        return
    for reading in read:
        yield propose(host, kind, reading, steps)


def _of_file_systems(scope: Scope, host: str, kind: str) -> Iterator[Statement | LeftOut]:
    """Propose one entry for all file systems, and one for each that is fuller than usual."""
    read = _read(scope, host, kind, _PERCENT[0])
    if isinstance(read, LeftOut):
        yield read
        return
    fuller = [one for one in read if not _holds(one, _PERCENT[0])]
    if len(fuller) < len(read):
        exclude: Values = {"exclude": [_mount(one) for one in fuller]} if fuller else {}
        yield _statement(host, kind, {**_limits(kind, _PERCENT[0]), **exclude})
    for one in fuller:
        yield propose(host, f"{kind}:{_mount(one)}", one, _PERCENT)


def _read(scope: Scope, host: str, kind: str, step: tuple[int, int]) -> Sequence[Reading] | LeftOut:
    """Return what a check would read."""
    model = Limits.model_validate(_limits(kind, step))
    declaration = Declaration(section=SECTION, key=kind, model=model, origins={})
    entry = Resource(declaration, host=host, connections=scope.connections, profile="day")
    try:
        return entry.read().readings
    except UnreachableError:
        raise
    except NotApplicableError:
        return ()
    except CannotLookError as failure:
        name = f"{SECTION}:{kind}"
        return LeftOut(host=host, name=name, why=failure.message, hint=failure.hint)


def propose(
    host: str, key: str, reading: Reading, steps: Sequence[tuple[int, int]]
) -> Statement | LeftOut:
    """Return the narrowest limits that hold, and say why when they are not the usual ones."""
    name = f"{SECTION}:{key}"
    if reading.value is None:
        return LeftOut(host=host, name=name, why=reading.error or "could not be read")
    used = format_quantity(float(str(reading.value)), reading.unit)
    step = next((one for one in steps if _holds(reading, one)), None)
    if step is None:
        why = f"{used} is too much to call it as it should be"
        hint = f"mend it, or write limits of your own: {key}: {{warn: …, crit: …}}"
        return LeftOut(host=host, name=name, why=why, hint=hint)
    values = _limits(key.partition(":")[0], step)
    if step != steps[0]:
        values["description"] = f"It was at {used} when this was captured"
    return _statement(host, key, values)


def _holds(reading: Reading, step: tuple[int, int]) -> bool:
    warn, crit = (Limit(value=float(limit)) for limit in step)
    limits = Threshold(warn=warn, crit=crit, unit=reading.unit)
    return results.judge(reading, limits).outcome is Outcome.GREEN


def _limits(kind: str, step: tuple[int, int]) -> Values:
    warn, crit = step
    return (
        {"warn": warn, "crit": crit} if kind == "load" else {"warn": f"{warn}%", "crit": f"{crit}%"}
    )


def _mount(reading: Reading) -> str:
    return reading.name.partition(" ")[2]


def _statement(host: str, key: str, values: Values) -> Statement:
    return Statement(host=host, path=(SECTION, key), values=values)
