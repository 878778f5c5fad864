"""Small pieces of Markdown."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Sequence
from textwrap import dedent


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; a bar or a line end within a cell does not break it."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell(one) for one in line) + " |" for line in lines) + "\n"


def cell(text: str) -> str:
    """Return a text as it may stand in a table."""
    return re.sub(r"\s+", " ", text).strip().replace("|", "\\|")


def code(text: str) -> str:
    """Return a text as code within a line."""
    return f"`{text}`" if text else ""


def block(text: str, language: str = "text") -> str:
    """Return a text as a block of code."""
    return f"```{language}\n{text.strip()}\n```\n"


def prose(docstring: str | None) -> str:
    """Return a docstring as Markdown: its example and its arguments as blocks."""
    text = inspect.cleandoc(docstring or "")
    kept, *parts = re.split(r"^(Example|Args|Raises|Attributes):\n", text, flags=re.MULTILINE)
    found = [kept.strip()]
    for name, body in zip(parts[::2], parts[1::2], strict=True):
        shown = dedent(body).strip()
        found.append(block(shown, "python") if name == "Example" else items(shown))
    return "\n\n".join(one for one in found if one) + "\n"


def items(text: str) -> str:
    """Return `name: what it is` lines as a list."""
    joined = re.sub(r"\n +", " ", text)
    return re.sub(r"^(\w+): ", r"- `\1`: ", joined, flags=re.MULTILINE)


def first_line(docstring: str | None) -> str:
    """Return the first paragraph of a docstring in one line."""
    return cell(inspect.cleandoc(docstring or "").split("\n\n", 1)[0])
