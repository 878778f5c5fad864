"""The JSON Schema of baseline files, for editors; made from the models."""

from __future__ import annotations

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from pytest_ddd.baseline.contents import BY_NAME, OVERRIDABLE, VERSION, WHOLE
from pytest_ddd.baseline.describing import descriptions, models_by_name
from pytest_ddd.plain import Json

_LEFT_OUT = ("title", "default", "required", "format")
DIALECT = "https://json-schema.org/draft/2020-12/schema"


def baseline_schema() -> dict[str, Json]:
    """Return the schema of one baseline file.

    It lets through what only a layer may say: every value may be null (which removes it), and
    nothing is required, because the rest may stand in a layer below. `pytest-ddd validate` is
    stricter, because it sees all layers.
    """
    definitions = _definitions()
    for name in ("Host", "Group"):
        _mapping(_mapping(definitions[name])["properties"])["set"] = {
            "description": "Changes sections for these hosts only.",
            "type": "object",
            "additionalProperties": False,
            "properties": {section: _section(section) for section in OVERRIDABLE},
        }
    return {
        "$schema": DIALECT,
        "title": "Baseline of pytest-ddd",
        "description": "What good looks like in one environment.",
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "version": {"const": VERSION, "description": "Version of the format."},
            "extends": {
                "description": "Environments whose values hold where this one is silent.",
                "type": "array",
                "minItems": 1,
                "items": {"type": "string"},
            },
            "from_ansible": {
                "description": "An Ansible inventory, file or directory, whose hosts are meant.",
                "type": "string",
            },
            **{section: _section(section) for section in (*BY_NAME, *WHOLE)},
        },
        "$defs": definitions,
    }


def _definitions() -> dict[str, Json]:
    """Return the schema of every model by its name."""
    models = {**BY_NAME, **WHOLE}
    _, made = models_json_schema(
        [(model, "validation") for model in models.values()], ref_template="#/$defs/{model}"
    )
    found: dict[str, Json] = {name: _loosened(one) for name, one in made["$defs"].items()}
    for name, model in models_by_name(found).items():
        _describe(_mapping(found[name]), model)
    return found


def _describe(definition: dict[str, Json], model: type[BaseModel]) -> None:
    """Say beside each key what it means: editors show it."""
    said = descriptions(model)
    for name, field in model.model_fields.items():
        if name in said:
            key = field.alias or name
            _mapping(_mapping(definition["properties"])[key])["description"] = said[name]


def _section(name: str) -> Json:
    """Return the schema of one section; `null` removes what a lower layer says."""
    if name in WHOLE:
        return _or_null({"$ref": f"#/$defs/{WHOLE[name].__name__}"})
    entry: Json = {"$ref": f"#/$defs/{BY_NAME[name].__name__}"}
    return _or_null({"type": "object", "additionalProperties": _or_null(entry)})


def _loosened(definition: Json) -> Json:
    """Return a model's schema without titles, defaults and required keys; nulls allowed.

    Defaults are left out because they are in seconds and bytes, not as one writes them.
    """
    if isinstance(definition, list):
        return [_loosened(each) for each in definition]
    if not isinstance(definition, dict):
        return definition
    kept = {key: value for key, value in definition.items() if key not in _LEFT_OUT}
    if isinstance(properties := kept.pop("properties", None), dict):
        loosened = {key: _or_null(_loosened(value)) for key, value in properties.items()}
        return {**{key: _loosened(value) for key, value in kept.items()}, "properties": loosened}
    return {key: _loosened(value) for key, value in kept.items()}


def _or_null(schema: Json) -> Json:
    return {"anyOf": [schema, {"type": "null"}]}


def _mapping(schema: Json) -> dict[str, Json]:
    assert isinstance(schema, dict)
    return schema
