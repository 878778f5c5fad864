"""Fills the reference pages: `<!-- from code: options -->` becomes what the code says."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from _ext import commands, in_pytest, models, records, routines

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.environment import BuildEnvironment

PARTS: dict[str, Callable[[], str]] = {
    "options": in_pytest.options,
    "markers": in_pytest.markers,
    "fixtures": in_pytest.fixtures,
    "hooks": in_pytest.hooks,
    "sections": models.sections,
    "section-finder": models.finder,
    "record": records.record,
    "exit-status": records.exit_status,
    "commands": commands.commands,
    "scenarios": routines.scenarios,
}
"""What a placeholder may name."""

_PLACE = re.compile(r"^<!-- from code: ([a-z-]+) -->$", re.MULTILINE)


def filled(text: str) -> str:
    """Return a page with what its placeholders stand for; an unknown one is a KeyError."""
    return _PLACE.sub(lambda found: PARTS[found[1]](), text)


def setup(app: Sphinx) -> dict[str, object]:
    """Let Sphinx fill each page as it reads it, and read pages with placeholders each time."""
    app.connect("source-read", _fill)
    app.connect("env-get-outdated", _outdated)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _fill(app: Sphinx, name: str, source: list[str]) -> None:
    source[0] = filled(source[0])


def _outdated(
    app: Sphinx, env: BuildEnvironment, added: set[str], changed: set[str], removed: set[str]
) -> list[str]:
    texts = {name: env.doc2path(name).read_text("utf-8") for name in env.found_docs}
    return [name for name, text in texts.items() if _PLACE.search(text)]
