"""The record's fields, and what each exit status means."""

from __future__ import annotations

import json
from importlib import resources

import pytest

from _ext.markdown import code, table
from pytest_ddd.cli import main
from pytest_ddd.evidence import verification
from pytest_ddd.plain import Json
from pytest_ddd.plugin import session

_PREFIX = "#/$defs/"
_TABLES = ("origin", "limit", "threshold", "reading")
"""What has a table of its own."""

_OF_PYTEST = {
    pytest.ExitCode.OK: "something was looked at, and nothing is RED, UNKNOWN or BLOCKED",
    pytest.ExitCode.TESTS_FAILED: "something is (or is YELLOW, with `--ddd-fail-on yellow`)",
    pytest.ExitCode.INTERRUPTED: "interrupted; what was finished is in the record",
    pytest.ExitCode.INTERNAL_ERROR: "pytest or a plugin is at fault",
    pytest.ExitCode.USAGE_ERROR: "a mistake in what was typed or in a baseline",
    pytest.ExitCode.NO_TESTS_COLLECTED: "nothing was looked at",
    session.EXIT_UNDELIVERED: "somebody has to be told and was not",
    session.EXIT_NOT_WRITTEN: "record, report, evidence or history could not be written or signed",
}
_OF_COMMANDS = {
    0: "done",
    main.EXIT_FAILED: "done, and the answer is bad; or it could not be done",
    main.EXIT_USAGE: "a mistake in what was typed or in a baseline",
    session.EXIT_UNDELIVERED: "a message has not arrived",
    main.EXIT_RECORD: "record, history or evidence cannot be read or written",
    main.EXIT_INTERRUPTED: "interrupted by Ctrl-C",
}


_OF_VERIFY = {
    verification.GOOD: "as it was sealed, complete, and signed by somebody who is trusted",
    verification.TAMPERED: "changed since it was sealed",
    verification.UNTRUSTED: "intact, but not signed, or by nobody who is trusted",
    main.EXIT_USAGE: "a mistake in what was typed",
    verification.INCOMPLETE: "intact and trusted, but the run was not complete",
}


def record() -> str:
    """Return a table for a result, and one for each thing within it."""
    schema: dict[str, Json] = json.loads(
        resources.files("pytest_ddd").joinpath("results.schema.json").read_text("utf-8")
    )
    parts = ["## The line\n", _fields(schema)]
    definitions = schema["$defs"]
    assert isinstance(definitions, dict)
    for name, definition in definitions.items():
        assert isinstance(definition, dict)
        if "properties" in definition:
            parts += [f"## {name}\n", f"{definition.get('description', '')}\n", _fields(definition)]
    return "\n".join(parts)


def _fields(schema: dict[str, Json]) -> str:
    properties = schema["properties"]
    assert isinstance(properties, dict)
    return table(
        ("field", "is", "meaning"),
        [(code(name), _kind(one), str(_said(one))) for name, one in properties.items()],
    )


def _said(schema: Json) -> str:
    return str(schema.get("description", "")) if isinstance(schema, dict) else ""


def _kind(schema: Json) -> str:
    """Say what a field holds."""
    assert isinstance(schema, dict)
    if isinstance(ref := schema.get("$ref"), str):
        name = ref.removeprefix(_PREFIX)
        return f"[{name}](#{name})" if name in _TABLES else name
    if "const" in schema:
        return code(json.dumps(schema["const"]))
    if isinstance(choices := schema.get("enum"), list):
        return ", ".join(code(str(one)) for one in choices)
    if isinstance(several := schema.get("anyOf") or schema.get("oneOf"), list):
        return " or ".join(_kind(one) for one in several)
    kind = schema.get("type", "")
    if kind == "array" and isinstance(item := schema.get("items"), dict):
        return f"list of {_kind(item)}"
    return " or ".join(kind) if isinstance(kind, list) else str(kind)  # type: ignore[arg-type]


def exit_status() -> str:
    """Return what pytest and the commands end with."""
    parts = [
        "## pytest\n",
        _statuses(_OF_PYTEST),
        "When several hold, the order of precedence is 4, 76, 75, 1.\n",
        "## pytest-ddd\n",
        _statuses(_OF_COMMANDS),
        "## pytest-ddd evidence verify\n",
        _statuses(_OF_VERIFY),
    ]
    return "\n".join(parts)


def _statuses(meanings: dict[int, str]) -> str:
    return table(("status", "meaning"), [(str(int(n)), text) for n, text in meanings.items()])
