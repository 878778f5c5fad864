"""What pytest knows of the plugin once it is loaded: options, markers, fixtures and hooks."""

from __future__ import annotations

import inspect
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import pytest

from _ext.markdown import block, cell, code, first_line, prose, table
from pytest_ddd.plugin import hookspecs, host_fixture
from pytest_ddd.plugin.markers import MARKERS
from pytest_ddd.plugin.site import NOUNS


@dataclass(frozen=True)
class Fixture:
    """How long a fixture lives, and what its docstring says."""

    scope: str
    said: str


@dataclass
class Seen:
    """What a pytest with the plugin has registered."""

    options: list[tuple[tuple[str, ...], dict[str, Any]]] = field(default_factory=list)
    ini: dict[str, str] = field(default_factory=dict)
    markers: list[str] = field(default_factory=list)
    fixtures: dict[str, Fixture] = field(default_factory=dict)


class _Look:
    """A plugin that looks at what the others have registered, and leaves."""

    def __init__(self) -> None:
        self.seen = Seen()

    @pytest.hookimpl(trylast=True)
    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """Note everything that belongs to us; pytest has no public lists of it."""
        parser = session.config._parser
        group = next(one for one in parser._groups if one.name == "ddd")
        self.seen.options = [(tuple(one.names()), one.attrs()) for one in group.options]
        self.seen.ini = {
            name: text for name, (text, *_) in parser._inidict.items() if name.startswith("ddd_")
        }
        self.seen.markers = list(session.config.getini("markers"))
        plugins = session.config.pluginmanager.list_name_plugin()
        modules = [plugin for name, plugin in plugins if name.startswith("ddd-")]
        for module in [*modules, host_fixture]:  # which is registered with the first check
            self.seen.fixtures |= dict(_fixtures_of(module))


def _fixtures_of(module: object) -> Iterator[tuple[str, Fixture]]:
    for one in vars(module).values():
        if type(one).__name__ == "FixtureFunctionDefinition":
            scope = str(one._fixture_function_marker.scope)
            yield one.name, Fixture(scope=scope, said=first_line(one.__doc__))


@cache
def seen() -> Seen:
    """Start a pytest in an empty directory, and return what the plugin has registered there."""
    look = _Look()
    with tempfile.TemporaryDirectory() as place:
        words = ["-p", "no:terminal", "-p", "no:cacheprovider", "-c", "/dev/null"]
        pytest.main([*words, "--rootdir", place, place], plugins=[look])
    return look.seen


def options() -> str:
    """Return a table of all options with their twins."""
    return table(("option", "meaning"), _option_rows())


def _option_rows() -> Iterator[tuple[str, str]]:
    for names, attributes in sorted(seen().options, key=lambda one: one[0]):
        dest = str(attributes["dest"])
        twins = ""
        if dest in seen().ini:
            twins = f"<br>Twins: {code(dest)} in the ini file, {code(dest.upper())}"
        choices = "|".join(str(one) for one in attributes.get("choices") or ())
        value = f" {choices or attributes.get('metavar') or ''}".rstrip()
        shown = "<br>".join(code(f"{name}{value}") for name in names)
        yield shown, f"{attributes['help']}{twins}"


def markers() -> str:
    """Return a table of our markers."""
    own = [one.partition(": ") for one in seen().markers if one in MARKERS]
    return table(("marker", "meaning"), [(code(name), cell(text)) for name, _, text in own])


def fixtures() -> str:
    """Return two tables: fixtures that stand for entries of the baseline, and all others."""
    found = dict(sorted(seen().fixtures.items()))
    nouns = [
        (code(name), f"[`{section}`](sections.md#{anchor(section)})", found[name].said)
        for name, (_, section) in NOUNS.items()
    ]
    rest = [
        (code(name), one.scope, one.said)
        for name, one in found.items()
        if name not in NOUNS and not name.startswith("_")
    ]
    return (
        "## Entries of the baseline\n\n"
        + table(("fixture", "section", "what it is"), nouns)
        + "\n## The rest\n\n"
        + table(("fixture", "scope", "what it is"), rest)
    )


def anchor(title: str) -> str:
    """Return the anchor of a heading."""
    return title.lower().replace(" ", "-")


def hooks() -> str:
    """Return all hooks, each with its arguments and an example."""
    parts = []
    for name, function in inspect.getmembers(hookspecs, inspect.isfunction):
        signature = ", ".join(inspect.signature(function).parameters)
        parts += [f"## {name}\n", block(f"{name}({signature})", "text"), prose(function.__doc__)]
    return "\n".join(parts)
