"""The seven routines: their times, their steps, and which checks do them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from _ext.markdown import code, first_line, table
from pytest_ddd.scenarios.catalogue import SCENARIOS
from pytest_ddd.scenarios.model import Scenario
from pytest_ddd.units import format_duration

CHECKS = Path(__file__).parents[2] / "checks"


def scenarios() -> str:
    """Return a chapter for each routine, with the checks that are there today."""
    return "\n".join(_chapter(one) for one in SCENARIOS)


def _chapter(scenario: Scenario) -> str:
    checks = list(_checks(scenario))
    facts = [
        ("name", code(scenario.name)),
        ("marker", code(scenario.frequency.value)),
        ("time budget", format_duration(scenario.budget_s)),
        ("when", scenario.trigger),
        ("who", ", ".join(scenario.actors)),
    ]
    rows = [
        (str(step.number), step.title, "<br>".join(_of(step.number, checks)) or "*not yet*")
        for step in scenario.steps
    ]
    return "\n".join(
        [
            f"## {scenario.title}\n",
            table(("", ""), facts),
            table(("step", "what", "checks"), rows),
        ]
    )


def _of(step: int, checks: list[tuple[int, str, str]]) -> list[str]:
    return [f"`{name}`: {said}" for number, name, said in checks if number == step]


def _checks(scenario: Scenario) -> Iterator[tuple[int, str, str]]:
    """Yield step, name and sentence of each check that is shipped for a routine."""
    file = CHECKS / scenario.frequency.value / f"test_{scenario.name.replace('-', '_')}.py"
    if not file.exists():
        return
    for node in ast.parse(file.read_text("utf-8")).body:
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            yield _step(node), node.name, first_line(ast.get_docstring(node))


def _step(node: ast.FunctionDef) -> int:
    for mark in node.decorator_list:
        if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.step":
            return int(ast.literal_eval(mark.args[0]))
    return 1
