"""Rules of the house that a machine can hold."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_ddd.baseline import sections
from pytest_ddd.plugin.site import NOUNS
from pytest_ddd.scenarios import catalogue

ROOT = Path(__file__).parents[1]
MODULES = sorted((ROOT / "pytest_ddd").rglob("*.py"))
LIMIT_LINES = 400
CHECK_LIMIT_LINES = 120
LOAD_LIMIT_S = 0.050
"""CPU time that the plugin may add to the start of pytest."""


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_module_says_its_job(module: Path) -> None:
    """A module begins with one sentence and stays below 400 lines."""
    text = module.read_text(encoding="utf-8")
    docstring = ast.get_docstring(ast.parse(text)) or ""

    assert docstring.split("\n", 1)[0].endswith((".", ":")), "the first line is no sentence"
    assert len(text.splitlines()) <= LIMIT_LINES


def test_check_is_short_enough_to_teach_from() -> None:
    """The shipped checks are what people copy."""
    for file in (ROOT / "checks").rglob("test_*.py"):
        assert len(file.read_text(encoding="utf-8").splitlines()) < CHECK_LIMIT_LINES


def test_every_noun_has_its_section_and_its_probe() -> None:
    """A fixture stands for a section of the baseline, and a probe reads it."""
    folder = Path(sections.__file__).parent
    for module, section in NOUNS.values():
        assert (folder / f"{section}.py").exists()
        assert (ROOT / "pytest_ddd" / "probes" / f"{module}.py").exists()


def test_scenario_files_are_named_after_their_scenario() -> None:
    """One file is one scenario."""
    names = {name.replace("-", "_") for name in catalogue.names()}
    for file in (ROOT / "checks").rglob("test_*.py"):
        assert file.stem.removeprefix("test_") in names


def test_nobody_but_the_clock_asks_the_time() -> None:
    """Time comes from one place, so that tests can set it."""
    for module in MODULES:
        if module.name != "clock.py":
            text = module.read_text(encoding="utf-8")
            for forbidden in ("datetime.now(", "time.time(", "time.monotonic(", "utcnow("):
                assert forbidden not in text, f"{module}: {forbidden}"


def test_the_project_speaks_of_itself_alone() -> None:
    """No path of a developer's machine stands in a file that is shipped."""
    listed = subprocess.run(
        ["git", "ls-files", "pytest_ddd", "checks", "baselines", "docs", "examples", "README.md"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    ).stdout.split()
    for name in listed:
        if (ROOT / name).suffix in (".py", ".md", ".yaml", ".j2", ".css", ".sh"):
            text = (ROOT / name).read_text(encoding="utf-8")
            assert "/root/" not in text.replace("/root/.", ""), name
            assert "/work/" not in text, name


ACTORS = (
    "plugin/changing.py",
    "plugin/complying.py",
    "plugin/guarding.py",
    "plugin/taking_back.py",
    "cli/commands/action.py",
    "cli/deeds.py",
)
"""A check with `--ddd-apply`, what says whether it may begin now, what writes down afterwards what
the journal has, and a command."""


def test_only_these_modules_carry_out_actions() -> None:
    """Whoever does not import `actions` cannot change a host through it."""
    package = ROOT / "pytest_ddd"
    users = {
        str(module.relative_to(package))
        for module in MODULES
        if "pytest_ddd.actions" in module.read_text(encoding="utf-8")
        and package / "actions" not in module.parents
    }

    assert users == set(ACTORS)


def test_only_checks_marked_action_use_actions() -> None:
    """In a file of checks, actions are named in functions that are marked `action`, nowhere else."""
    for file in (ROOT / "checks").rglob("test_*.py"):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        imported = {
            alias.asname or alias.name
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom)
            and str(node.module).startswith("pytest_ddd.actions")
            for alias in node.names
        } | {"change", "take_back"}
        for top in tree.body:
            named = {one.id for one in ast.walk(top) if isinstance(one, ast.Name)}
            named |= {one.arg for one in ast.walk(top) if isinstance(one, ast.arg)}
            if named & imported:
                assert isinstance(top, ast.FunctionDef), f"{file.name}:{top.lineno}"
                marks = [ast.unparse(one) for one in top.decorator_list]
                assert "pytest.mark.action" in marks, f"{file.name}: {top.name}"


def test_version_is_told() -> None:
    """`pytest-ddd --version` works without a site."""
    command = [sys.executable, "-m", "pytest_ddd.cli", "--version"]

    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout.split()[:1]) == (0, ["pytest-ddd"])
