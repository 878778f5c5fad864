"""Lay data over the text of a YAML file: what is not changed stays as it is, to the byte.

Where a value stands is told by the marks of the YAML reader, and only that place is written anew.
Libraries that load and dump a whole file were measured and not used: they lay out untouched lines
anew, and move a comment about the next section to where the new entry is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import cast

import yaml

from pytest_ddd.baseline.rendering import STEP, block, flow, key
from pytest_ddd.baseline.scalars import read_plain
from pytest_ddd.baseline.tree import Plain
from pytest_ddd.errors import UsageError


@dataclass(frozen=True, slots=True, kw_only=True)
class _Change:
    """A part of the text, from one character to another, and what stands there afterwards."""

    start: int
    end: int
    text: str


def rewritten(text: str, wanted: Mapping[str, Plain]) -> str:
    """Return the text of a file that says what it said, and what is wanted besides.

    Mappings merge by name; any other value is replaced where it differs.

    Raises:
        UsageError: something stands where it cannot be changed without touching the rest.
    """
    if "\r\n" in text:
        return rewritten(text.replace("\r\n", "\n"), wanted).replace("\n", "\r\n")
    text += "\n" if text and not text.endswith("\n") else ""
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as reason:
        raise UsageError(f"not YAML: {reason}", hint="pytest-ddd validate") from None
    if root is None:
        return text + block(wanted)
    if not isinstance(root, yaml.MappingNode):
        raise UsageError("the file is no mapping", hint="pytest-ddd validate")
    for change in sorted(_changes(text, root, wanted), key=lambda one: one.start, reverse=True):
        text = text[: change.start] + change.text + text[change.end :]
    return text


def _changes(text: str, node: yaml.MappingNode, wanted: Mapping[str, Plain]) -> Iterator[_Change]:
    """Yield what has to change, outer mappings first: at one place, what is deeper comes before."""
    there = {name.value: (name, value) for name, value in node.value}
    added = {name: value for name, value in wanted.items() if name not in there}
    if added and node.flow_style:
        yield _added_in_flow(node, added)
    elif added:
        at = _end_of_line(text, _last(node))
        yield _Change(start=at, end=at, text=block(added, node.value[0][0].start_mark.column))
    for name, value in wanted.items():
        if name in there:
            yield from _changed(text, *there[name], value)


def _changed(text: str, name: yaml.Node, value: yaml.Node, wanted: Plain) -> Iterator[_Change]:
    """Yield what has to change so that an entry which is there says what is wanted."""
    if _is_alias(name, value):
        raise UsageError(
            f"line {name.start_mark.line + 1}: an alias: it would change in several places",
            hint="write the value out in full, then capture again",
        )
    if isinstance(wanted, Mapping) and isinstance(value, yaml.MappingNode) and value.value:
        if _outgrows(value, wanted):
            yield from _unfolded(text, name, value, wanted)
        else:
            yield from _changes(text, value, wanted)
    elif _plain(value) == wanted:
        return
    elif isinstance(wanted, Mapping) and not _is_written(value):
        at = _end_of_line(text, name.end_mark.index)
        yield _Change(start=at, end=at, text=block(wanted, name.start_mark.column + STEP))
    elif isinstance(value, yaml.CollectionNode) and not value.flow_style:
        start, end = name.start_mark.index, _last(value)
        lines = block({name.value: wanted}, name.start_mark.column)
        yield _Change(start=start, end=end, text=lines.strip())
    else:
        gap = "" if _is_written(value) else " "
        start, end = value.start_mark.index, value.end_mark.index
        yield _Change(start=start, end=end, text=gap + flow(wanted))


def _outgrows(node: yaml.MappingNode, wanted: Mapping[str, Plain]) -> bool:
    """Return whether a mapping on one line gets more levels than a person can read there."""
    is_one_line = node.start_mark.line == node.end_mark.line
    deep = any(isinstance(value, Mapping) and value for value in wanted.values())
    return bool(node.flow_style) and is_one_line and deep


def _unfolded(
    text: str, name: yaml.Node, value: yaml.MappingNode, wanted: Mapping[str, Plain]
) -> Iterator[_Change]:
    """Yield what puts a mapping that stood on one line below its key; a comment stays there."""
    start, end = value.start_mark.index, value.end_mark.index
    at = _end_of_line(text, end)
    lines = block(_merged(_plain(value), wanted), name.start_mark.column + STEP)
    yield _Change(start=at, end=at, text=lines)
    yield _Change(start=start - text[:start].endswith(" "), end=end, text="")


def _merged(there: Plain, wanted: Mapping[str, Plain]) -> dict[str, Plain]:
    merged = dict(there) if isinstance(there, dict) else {}
    for name, value in wanted.items():
        merged[name] = _merged(merged.get(name), value) if isinstance(value, dict) else value
    return merged


def _added_in_flow(node: yaml.MappingNode, added: Mapping[str, Plain]) -> _Change:
    text = ", ".join(f"{key(name)}: {flow(value)}" for name, value in added.items())
    if not node.value:
        return _Change(start=node.start_mark.index, end=node.end_mark.index, text=f"{{{text}}}")
    at = _last(node.value[-1][1])
    return _Change(start=at, end=at, text=f", {text}")


def _last(node: yaml.Node) -> int:
    """Return where a value ends: a block runs up to the next token, past all comments."""
    if isinstance(node, yaml.MappingNode) and not node.flow_style and node.value:
        return _last(node.value[-1][1]) if _is_written(node.value[-1][1]) else _of_key(node)
    if isinstance(node, yaml.SequenceNode) and not node.flow_style and node.value:
        return _last(node.value[-1])
    if isinstance(node, yaml.ScalarNode) and node.style in ("|", ">"):
        return cast("int", node.end_mark.index) - 1  # its last newline belongs to it
    return cast("int", node.end_mark.index)


def _of_key(node: yaml.MappingNode) -> int:
    return cast("int", node.value[-1][0].end_mark.index)


def _end_of_line(text: str, index: int) -> int:
    end = text.find("\n", index)
    return len(text) if end < 0 else end + 1


def _is_written(node: yaml.Node) -> bool:
    """Return whether a value has a text at all: `services:` alone has none."""
    return node.start_mark.index != node.end_mark.index


def _is_alias(name: yaml.Node, value: yaml.Node) -> bool:
    """Return whether a value stands elsewhere: before its own key."""
    return bool(value.start_mark.index < name.start_mark.index)


def _plain(node: yaml.Node) -> Plain:
    """Return the data of a node as `document` reads it."""
    if isinstance(node, yaml.MappingNode):
        return {name.value: _plain(value) for name, value in node.value}
    if isinstance(node, yaml.SequenceNode):
        return [_plain(item) for item in node.value]
    written = str(node.value)
    if not isinstance(node, yaml.ScalarNode) or node.style is not None:
        return written
    try:
        return read_plain(written) if written else None
    except ValueError:
        return written
