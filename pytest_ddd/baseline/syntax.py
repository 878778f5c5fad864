"""A YAML parser's complaints, said so that a person sees what to change."""

from __future__ import annotations

from collections.abc import Sequence

import yaml

from pytest_ddd.baseline.tree import shown

_AT_CONTEXT = (
    "unexpected end of stream",
    "expected ',' or",
    "unexpected document indicator",
    "expected ':'",
)
"""These are noticed late: the line where the quote or bracket opens is the one to look at."""

_SENTENCES = (
    ("mapping values are not allowed", 'a second ": " or a wrong indentation (quote such a text)'),
    ("could not find expected ':'", 'no ":" after this key'),
    ("did not find expected key", "wrong indentation, or a quoted text that goes on"),
    ("expected '-' indicator", "wrong indentation: this is no item of the list above"),
    ("expected <block end>", "wrong indentation: this does not belong to what is above"),
    ("unexpected end of stream", "a quote is opened here and never closed"),
    ("unexpected document indicator", "a quote is opened here and never closed"),
    ("expected ',' or ']'", "the list that opens here is never closed, or lacks a comma"),
    ("expected ',' or '}'", "the mapping that opens here is never closed, or lacks a comma"),
    ("unknown escape character", "an unknown \\ escape: use single quotes"),
    ("block sequence entries are not allowed", 'a "- " where no list can begin'),
    ("expected node content", "a value is missing here, or a bracket is never closed"),
    ("found duplicate anchor", "two anchors of one name"),
    ("undefined tag handle", "a tag: tags are not read"),
    ("exceeded maximum nesting depth", "nested deeper than 40 levels"),  # libyaml was first
    ("found incompatible YAML document", "an unknown %YAML version: remove that line"),
)


def syntax_mistake(reason: yaml.MarkedYAMLError, lines: Sequence[str]) -> tuple[int, str]:
    """Return the line to look at, counted from 1, and what is wrong there."""
    problem = reason.problem or "not YAML"
    mark = reason.problem_mark or reason.context_mark
    if reason.context_mark is not None and any(text in problem for text in _AT_CONTEXT):
        mark = reason.context_mark
    at = min(mark.line if mark else 0, max(len(lines) - 1, 0))
    while at > 0 and not lines[at].strip():  # the end of the file was reached
        at -= 1
    if (tabbed := _tabbed_line(lines, at)) is not None:
        return tabbed + 1, "a tab in the indentation: YAML wants spaces"
    if "cannot start any token" in problem and mark is not None:
        sign = lines[at][mark.column : mark.column + 1] if mark.line == at else ""
        return at + 1, f"a text that begins with {sign!r} must stand in quotes"
    for part, sentence in _SENTENCES:
        if part in problem:
            return at + 1, sentence
    return at + 1, f"not YAML: {shown(problem)}"


def _tabbed_line(lines: Sequence[str], at: int) -> int | None:
    """Return the nearest line up to `at` whose indentation holds a tab, at most one above."""
    for number in (at, at - 1):
        if number >= 0:
            line = lines[number]
            if "\t" in line[: len(line) - len(line.lstrip())]:
                return number
    return None
