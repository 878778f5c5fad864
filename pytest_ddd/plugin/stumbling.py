"""Says in one sentence what a check stumbled over, where, and what to type next."""

from __future__ import annotations

import difflib
from pathlib import Path

import pytest

from pytest_ddd.errors import DddError
from pytest_ddd.plugin.site import NOUNS
from pytest_ddd.probes.entry import AnyEntry

FIXTURES = (*NOUNS, "host", "judge", "attach", "baseline", "history", "change")
"""What a check may ask for."""


def said(
    item: pytest.Item, excinfo: pytest.ExceptionInfo[BaseException], entry: AnyEntry | None
) -> str:
    """Return what an exception says; of one that is not ours also its line and the next command."""
    error = excinfo.value
    if isinstance(error, DddError):
        return words(error, entry)
    if isinstance(error, pytest.FixtureLookupError):
        return _no_fixture(item, str(error.argname))
    return f"{words(error)} ({_place(item, excinfo)})\n  hint: pytest -vv '{item.nodeid}'"


def words(error: BaseException, entry: AnyEntry | None = None) -> str:
    """Return the words of an exception; those that are not ours carry the name of their type.

    Of one of ours also where the baseline declares the entry that could not be looked at.
    """
    if isinstance(error, DddError):
        place = f" ({entry.origin})" if entry is not None and entry.origin is not None else ""
        hint = f"\n  hint: {error.hint}" if error.hint else ""
        return f"{error.message}{place}{hint}"
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def relative(path: Path | str, item: pytest.Item) -> str:
    """Return a path as one types it from the site's directory."""
    try:
        return str(Path(path).relative_to(item.config.rootpath))
    except ValueError:
        return str(path)


def _place(item: pytest.Item, excinfo: pytest.ExceptionInfo[BaseException]) -> str:
    """Return the last line of the check's own file that was reached; the last of all else."""
    own = [entry for entry in excinfo.traceback if Path(entry.path) == item.path]
    entry = (own or list(excinfo.traceback))[-1]
    return f"{relative(entry.path, item)}:{entry.lineno + 1}"


def function(item: pytest.Item) -> str:
    """Return the file and line where the function of a check begins."""
    path, line, _ = item.location
    return f"{path}:{(line or 0) + 1}"


def _no_fixture(item: pytest.Item, name: str) -> str:
    near = difflib.get_close_matches(name, FIXTURES, n=1)
    meant = f"; did you mean {near[0]}?" if near else ""
    return f"no fixture {name!r}{meant} ({function(item)})\n  hint: pytest --fixtures"
