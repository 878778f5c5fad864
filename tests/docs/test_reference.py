"""The reference pages say what the code says: each is held against another way to ask the code."""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from pytest_ddd.baseline.contents import BY_NAME, WHOLE
from pytest_ddd.baseline.schema import baseline_schema
from pytest_ddd.cli import main
from pytest_ddd.results import CheckResult, Reading
from pytest_ddd.scenarios.catalogue import SCENARIOS

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
REFERENCE = DOCS / "reference"
PLACE = re.compile(r"<!-- from code: ([a-z-]+) -->")


@cache
def from_code() -> Any:
    """Return the extension that fills the pages."""
    sys.path.insert(0, str(DOCS))
    try:
        return importlib.import_module("_ext.from_code")
    finally:
        sys.path.remove(str(DOCS))


@cache
def page(name: str) -> str:
    """Return a reference page as it is built."""
    return str(from_code().filled((REFERENCE / f"{name}.md").read_text(encoding="utf-8")))


def said(*words: str, where: Path) -> str:
    """Return what a command prints."""
    done = subprocess.run(
        [sys.executable, "-m", *words], cwd=where, capture_output=True, text=True, check=True
    )
    return done.stdout


def in_first_column(text: str) -> set[str]:
    """Return the code in the first column of all tables."""
    cells = re.findall(r"^\| (`.*?`) \|", text, re.MULTILINE)
    return {one for cell in cells for one in re.findall(r"`([^`]+)`", cell)}


def test_each_part_has_its_page() -> None:
    """Each thing that is taken from the code stands in one page, and nothing else is asked for."""
    named = [one for file in DOCS.rglob("*.md") for one in PLACE.findall(file.read_text("utf-8"))]

    assert sorted(named) == sorted(from_code().PARTS)


def test_options_are_those_of_help(tmp_path: Path) -> None:
    """`pytest --help` and the page name the same options and ini keys."""
    told = said("pytest", "--help", where=tmp_path)

    options = {one.split()[0] for one in in_first_column(page("options"))}
    assert options == set(re.findall(r"^ +(--ddd-[a-z-]+|--host)\b", told, re.MULTILINE))
    ini = set(re.findall(r"^ +(ddd_[a-z_]+) \(", told, re.MULTILINE))
    assert ini == set(re.findall(r"`(ddd_[a-z_]+)`", page("options")))


def test_markers_are_those_that_pytest_knows(tmp_path: Path) -> None:
    """Each marker of the page is registered, with the same words."""
    told = said("pytest", "--markers", where=tmp_path)

    for marker in in_first_column(page("markers")):
        assert f"@pytest.mark.{marker}: " in told
    assert {"daily", "weekly", "monthly", "quarterly", "step(number)"} <= in_first_column(
        page("markers")
    )


def test_fixtures_are_those_of_the_source() -> None:
    """Each function with `@pytest.fixture` is in the page, unless it is private."""
    found = set()
    for module in (ROOT / "pytest_ddd" / "plugin").glob("*.py"):
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
                marks = [ast.unparse(one) for one in node.decorator_list]
                found |= {node.name for one in marks if one.startswith("pytest.fixture")}

    assert in_first_column(page("fixtures")) == found


def test_own_tables_of_the_guide_name_what_is_there() -> None:
    """`Writing checks` has short tables of its own; they name no marker or fixture that is gone."""
    guide = (DOCS / "checks.md").read_text(encoding="utf-8").split("## Options")[0]
    named = re.findall(
        r"`([a-z_]+)[`(]", "\n".join(re.findall(r"^\| (`[^|]*) \|", guide, re.MULTILINE))
    )
    known = in_first_column(page("fixtures")) | in_first_column(page("markers"))

    assert len(named) > 20
    assert set(named) <= {re.sub(r"\(.*", "", one) for one in known}


def _hook_examples() -> Iterator[str]:
    yield from re.findall(r"^```python\n(.*?)^```", page("hooks"), re.MULTILINE | re.DOTALL)


def test_hooks_are_those_of_the_source() -> None:
    """Each specification has a chapter with an example, and the example implements it."""
    source = (ROOT / "pytest_ddd" / "plugin" / "hookspecs.py").read_text(encoding="utf-8")
    names = {one.name for one in ast.parse(source).body if isinstance(one, ast.FunctionDef)}
    implemented = set()
    for example in _hook_examples():
        space: dict[str, object] = {}
        exec(compile(example, "hooks.md", "exec"), space)
        implemented |= {one for one in space if one.startswith("pytest_ddd_")}

    assert implemented == names
    assert set(re.findall(r"^## (\w+)$", page("hooks"), re.MULTILINE)) == names


def _keys(schema: object) -> Iterator[str]:
    """Yield every key that the schema knows, at any depth."""
    if isinstance(schema, list):
        for one in schema:
            yield from _keys(one)
    if isinstance(schema, dict):
        for name, value in schema.items():
            if name == "properties" and isinstance(value, dict):
                yield from value
            yield from _keys(value)


def test_sections_have_every_key_of_the_schema() -> None:
    """What editors offer is explained: each section is a chapter, each key a row."""
    schema = baseline_schema()
    keys = set(schema["properties"])  # type: ignore[arg-type]
    sections = {*BY_NAME, *WHOLE}
    chapters = set(re.findall(r"^## (\w+)$", page("sections"), re.MULTILINE))

    assert chapters == sections
    assert keys - sections <= in_first_column(page("sections"))
    assert set(_keys(schema["$defs"])) <= in_first_column(page("sections")) | sections


def test_each_section_has_a_guide() -> None:
    """Some page shows how to use it: its own, a chapter of that name, or one with an example."""
    chapters = re.split(
        r"^## ", page("sections").split("## Beside the sections")[0], flags=re.MULTILINE
    )

    assert [one.split()[0] for one in chapters[1:] if "\nHow to: [" not in one] == []


def test_record_has_every_field() -> None:
    """Fields of a result and of a reading are all explained."""
    names = {one.name for kind in (CheckResult, Reading) for one in fields(kind)}

    assert names <= in_first_column(page("record"))


def test_exit_statuses_are_those_of_the_source() -> None:
    """No module ends with a status that the page does not know."""
    found = set()
    for module in (ROOT / "pytest_ddd").rglob("*.py"):
        found |= set(re.findall(r"^EXIT_\w+ = (\d+)$", module.read_text("utf-8"), re.MULTILINE))

    assert found <= set(re.findall(r"^\| (\d+) \|", page("exit-status"), re.MULTILINE))


@pytest.mark.parametrize("verb", main.VERBS)
def test_commands_are_those_of_help(verb: str, tmp_path: Path) -> None:
    """Each option that a verb's own help names stands in its chapter, each verb below it too."""
    told = said("pytest_ddd.cli", verb, "--help", where=tmp_path)
    chapter = page("commands").split(f"## pytest-ddd {verb}\n")[1].split("\n## ")[0]

    assert set(re.findall(r"^ +(--[a-z-]+)", told, re.MULTILINE)) <= set(
        re.findall(r"`(--[a-z-]+)", chapter)
    )
    for below in re.findall(r"^    ([a-z]+)  +\S", told, re.MULTILINE):
        assert f"### pytest-ddd {verb} {below}\n" in chapter


def test_scenarios_have_every_step_and_check() -> None:
    """Each step of each routine is a row; each shipped check is named at its step."""
    for scenario in SCENARIOS:
        chapter = page("scenarios").split(f"## {scenario.title}\n")[1].split("\n## ")[0]
        for step in scenario.steps:
            assert f"| {step.number} | {step.title} |" in chapter
    for file in (ROOT / "checks").rglob("test_*.py"):
        for name in re.findall(r"^def (test_\w+)", file.read_text("utf-8"), re.MULTILINE):
            assert f"`{name}`: " in page("scenarios")
