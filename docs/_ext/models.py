"""What a baseline may say: every section and key, how it is written, what holds without it."""

from __future__ import annotations

import re
from datetime import time
from functools import cache
from pathlib import Path

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema
from pydantic_core import PydanticUndefined

from _ext.in_pytest import anchor
from _ext.markdown import code, first_line, prose, table
from pytest_ddd.baseline.contents import BY_NAME, FILES, IN_ENVIRONMENT, ON_HOSTS, WHOLE
from pytest_ddd.baseline.describing import descriptions, long_name, models_by_name
from pytest_ddd.baseline.fields import Entry
from pytest_ddd.baseline.schema import baseline_schema
from pytest_ddd.plain import Json

DOCS = Path(__file__).parents[1]
_PREFIX = "#/$defs/"
_FEW = ("warn", "crit")
"""A default with more keys than these is not shown: its own table has them."""

_BY_EXAMPLE = {"30s": "duration such as `15m`", "10GiB": "size such as `10GiB`"}
"""What is known by its first or last example, in words."""

_DURATIONS = (("d", 86400), ("h", 3600), ("m", 60), ("s", 1), ("ms", 0.001))
_SIZES = (("GiB", 1024**3), ("MiB", 1024**2), ("KiB", 1024), ("B", 1))

_PLAIN = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "`true` or `false`",
    "null": "`null`",
    "object": "mapping",
    "array": "list",
}


def sections() -> str:
    """Return a chapter for each section, then one for each kind of value that they share."""
    parts = []
    every = {**BY_NAME, **WHOLE}
    for name, model in every.items():
        parts += [f"## {name}\n", f"{_place(name)}\n", prose(model.__doc__), _keys(model)]
        parts.append(_guide(name))
        if issubclass(model, Entry):
            parts.append("And [what every entry can say](#every-entry).\n")
    parts += ["## Beside the sections\n", _beside(set(every))]
    parts += ["## Every entry\n", prose(_own_docstring(Entry)), _keys(Entry)]
    parts.append("## Values within sections\n")
    for name, model in sorted(_shared(set(every.values())).items()):
        parts += [f"### {_title(name)}\n", prose(_own_docstring(model)), _keys(model)]
    return "\n".join(parts)


def _beside(sections: set[str]) -> str:
    """Return the keys of a file that are no section."""
    properties = baseline_schema()["properties"]
    assert isinstance(properties, dict)
    rows = [
        (code(name), _written(one), str(one.get("description", "")))
        for name, one in properties.items()
        if name not in sections and isinstance(one, dict)
    ]
    return table(("key", "what to write", "meaning"), rows)


def _guide(name: str) -> str:
    """Return a link to the page that tells how to use a section."""
    place = guide(name)
    return f"How to: [{place.partition('.md')[0]}](../{place}).\n" if place else ""


def finder() -> str:
    """Return links from all sections to the pages that show their use, in one line."""
    names = sorted({*BY_NAME, *WHOLE})
    return " · ".join(f"[`{name}`]({guide(name) or 'reference/sections.md'})" for name in names)


def guide(name: str) -> str:
    """Return where the use of a section is told: on its own page, or where most is said of it."""
    if f"{name}.md" in _pages():
        return f"{name}.md"
    page = _most_of(name)
    part = f"#{anchor(name)}" if _heading(name) in _pages().get(page, "") else ""
    return f"{page}{part}"


def _most_of(name: str) -> str:
    signs = (_heading(name), f"(reference/sections.md#{name})", f"\n{name}:")
    for sign in signs:
        found = {page: text.count(sign) for page, text in _pages().items() if sign in text}
        if found:
            return max(found, key=lambda page: found[page])
    return ""


def _heading(name: str) -> str:
    return f"\n## {name}\n"


@cache
def _pages() -> dict[str, str]:
    """Return all how-to pages with their text."""
    files = (file for file in sorted(DOCS.glob("*.md")) if file.stem != "baselines")
    return {file.name: file.read_text(encoding="utf-8") for file in files}


def _place(name: str) -> str:
    files = " or ".join(code(f"{stem}.yaml") for stem in FILES[name])
    if name in ON_HOSTS:
        return f"In {files}. A mapping by name; each entry holds on every host."
    if name in IN_ENVIRONMENT:
        where = "each entry lives in the environment, or on the hosts of `applies_to`"
        return f"In {files}. A mapping by name; {where}."
    return f"In {files}. " + ("One mapping." if name in WHOLE else "A mapping by name.")


def _keys(model: type[BaseModel]) -> str:
    schema = _schema(model)
    properties = schema.get("properties")
    assert isinstance(properties, dict)
    said = descriptions(model)
    rows = []
    for name, field in model.model_fields.items():
        key = field.alias or name
        if issubclass(model, Entry) and model is not Entry and name in Entry.model_fields:
            continue
        without = "**needed**"
        if not field.is_required():
            left_out = _default(field.get_default(call_default_factory=True), properties[key])
            without = f"{left_out} if left out" if left_out else ""
        written = "; ".join(one for one in (_written(properties[key]), without) if one)
        rows.append((code(key), written, said.get(name) or _of_model(properties[key])))
    return table(("key", "what to write", "meaning"), rows) if rows else ""


def _of_model(schema: Json) -> str:
    """Return what a key means that has no words of its own: those of the model below it."""
    named = re.findall(re.escape(_PREFIX) + r"(\w+)", str(schema))
    models = [_by_name()[one] for one in named if one in _by_name()]
    return first_line(_own_docstring(models[0])) if len(models) == 1 else ""


def _written(schema: Json) -> str:
    """Say in words how a value is written."""
    assert isinstance(schema, dict)
    if isinstance(ref := schema.get("$ref"), str):
        name = ref.removeprefix(_PREFIX)
        shown = _title(name)
        return f"[{shown}](#{anchor(shown)})" if name in _by_name() else code(shown)
    for several in ("anyOf", "oneOf", "allOf"):
        if isinstance(options := schema.get(several), list):
            words = [_written(one) for one in options]
            return " or ".join(dict.fromkeys(one for one in words if one != "`null`"))
    if "const" in schema:
        return code(str(schema["const"]))
    if isinstance(choices := schema.get("enum"), list):
        return ", ".join(code(str(one)) for one in choices)
    if isinstance(examples := schema.get("examples"), list):
        return _alike(examples)
    return _container(schema)


def _alike(examples: list[Json]) -> str:
    for one in examples:
        if words := _BY_EXAMPLE.get(str(one)):
            return words
    return "such as " + ", ".join(code(str(one)) for one in examples)


def _container(schema: dict[str, Json]) -> str:
    kind = str(schema.get("type", ""))
    if kind == "array" and isinstance(item := schema.get("items"), dict):
        return f"list: {_written(item)}"
    if kind == "object" and isinstance(value := schema.get("additionalProperties"), dict):
        return f"mapping by name: {_written(value)}"
    return _PLAIN.get(kind, "any value") + _bounds(schema)


def _bounds(schema: dict[str, Json]) -> str:
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and high is not None:
        return f", {low} to {high}"
    if low is not None:
        return f", {low} or more"
    return f", at most {high}" if high is not None else ""


def _default(value: object, schema: Json) -> str:
    """Return what holds without a key, as one would write it; nothing for what says nothing."""
    if value is PydanticUndefined or (not value and value is not False):
        return ""
    text = _of_several(value) if isinstance(value, BaseModel) else _as_written(value, schema)
    return code(text)


def _of_several(value: BaseModel) -> str:
    """Return a default that is a mapping of a few keys, such as limits."""
    properties = _schema(type(value)).get("properties")
    assert isinstance(properties, dict)
    told = {
        field.alias or name: _default(getattr(value, name), properties[field.alias or name])
        for name, field in type(value).model_fields.items()
    }
    inner = ", ".join(f"{name}: {text.strip('`')}" for name, text in told.items() if text)
    return f"{{{inner}}}" if inner and len(told) <= len(_FEW) else ""


def _as_written(value: object, schema: Json) -> str:
    unit = _unit(schema)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float) and unit:
        return _amount(value, unit)
    if isinstance(value, list | tuple):
        return ", ".join(str(one) for one in value)
    return value.strftime("%H:%M") if isinstance(value, time) else str(value)


def _amount(value: float, unit: str) -> str:
    """Return an amount as a baseline has it: in the largest unit that leaves no rest."""
    if unit == "%":
        return f"{value:g}%"
    units = _DURATIONS if unit == "s" else _SIZES
    return next(f"{value / size:g}{name}" for name, size in units if value % size == 0)


def _unit(schema: Json) -> str:
    """Return the unit that a number has which is written as text."""
    text = str(schema)
    for example, unit in (("'30s'", "s"), ("'10GiB'", "bytes"), ("'80%'", "%")):
        if example in text:
            return unit
    return ""


@cache
def _by_name() -> dict[str, type[BaseModel]]:
    """Return every model that some section uses, by its name in the schema."""
    return models_by_name(_schemas())


def _title(name: str) -> str:
    """Return a name of the schema as a heading: `Query of thresholds`."""
    *module, short = name.split("__")
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", short).capitalize()
    return f"{words} of {module[-1]}" if module else words


def _schema(model: type[BaseModel]) -> dict[str, Json]:
    return _schemas().get(long_name(model)) or _schemas()[model.__name__]


def _shared(sections: set[type[BaseModel]]) -> dict[str, type[BaseModel]]:
    here = {*sections, Entry}
    return {name: model for name, model in _by_name().items() if model not in here}


@cache
def _schemas() -> dict[str, dict[str, Json]]:
    models = [*BY_NAME.values(), *WHOLE.values(), Entry]
    _, made = models_json_schema([(one, "validation") for one in models])
    schemas: dict[str, dict[str, Json]] = made["$defs"]
    return schemas


def _own_docstring(model: type[BaseModel]) -> str:
    return model.__dict__.get("__doc__") or ""
