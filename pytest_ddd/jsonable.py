"""Frozen dataclasses as JSON and back, by their annotations."""

from __future__ import annotations

import dataclasses
import math
import types
from collections.abc import Callable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from pytest_ddd.clock import from_stamp, stamp
from pytest_ddd.errors import RecordError
from pytest_ddd.plain import Json

T = TypeVar("T")

_HINTS: dict[type, dict[str, object]] = {}

_LARGEST_WHOLE = 2**53 - 1
"""Larger whole numbers lose digits in other readers of JSON; they are written as text."""

_DECIMAL_BITS = 4096
"""Python refuses to write much longer whole numbers as decimals."""

_NON_FINITE = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def to_json(value: object, text: Callable[[str], str]) -> Json:
    """Return JSON of only plain types for a dataclass and all that is in it.

    Args:
        value: a dataclass of texts, numbers, times, enums, tuples, mappings and dataclasses;
            anything else becomes the text of it.
        text: what every text passes through.
    """
    if isinstance(value, tuple | list):
        return [to_json(item, text) for item in value]
    if isinstance(value, Mapping):
        return {text(str(key)): to_json(item, text) for key, item in value.items()}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return fields_to_json(value, text)
    return _leaf(value, text)


def fields_to_json(value: object, text: Callable[[str], str]) -> dict[str, Json]:
    """Return the fields of a dataclass as `to_json` writes them, in their order."""
    return {name: to_json(getattr(value, name), text) for name in _fields(type(value))}


def from_json(kind: type[T], value: Json, path: str = "") -> T:
    """Return the dataclass that `to_json` wrote; unknown keys are passed over.

    Raises:
        RecordError: a field is missing or not of its type; the message names it.
    """
    found = _decode(kind, value, path)
    if not isinstance(found, kind):
        raise _mistake(path, value)
    return found


def _fields(kind: type) -> dict[str, object]:
    """Return names and annotations of a dataclass's fields, in their order."""
    if kind not in _HINTS:
        _HINTS[kind] = get_type_hints(kind)
    return _HINTS[kind]


def _leaf(value: object, text: Callable[[str], str]) -> Json:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return value.value if isinstance(value, StrEnum) else text(value)
    if isinstance(value, int | float):
        return _number(value)
    return stamp(value) if isinstance(value, datetime) else text(str(value))


def _number(value: float) -> Json:
    if isinstance(value, int):
        if abs(value) <= _LARGEST_WHOLE:
            return int(value)
        return str(int(value)) if value.bit_length() <= _DECIMAL_BITS else hex(value)
    if math.isfinite(value):
        whole = value.is_integer() and abs(value) <= _LARGEST_WHOLE
        return int(value) if whole else float(value)  # 41, not 41.0: as RFC 8785 has it
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _decode(kind: object, value: Json, path: str) -> object:
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        return _decode_union(get_args(kind), value, path)
    if origin is tuple and isinstance(value, list):
        each = get_args(kind)[0]
        return tuple(_decode(each, item, f"{path}[{n}]") for n, item in enumerate(value))
    if origin in (dict, Mapping) and isinstance(value, dict):
        each = get_args(kind)[1]
        return {key: _decode(each, item, f"{path}.{key}") for key, item in value.items()}
    if origin is Literal and value in get_args(kind):
        return value
    if isinstance(kind, type) and origin is None:
        return _decode_plain(kind, value, path)
    raise _mistake(path, value)


def _decode_plain(kind: type, value: Json, path: str) -> object:
    if dataclasses.is_dataclass(kind) and isinstance(value, dict):
        return _decode_fields(kind, value, path)
    try:
        if issubclass(kind, datetime) and isinstance(value, str):
            return from_stamp(value)
        if issubclass(kind, StrEnum) and isinstance(value, str):
            return kind(value)
    except ValueError:
        raise _mistake(path, value) from None
    if kind is float and type(value) is int:
        return float(value)
    if kind is float and isinstance(value, str) and value in _NON_FINITE:
        return _NON_FINITE[value]
    if type(value) is kind:
        return value
    raise _mistake(path, value)


def _decode_union(kinds: tuple[object, ...], value: Json, path: str) -> object:
    if type(value) in kinds:
        return value
    for kind in kinds:
        if isinstance(kind, type) and dataclasses.is_dataclass(kind) != isinstance(value, dict):
            continue  # a dict is for the dataclass, whose own mistakes are worth telling
        if kind is not types.NoneType:
            return _decode(kind, value, path)
    raise _mistake(path, value)


def _decode_fields(kind: type, value: dict[str, Json], path: str) -> object:
    fields = _fields(kind)
    missing = [name for name in fields if name not in value]
    if missing:
        raise RecordError(f"record field {path}.{missing[0]} is missing".replace(" .", " "))
    return kind(
        **{
            name: _decode(hint, value[name], f"{path}.{name}".lstrip("."))
            for name, hint in fields.items()
        }
    )


def _mistake(path: str, value: Json) -> RecordError:
    return RecordError(f"record field {path or '(whole)'}: {str(value)[:60]!r} is not allowed here")
