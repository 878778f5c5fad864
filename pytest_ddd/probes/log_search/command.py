"""Write the shell command that searches one log on its host."""

from __future__ import annotations

import functools
import shlex
from collections.abc import Mapping, Sequence
from datetime import datetime
from importlib import resources

from pytest_ddd.baseline.sections.logs import Log

KEPT_LINES = 5
"""So many of the first and of the last lines of each class are kept as a sample."""

MOST_LINES = 2_000_000
"""When red is certain, counting ends after this many matching lines: `at least`."""

_GREP_KIB = 64 * 1024
"""Address space for grep beside its buffers: 2 MB used on plain patterns, more on heavy ones."""

_BUFFERS_PER_LINE = 3
"""GNU grep holds an old and a half larger new buffer while a long line makes it grow."""


def command_for(model: Log, *, since: datetime, now: datetime) -> str:
    """Return POSIX sh text that prints what `answer.parse` reads.

    Nothing of the baseline is ever code: patterns and paths are single-quoted words.
    """
    selected = _grep([*model.critical, *model.error])
    values: Mapping[str, str | int] = {
        "path": model.path or "",
        "unit": "" if model.journal in (None, "*") else model.journal or "",
        "priority": "" if model.priority == "debug" else model.priority,
        "since": int(since.timestamp()),
        "now": int(now.timestamp()),
        "optional": int(model.optional),
        "max_bytes": model.max_bytes,
        "memory_kib": _GREP_KIB + _BUFFERS_PER_LINE * model.max_line // 1024,
        "select_awk": _program("select.awk"),
        "count_awk": _program("count.awk"),
    }
    exported: Mapping[str, str | int] = {
        "max_line": model.max_line,
        "critical_grep": _grep(model.critical) if model.critical and model.error else "",
        "ignore_grep": _grep(model.ignore) if model.ignore else "",
        "only_critical": int(not model.error),
        "enough_errors": model.errors.crit or 0,
        "kept": KEPT_LINES,
        "most_lines": MOST_LINES,
    }
    lines = [f": {shlex.quote(shown(model))}"]  # what error messages quote
    lines += [f"{name}={shlex.quote(str(value))}" for name, value in {**values, **exported}.items()]
    lines.append("export " + " ".join(exported))
    lines.append(f"find_lines() {{ {selected}; }}")
    return "\n".join([*lines, _program("files.sh")])


def shown(model: Log) -> str:
    """Return the heart of the command as a person would type it, for the evidence."""
    selected = f"LC_ALL=C {_grep([*model.critical, *model.error])}"
    if model.path is not None:
        return f"{selected} {shlex.quote(model.path)}"
    unit = "" if model.journal == "*" else f" --unit={shlex.quote(model.journal or '')}"
    return f"journalctl -q -a -o short-iso{unit} | {selected}"


def _grep(patterns: Sequence[str]) -> str:
    return "grep -naE" + "".join(f" -e {shlex.quote(pattern)}" for pattern in patterns)


@functools.cache
def _program(name: str) -> str:
    """Return a program of this package without what only its readers need."""
    source = resources.files("pytest_ddd.probes.log_search").joinpath(name).read_text("utf-8")
    lines = (line.strip() for line in source.splitlines())
    return "\n".join(line for line in lines if line and not line.startswith("#"))
