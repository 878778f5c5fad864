"""A pytest run without checks does not notice the plugin."""

from __future__ import annotations

import subprocess
import sys

import pytest


def test_no_file_and_no_word(pytester: pytest.Pytester, plugin_args: tuple[str, ...]) -> None:
    """Nothing is printed and nothing is written."""
    pytester.makepyfile("def test_ordinary(): pass")

    done = pytester.runpytest_subprocess("-p", "no:cacheprovider", *plugin_args)

    done.assert_outcomes(passed=1)
    assert "environment:" not in done.stdout.str()
    left = {path.name for path in pytester.path.iterdir() if "runpytest" not in path.name}
    assert left <= {"test_no_file_and_no_word.py", "__pycache__", "stdout", "stderr"}


def test_broken_baseline_is_not_looked_at(
    pytester: pytest.Pytester, plugin_args: tuple[str, ...]
) -> None:
    """Mistakes in baselines do not matter to tests that are no checks."""
    pytester.makepyfile("def test_ordinary(): pass")
    pytester.mkdir("baselines").joinpath("local.yaml").write_text("{{{")

    pytester.runpytest_subprocess("-p", "no:cacheprovider", *plugin_args).assert_outcomes(passed=1)


@pytest.mark.parametrize(
    "heavy",
    ["pydantic", "yaml", "requests", "jinja2", "psutil", "sqlalchemy", "pytest_ddd.baseline.model"],
)
def test_nothing_heavy_is_imported(heavy: str) -> None:
    """Loading the plugin imports none of the libraries that only checks need."""
    script = (
        "import sys, pytest, importlib, pytest_ddd.plugin as p;"
        "before = set(sys.modules);"
        "[importlib.import_module('pytest_ddd.plugin.' + name) for name in p._MODULES];"
        f"sys.exit({heavy!r} in set(sys.modules) - before)"
    )

    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
