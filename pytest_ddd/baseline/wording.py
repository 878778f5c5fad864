"""Check a tree against its model, and say in plain sentences what does not fit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from pytest_ddd.baseline.fields import LITERAL_REFUSED, URL_REFUSED, Model, SecretRef
from pytest_ddd.baseline.tree import (
    SHOWN_LENGTH,
    Mistakes,
    Node,
    Path,
    nearest,
    plain,
    shown,
    suggestion,
)

M = TypeVar("M", bound=Model)

_WRONG_TYPE = {
    "string_type": "must be a text (put it in quotes)",
    "int_type": "must be a whole number without quotes",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "list_type": "must be a list: write [one, two]",
    "dict_type": "must be a mapping: lines of `key: value` below it",
    "model_type": "must be a mapping: lines of `key: value` below it",
    "model_attributes_type": "must be a mapping: lines of `key: value` below it",
    "path_type": "must be a path: a text",
}
"""What a value must be, by the kind of error."""


def checked(model: type[M], node: Node, path: Path, mistakes: Mistakes) -> M | None:
    """Return the model of a node, or None after adding what is wrong to `mistakes`."""
    for name, entry in node.entries.items():
        if name.endswith("_") and name in model.model_fields:  # as Python spells `from`
            text = f"unknown key {shown(name)!r}{nearest(name, known_keys(model))}"
            mistakes.add(entry.origin, (*path, name), text)
    try:
        return model.model_validate(plain(node))
    except ValidationError as reason:
        errors = reason.errors(include_url=False, include_context=True)
    for place, details in _by_place(node, errors).items():
        where = _at(node, place)
        if not where.broken and not _is_part_of_broken(where):
            mistakes.add(where.origin, (*path, *place), _sentence(model, place, where, details))
    return None


def known_keys(model: type[BaseModel]) -> list[str]:
    """Return the keys of a model as files write them."""
    return [field.alias or name for name, field in model.model_fields.items()]


def _by_place(node: Node, errors: Sequence[ErrorDetails]) -> dict[Path, ErrorDetails]:
    """Return one error for each place: where a union failed, the one that says most."""
    found: dict[Path, ErrorDetails] = {}
    for error in errors:
        place = _place(node, error)
        before = found.get(place)
        if before is None or (before["type"] in _WRONG_TYPE and error["type"] not in _WRONG_TYPE):
            found[place] = error
    deeper = {place[:length] for place in found for length in range(len(place))}
    return {
        place: error
        for place, error in found.items()
        if not (place in deeper and error["type"] in _WRONG_TYPE)
    }


def _place(node: Node, error: ErrorDetails) -> Path:
    """Return the path of an error in the tree, without the names of types in between."""
    place: list[str | int] = []
    for part in error["loc"]:
        if isinstance(part, int) and part < len(node.items):
            node = node.items[part]
            place.append(part)
        elif str(part) in node.entries:
            node = node.entries[str(part)]
            place.append(str(part))
    return tuple(place)


def _at(node: Node, place: Path) -> Node:
    for part in place:
        node = node.items[part] if isinstance(part, int) else node.entries[part]
    return node


def _is_part_of_broken(node: Node) -> bool:
    """Return whether something directly below is broken, so that this error follows from it."""
    return any(entry.broken for entry in (*node.entries.values(), *node.items))


def _sentence(model: type[BaseModel], place: Path, node: Node, error: ErrorDetails) -> str:
    kind = error["type"]
    if kind == "extra_forbidden":
        at, key = _model_at(model, place[:-1]), str(place[-1])
        elsewhere = getattr(at, "elsewhere", {}).get(key, "")
        return f"unknown key {shown(key)!r}{elsewhere or nearest(key, known_keys(at))}"
    if kind == "missing":
        return f"needs {error['loc'][-1]!r}"
    said = _said(error)
    if _takes_secret(model, place) or said in (LITERAL_REFUSED, URL_REFUSED):
        return said
    return f"{said}, found {_found(node)}" if _shows_value(node, said) else said


def _said(error: ErrorDetails) -> str:
    """Return what is wrong, without the value that was found."""
    kind, context = error["type"], error.get("ctx", {})
    if kind in _WRONG_TYPE:
        return _WRONG_TYPE[kind]
    if kind in ("value_error", "assertion_error"):
        said = str(context.get("error", error["msg"]))
        value = str(error["input"])
        return said if len(value) <= SHOWN_LENGTH else said.replace(value, shown(value))
    if kind == "literal_error":
        choices = (
            str(context.get("expected", "")).replace("'", "").replace(" or ", ", ").split(", ")
        )
        value = error["input"]
        near = suggestion(value, choices) if isinstance(value, str) else ""
        return f"must be one of {', '.join(choices)}{near}"
    if kind == "too_short":
        return "must not be empty"
    for name, words in (
        ("ge", "at least"),
        ("gt", "more than"),
        ("le", "at most"),
        ("lt", "less than"),
    ):
        if name in context:
            return f"must be {words} {context[name]}"
    return error["msg"].removeprefix("Input ").removeprefix("Value error, ")


def _shows_value(node: Node, said: str) -> bool:
    """Return whether to add the value: a mapping or list is too long, and twice is too often."""
    return not (node.entries or node.items) and (node.written or str(node.value)) not in said


def _found(node: Node) -> str:
    if isinstance(node.value, str):
        return shown(node.written) if node.written else f'"{shown(node.value)}"'
    if node.value is None:
        return "null"
    return shown(node.written) or (
        "an empty mapping" if isinstance(node.value, dict) else "an empty list"
    )


def _model_at(model: type[BaseModel], place: Path) -> type[BaseModel]:
    """Return the model that describes the mapping at a place."""
    for part in place:
        annotation: object = None
        for name, field in model.model_fields.items():
            if part in (name, field.alias):
                annotation = field.annotation
        if annotation is not None:
            model = next(_models_in(annotation), model)
    return model


def _models_in(annotation: object) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models_in(part)


def _takes_secret(model: type[BaseModel], place: Path) -> bool:
    """Return whether the value at a place may be a secret, which no message shows."""
    return any(
        SecretRef in _models_in(field.annotation)
        for length in range(1, len(place) + 1)
        for name, field in _model_at(model, place[: length - 1]).model_fields.items()
        if place[length - 1] in (name, field.alias)
    )
