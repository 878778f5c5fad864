"""Conditions on values in a JSON answer: `healthy`, `">0"`, `"!=failed"`, `"~^2[.]"`."""

from __future__ import annotations

import json
import math
import operator
import re
from collections.abc import Callable, Mapping
from typing import NoReturn, TypeAlias

from pytest_ddd.errors import CannotLookError
from pytest_ddd.plain import Json

Scalar: TypeAlias = str | int | float | bool | None

_COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}
_OPERATOR = re.compile(r"(>=|<=|!=|>|<|~)(.*)", re.DOTALL)
_SHOWN_LENGTH = 200


class AbsentError(LookupError):
    """The path leads nowhere; the message names the step that is missing."""


def parse_json(body: bytes) -> Json:
    """Parse a JSON answer strictly.

    A key that stands twice is refused: readers differ in which one counts.

    Raises:
        ValueError: this is no JSON; the message says why.
    """
    try:
        parsed: Json = json.loads(
            body, object_pairs_hook=_unique, parse_constant=_refuse, parse_float=_finite
        )
    except RecursionError:
        raise ValueError("nested too deeply") from None
    except json.JSONDecodeError as mistake:
        where = f"line {mistake.lineno} column {mistake.colno}"
        raise ValueError(f"{mistake.msg} at {where}") from None
    except UnicodeDecodeError:
        raise ValueError("not UTF-8") from None
    return parsed


def _unique(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"key {twice!r} stands twice")
    return found


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no number of JSON")


def _finite(number: str) -> float:
    value = float(number)
    if not math.isfinite(value):
        _refuse(number)
    return value


def find(answer: Json, path: str) -> Json:
    """Return what stands at a dotted path, with numbers for places in lists: `checks.0.state`.

    Raises:
        AbsentError: nothing stands there.
    """
    at = answer
    for step in path.split("."):
        if isinstance(at, dict) and step in at:
            at = at[step]
        elif isinstance(at, list) and step.isdecimal() and int(step) < len(at):
            at = at[int(step)]
        else:
            raise AbsentError(step)
    return at


def holds(observed: Json, expected: Scalar) -> bool:
    """Whether an observed value meets what the baseline expects.

    Types count: the text `"1"`, the number 1 and `true` are three values. Only a number can be
    compared with `<` and `>`, and a list or an object meets no condition at all.

    Raises:
        CannotLookError: the condition itself makes no sense.
    """
    if isinstance(observed, list | dict):
        return False
    match = _OPERATOR.fullmatch(expected) if isinstance(expected, str) else None
    if match is None:
        return _same(observed, expected)
    sign, operand = match[1], match[2].strip()
    if sign == "~" and not operand:
        raise CannotLookError(
            f"condition {expected!r} is met by everything", hint='write a pattern behind it: "~ok"'
        )
    if sign == "~":
        return observed is not None and re.search(match[2], _text(observed)) is not None
    if sign == "!=":
        return not _same(observed, operand) and not _same(observed, _literal(operand))
    limit = _number(operand, expected)
    if isinstance(observed, bool) or not isinstance(observed, int | float):
        return False
    return _COMPARISONS[sign](observed, limit)


def show(value: Json) -> str:
    """Write a value as JSON does, cut to what a message can hold."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SHOWN_LENGTH else text[:_SHOWN_LENGTH] + "…"


def show_expected(expected: Scalar) -> str:
    """Write what is expected: a condition as it stands in the baseline, a value as JSON."""
    if isinstance(expected, str) and _OPERATOR.fullmatch(expected):
        return expected
    return show(expected)


def _same(observed: Scalar, expected: Scalar) -> bool:
    if isinstance(observed, bool) or isinstance(expected, bool):
        return observed is expected
    return observed == expected  # 1 and 1.0 are one number in JSON; other types never meet


def _text(observed: Scalar) -> str:
    return observed if isinstance(observed, str) else json.dumps(observed)


def _literal(operand: str) -> Scalar:
    try:
        value = json.loads(operand)
    except ValueError:
        return operand
    return value if not isinstance(value, list | dict) else operand


def _number(operand: str, condition: Scalar) -> float:
    try:
        number = float(operand)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise CannotLookError(
            f"condition {condition!r} compares with what is no number",
            hint='write a number behind the sign: ">0"',
        )
    return number
