"""The text of a file against whole texts and patterns, with a unified diff."""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import unified_diff

from pytest_ddd.baseline.sections.configuration import File
from pytest_ddd.probes.drift.comparison import Comparison, capped

_LINE_CHARS = 200


def compare_content(comparison: Comparison, model: File, content: bytes, *, digest: str) -> None:
    """Compare content that was read with `content`, `contains` and `lacks`."""
    if model.content is not None:
        _compare_whole(comparison, model.content, content, digest)
    text = content.decode("utf-8", errors="replace")
    for index, pattern in enumerate(model.contains):
        line = _first_match(pattern, text)
        comparison.note(
            "contains",
            line or "no match",
            expected=f"a match of `{pattern}`",
            source=f"host.file({comparison.name!r}).content",
            path=("contains", index),
            problem="" if line else f"has nothing that matches `{pattern}`",
            digest=digest,
        )
    for index, pattern in enumerate(model.lacks):
        line = _first_match(pattern, text)
        comparison.note(
            "lacks",
            line or "no match",
            expected=f"no match of `{pattern}`",
            source=f"host.file({comparison.name!r}).content",
            path=("lacks", index),
            problem=f"has {line}, and nothing may match `{pattern}`" if line else "",
            digest=digest,
        )


def _compare_whole(comparison: Comparison, wanted: str, content: bytes, digest: str) -> None:
    problem = detail = ""
    if content != wanted.encode():
        text = _as_text(content)
        if text is None:
            problem = f"content is binary ({len(content)} bytes, sha256 {digest}), expected text"
        else:
            comparison.diff = detail = "".join(_diff(comparison, wanted, text))
            problem = f"content differs:\n{capped(detail)}"
    comparison.note(
        "content",
        f"sha256 {digest}",
        expected=f"{len(wanted.encode())} bytes as the baseline writes them",
        source=f"host.file({comparison.name!r}).content",
        path=("content",),
        problem=problem,
        detail=detail,
        digest=digest,
    )


def _as_text(content: bytes) -> str | None:
    if b"\0" in content:
        return None
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _diff(comparison: Comparison, wanted: str, found: str) -> Iterator[str]:
    old = _visible(wanted)
    new = _visible(found)
    origin = comparison.origin("content")
    lines = unified_diff(old, new, f"{origin or 'baseline'}", comparison.name, n=2)
    for line in lines:
        yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"


def _visible(text: str) -> list[str]:
    """Split into lines at newlines only, with carriage returns that can be seen."""
    lines = text.replace("\r", "␍").split("\n")
    return [f"{line}\n" for line in lines[:-1]] + lines[-1:] * bool(lines[-1])


def _first_match(pattern: str, text: str) -> str:
    """Return `line 12 'PermitRootLogin yes'`, or nothing."""
    match = re.search(pattern, text, re.MULTILINE)
    if match is None:
        return ""
    start = text.rfind("\n", 0, match.start()) + 1
    end = text.find("\n", max(start, match.start()))
    line = text[start : end if end >= 0 else len(text)]
    return f"line {text.count(chr(10), 0, match.start()) + 1} {line[:_LINE_CHARS]!r}"
