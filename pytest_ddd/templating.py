"""Renders the templates of this package; the only user of Jinja2."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from importlib import metadata, resources
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from pytest_ddd.errors import UsageError

if TYPE_CHECKING:
    import jinja2

_PLAIN_ENDINGS = ("md.j2", "txt.j2", "yml.j2", "css", "js")
"""Everything else is escaped as HTML."""

_PIECES = 50
"""Pieces of output that are written together."""


def render_to(file: TextIO, template: str, context: Mapping[str, object]) -> None:
    """Render a template into an open text file, piece by piece.

    Args:
        file: where the text goes; generators in `context` are walked while it is written.
        template: `DEPARTMENT/NAME`, for `pytest_ddd/DEPARTMENT/templates/NAME`.
        context: what the template may name; a name that is not in it is an error.
    """
    stream = _environment().get_template(template).stream(context)
    stream.enable_buffering(_PIECES)
    file.writelines(stream)


def render(template: str, context: Mapping[str, object]) -> str:
    """Return a rendered template; for short ones."""
    return _environment().get_template(template).render(context)


@cache
def _environment() -> jinja2.Environment:
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_source),
        autoescape=jinja2.select_autoescape((), _PLAIN_ENDINGS, default=True),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        bytecode_cache=_bytecode(Path(__file__).parent / "__pycache__"),
    )
    environment.filters["quoted"] = _quoted
    return environment


def _bytecode(folder: Path) -> jinja2.BytecodeCache | None:
    """Keep compiled templates where Python keeps our compiled modules; None where it may not.

    Compiling the report takes longer than writing it for fifty hosts. Who may write there may
    change the code anyway. What was compiled by another Jinja2, or with other settings than those
    of this file, is not taken.
    """
    import jinja2

    class Beside(jinja2.FileSystemBytecodeCache):
        """Goes without when nothing can be written."""

        def dump_bytecode(self, bucket: jinja2.bccache.Bucket) -> None:
            with suppress(OSError):
                super().dump_bytecode(bucket)

    if sys.dont_write_bytecode or not os.access(folder, os.W_OK):
        return None
    mine = Path(__file__).stat()
    made_by = f"{metadata.version('jinja2')}-{mine.st_mtime_ns:x}-{mine.st_size:x}"
    return Beside(str(folder), f"jinja2-{made_by}-%s.cache")


def _quoted(value: object) -> str:
    """Write a text in double quotes, as JSON and YAML both read it."""
    return json.dumps(str(value), ensure_ascii=False)


def _source(template: str) -> str:
    department, _, name = template.partition("/")
    place = resources.files("pytest_ddd").joinpath(department, "templates", name)
    try:
        return place.read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(f"no template {template}: {error}") from error
