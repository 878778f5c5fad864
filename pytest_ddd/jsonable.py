"""Frozen dataclasses as JSON and back, by their annotations."""

from __future__ import annotations

import dataclasses
import math
import types
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from operator import attrgetter
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from pytest_ddd.clock import from_stamp, stamp
from pytest_ddd.errors import RecordError
from pytest_ddd.plain import Json

T = TypeVar("T")

Text = Callable[[str], str]
Encoder = Callable[[Any, Text], Json]
Decoder = Callable[[Json], object]

_HINTS: dict[type, dict[str, object]] = {}
_ENCODERS: dict[type, Encoder] = {}
_DECODERS: dict[object, Decoder] = {}
_SHAPES: dict[type, tuple[tuple[str, ...], Callable[[object], Iterable[Any]]]] = {}

_LARGEST_WHOLE = 2**53 - 1
"""Larger whole numbers lose digits in other readers of JSON; they are written as text."""

_DECIMAL_BITS = 4096
"""Python refuses to write much longer whole numbers as decimals."""

_NON_FINITE = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def to_json(value: object, text: Text) -> Json:
    """Return JSON of only plain types for a dataclass and all that is in it.

    Args:
        value: a dataclass of texts, numbers, times, enums, tuples, mappings and dataclasses;
            anything else becomes the text of it.
        text: what every text passes through.
    """
    encode = _ENCODERS.get(type(value)) or _encoder(type(value))
    return encode(value, text)


def fields_to_json(value: object, text: Text) -> dict[str, Json]:
    """Return the fields of a dataclass as `to_json` writes them, in their order."""
    names, values_of = _shape(type(value))
    found: dict[str, Json] = {}
    for name, item in zip(names, values_of(value), strict=True):
        kind = type(item)
        if kind is str:
            found[name] = text(item) if item else item
        else:
            encode = _ENCODERS.get(kind) or _encoder(kind)
            found[name] = encode(item, text)
    return found


def from_json(kind: type[T], value: Json, path: str = "") -> T:
    """Return the dataclass that `to_json` wrote; unknown keys are passed over.

    Raises:
        RecordError: a field is missing or not of its type; the message names it.
    """
    try:
        found = _decoder(kind)(value)
    except _Mistake as mistake:
        raise mistake.told(path) from None
    if not isinstance(found, kind):
        raise _Mistake(value).told(path)
    return found


def _fields(kind: type) -> dict[str, object]:
    """Return names and annotations of a dataclass's fields, in their order."""
    if kind not in _HINTS:
        _HINTS[kind] = get_type_hints(kind)
    return _HINTS[kind]


def _shape(kind: type) -> tuple[tuple[str, ...], Callable[[object], Iterable[Any]]]:
    """Return the names of a dataclass's fields, and what takes their values in that order."""
    if kind not in _SHAPES:
        names = tuple(_fields(kind))
        several = attrgetter(*names) if len(names) > 1 else _each(names)
        _SHAPES[kind] = (names, several)
    return _SHAPES[kind]


def _each(names: Iterable[str]) -> Callable[[object], Iterable[Any]]:
    return lambda value: [getattr(value, name) for name in names]


def _encoder(kind: type) -> Encoder:
    """Return what writes values of a type; chosen once, as a record holds thousands of each."""
    if kind not in _ENCODERS:
        found = (encode for base, encode in _BY_TYPE if issubclass(kind, base))
        usual = fields_to_json if dataclasses.is_dataclass(kind) else _as_text
        _ENCODERS[kind] = next(found, usual)
    return _ENCODERS[kind]


def _items(value: Iterable[object], text: Text) -> Json:
    return [to_json(item, text) for item in value]


def _pairs(value: Mapping[object, object], text: Text) -> Json:
    return {text(str(key)): to_json(item, text) for key, item in value.items()}


def _as_text(value: object, text: Text) -> Json:
    return text(str(value))


_BY_TYPE: tuple[tuple[type | types.UnionType, Encoder], ...] = (
    (tuple | list, _items),
    (Mapping, _pairs),
    (bool | types.NoneType, lambda value, _: value),
    (StrEnum, lambda value, _: value.value),
    (str, lambda value, text: text(value)),
    (int | float, lambda value, _: _number(value)),
    (datetime, lambda value, _: stamp(value)),
)


def _number(value: float) -> Json:
    if isinstance(value, int):
        if abs(value) <= _LARGEST_WHOLE:
            return int(value)
        return str(int(value)) if value.bit_length() <= _DECIMAL_BITS else hex(value)
    if math.isfinite(value):
        whole = value.is_integer() and abs(value) <= _LARGEST_WHOLE
        return int(value) if whole else float(value)  # 41, not 41.0: as RFC 8785 has it
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


class _Mistake(Exception):  # noqa: N818 - never leaves this module
    """A value is not of its type; each level on the way up adds its part of the path."""

    def __init__(self, value: Json, *, missing: str = "") -> None:
        super().__init__()
        self.value = value
        self.missing = missing
        self.parts: list[str] = [f".{missing}"] if missing else []

    def told(self, path: str) -> RecordError:
        """Return the error that names the field."""
        where = (path + "".join(reversed(self.parts))).lstrip(".")
        if self.missing:
            return RecordError(f"record field {where} is missing")
        shown = str(self.value)[:60]
        return RecordError(f"record field {where or '(whole)'}: {shown!r} is not allowed here")


def _decoder(kind: object) -> Decoder:
    """Return what reads values of an annotation; made once."""
    if kind not in _DECODERS:
        _DECODERS[kind] = _new_decoder(kind)
    return _DECODERS[kind]


def _new_decoder(kind: object) -> Decoder:
    origin, args = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return _union(args)
    if origin is tuple:
        return _list(_decoder(args[0]))
    if origin in (dict, Mapping):
        return _mapping(_decoder(args[1]))
    if origin is Literal:
        return _either(args)
    if isinstance(kind, type) and origin is None:
        return _dataclass(kind) if dataclasses.is_dataclass(kind) else _plain(kind)
    return _either(())


def _either(allowed: tuple[object, ...]) -> Decoder:
    def decode(value: Json) -> object:
        if value not in allowed:
            raise _Mistake(value)
        return value

    return decode


def _list(each: Decoder) -> Decoder:
    def decode(value: Json) -> object:
        if not isinstance(value, list):
            raise _Mistake(value)
        items = []
        try:
            for item in value:
                items.append(each(item))  # noqa: PERF401 - its length says where it went wrong
        except _Mistake as mistake:
            mistake.parts.append(f"[{len(items)}]")
            raise
        return tuple(items)

    return decode


def _mapping(each: Decoder) -> Decoder:
    def decode(value: Json) -> object:
        if not isinstance(value, dict):
            raise _Mistake(value)
        key, found = "", {}
        try:
            for key, item in value.items():
                found[key] = each(item)
        except _Mistake as mistake:
            mistake.parts.append(f".{key}")
            raise
        return found

    return decode


def _plain(kind: type) -> Decoder:
    def decode(value: Json) -> object:
        if type(value) is kind:
            return value
        try:
            if issubclass(kind, datetime) and isinstance(value, str):
                return from_stamp(value)
            if issubclass(kind, StrEnum) and isinstance(value, str):
                return kind(value)
        except ValueError:
            raise _Mistake(value) from None
        if kind is float and type(value) is int:
            return float(value)
        if kind is float and isinstance(value, str) and value in _NON_FINITE:
            return _NON_FINITE[value]
        raise _Mistake(value)

    return decode


def _union(kinds: tuple[object, ...]) -> Decoder:
    def decode(value: Json) -> object:
        if type(value) in kinds:
            return value
        for kind in kinds:
            if isinstance(kind, type) and dataclasses.is_dataclass(kind) != isinstance(value, dict):
                continue  # a dict is for the dataclass, whose own mistakes are worth telling
            if kind is not types.NoneType:
                return _decoder(kind)(value)
        raise _Mistake(value)

    return decode


def _dataclass(kind: type) -> Decoder:
    decoders = {name: _decoder(hint) for name, hint in _fields(kind).items()}

    def decode(value: Json) -> object:
        if not isinstance(value, dict):
            raise _Mistake(value)
        missing = next((name for name in decoders if name not in value), "")
        if missing:
            raise _Mistake(value, missing=missing)
        name, found = "", {}
        try:
            for name, read in decoders.items():
                found[name] = read(value[name])
        except _Mistake as mistake:
            mistake.parts.append(f".{name}")
            raise
        return kind(**found)

    return decode
