"""Take a number, or a list of numbers, out of the JSON that a URL answers."""

from __future__ import annotations

from pytest_ddd.errors import CannotLookError
from pytest_ddd.plain import Json
from pytest_ddd.probes.metering.samples import Samples
from pytest_ddd.probes.web.ask import Caller
from pytest_ddd.probes.web.conditions import AbsentError, find, show


def samples(caller: Caller, at: str) -> Samples:
    """Return what stands at a dotted path of the answer.

    Raises:
        CannotLookError: no answer, nothing there, or something that is no number.
    """
    answer = caller.json("", (), caller.deadline())
    source = f"{caller.url}: {at}"
    try:
        found = find(answer, at)
    except AbsentError as absent:
        begins = show(answer)
        raise CannotLookError(f"{source} is absent (no {absent}) in {begins}") from None
    many = found if isinstance(found, list) else [found]
    return Samples(values=tuple(_number(one, source) for one in many), source=source)


def _number(value: Json, source: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise CannotLookError(f"{source} is {show(value)}: not a number")
    return float(value)
