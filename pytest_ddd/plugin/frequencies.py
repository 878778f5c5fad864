"""Finds mistyped and forgotten frequencies: a check without its marker would never run."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from pytest_ddd.plugin import markers, stumbling
from pytest_ddd.scenarios.model import Frequency

FREQUENCIES = tuple(one.value for one in Frequency)

FORGOTTEN_KEY = pytest.StashKey[list[str]]()
"""Functions that use our fixtures, have no frequency and were not chosen: name and place."""

_UNKNOWN = re.compile(r"Unknown marker\(s\) in '-m' expression: (.*?)\. Use ")
"""How pytest refuses a word after -m."""

_NO_MARKER = re.compile(r"'(\w+)' not found in `markers`")


def pytest_configure(config: pytest.Config) -> None:
    """Begin with nothing forgotten."""
    config.stash[FORGOTTEN_KEY] = []


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems() -> Iterator[None]:
    """Add to pytest's refusal of an unknown word after -m which frequency was meant."""
    try:
        yield
    except pytest.UsageError as refusal:
        refused = _UNKNOWN.match(str(refusal))  # any other refusal stands as it is
        meant = mistyped(refused[1]) if refused else []
        if not meant:
            raise
        wrong, right = meant[0]
        raise pytest.UsageError(
            f"-m {wrong} selects nothing: no such marker; did you mean {right}?\n"
            f"  hint: pytest -m {right}   # there is: {', '.join(FREQUENCIES)}"
        ) from None


def pytest_deselected(items: Sequence[pytest.Item]) -> None:
    """Note checks that lack their frequency."""
    for item in items:
        is_ours = item.config.rootpath / "checks" in item.path.parents
        names = getattr(item, "fixturenames", ())
        if is_ours and not markers.is_check(item) and {"host", "judge"} & {*names}:
            name = getattr(item, "originalname", item.name)
            item.config.stash[FORGOTTEN_KEY].append(f"{name} ({stumbling.function(item)})")


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Say which checks can never run, and which marker in a file was mistyped."""
    lines = [f"warning: {name} has no frequency" for name in config.stash[FORGOTTEN_KEY]]
    if lines:
        lines.append("  hint: write above it: @pytest.mark.daily")
    for report in terminalreporter.stats.get("error", ()):
        lines += _advice(str(report.longrepr), config.rootpath / report.nodeid, report.nodeid)
    for line in lines:
        terminalreporter.write_line(line, yellow=True)


def mistyped(text: str) -> list[tuple[str, str]]:
    """Return each word that is nearly a frequency, and that frequency."""
    return [
        (word, near)
        for word in re.findall(r"\w+", text)
        for near in difflib.get_close_matches(word, FREQUENCIES, 1, 0.7)
        if word not in FREQUENCIES
    ]


def _advice(failure: str, path: Path, name: str) -> list[str]:
    """Return what to say of a file that could not be collected for the sake of a marker."""
    unknown = _NO_MARKER.search(failure)
    meant = mistyped(unknown[1]) if unknown else []
    if not meant or not path.is_file():
        return []
    wrong, right = meant[0]
    text = path.read_text(encoding="utf-8", errors="replace")
    line = text.partition(f"mark.{wrong}")[0].count("\n") + 1
    return [
        f"no marker {wrong!r}; did you mean {right}? ({name}:{line})",
        f"  hint: write in its place: @pytest.mark.{right}",
    ]
