"""Read one YAML file into a tree of values that remember their lines; nothing else knows YAML."""

from __future__ import annotations

import hashlib
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

from pytest_ddd.baseline.scalars import read_key, read_plain
from pytest_ddd.baseline.syntax import syntax_mistake
from pytest_ddd.baseline.tree import Mistakes, Node, shown
from pytest_ddd.results import Origin

LARGEST_FILE_BYTES = 8 * 1024**2
LONGEST_LINE = 64 * 1024
"""Characters. No value that people write needs more, and parsers slow down on such lines."""

DEEPEST = 40
MOST_ALIASED = 100_000
"""Values that aliases of one file may stand for in all: nine lines can ask for a billion."""

_LOADER: type[yaml.SafeLoader | yaml.CSafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_BYTE_ORDER_MARKS = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]|\r(?!\n)"
)
"""Characters that no text file holds, or that make editors and YAML count lines differently."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One file: its values (None when it cannot be used) and its digest."""

    root: Node | None
    sha256: str


class _UnusableError(Exception):
    """The whole file cannot be used."""

    def __init__(self, line: int, text: str) -> None:
        super().__init__(text)
        self.line = line


def read_document(path: Path, shown_as: str, mistakes: Mistakes) -> Document:
    """Read a file; whatever is wrong with it is added to `mistakes`, never raised.

    Args:
        path: the file.
        shown_as: its name in messages and origins.
        mistakes: gets everything that is wrong.
    """
    sha256 = ""
    try:
        data = _read_bytes(path)
        sha256 = hashlib.sha256(data).hexdigest()
        root = _Builder(shown_as, mistakes).build(_text_of(data))
    except _UnusableError as reason:
        mistakes.add(Origin(file=shown_as, line=reason.line), (), str(reason))
        root = None
    return Document(root=root, sha256=sha256)


def _read_bytes(path: Path) -> bytes:
    try:
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode):
            kind = "a directory" if stat.S_ISDIR(mode) else "not a regular file"
            raise _UnusableError(1, f"cannot be read: it is {kind}")
        with path.open("rb") as stream:
            data = stream.read(LARGEST_FILE_BYTES + 1)
    except FileNotFoundError:
        kind = "a link to a file that does not exist" if path.is_symlink() else "no such file"
        raise _UnusableError(1, f"cannot be read: {kind}") from None
    except OSError as reason:
        raise _UnusableError(1, f"cannot be read: {reason.strerror or reason}") from None
    if len(data) > LARGEST_FILE_BYTES:
        raise _UnusableError(
            1, f"larger than {LARGEST_FILE_BYTES // 1024**2} MiB: not a baseline file"
        )
    return data


def _text_of(data: bytes) -> str:
    for mark, name in _BYTE_ORDER_MARKS.items():
        if data.startswith(mark):
            raise _UnusableError(1, f"not UTF-8 but {name}: save it as UTF-8")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as reason:
        line = data.count(b"\n", 0, reason.start) + 1
        byte = data[reason.start]
        raise _UnusableError(line, f"not UTF-8 (byte 0x{byte:02x}): save it as UTF-8") from None
    if (found := _INVISIBLE.search(text)) is not None:
        line = text.count("\n", 0, found.start()) + 1
        raise _UnusableError(line, f"holds the character U+{ord(found[0]):04X}: not a text file")
    for number, line_text in enumerate(text.split("\n"), start=1):
        if len(line_text) > LONGEST_LINE:
            raise _UnusableError(
                number, f"a line of {len(line_text)} characters; at most {LONGEST_LINE} are read"
            )
        if line_text.startswith("\t"):
            raise _UnusableError(number, "a tab in the indentation: YAML wants spaces")
    return text


@dataclass(slots=True)
class _Frame:
    """A mapping or list that is still open."""

    origin: Origin
    anchor: str | None
    entries: dict[str, Node] | None
    """None for a list."""
    items: list[Node]
    key: str = ""
    key_origin: Origin | None = None
    """None = a mapping waits for its next key."""
    dropped: bool = False
    """Whether the value of the key is left out, because the key is wrong."""


class _Builder:
    """Builds the tree of one file from the parser's events, without recursion."""

    def __init__(self, file: str, mistakes: Mistakes) -> None:
        self._file = file
        self._mistakes = mistakes
        self._stack: list[_Frame] = []
        self._anchors: dict[str, tuple[Node, int, int]] = {}
        self._aliased = 0
        self._root: Node | None = None
        self._documents = 0

    def build(self, text: str) -> Node:
        for event in _events(text):
            line = event.start_mark.line + 1 if event.start_mark else 1
            if isinstance(event, yaml.ScalarEvent):
                self._scalar(event, line)
            elif isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
                self._open(event, line)
            elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
                self._close()
            elif isinstance(event, yaml.AliasEvent):
                self._alias(event.anchor or "", line)
            elif isinstance(event, yaml.DocumentStartEvent):
                self._documents += 1
                if self._documents > 1:
                    raise _UnusableError(line, "a second document (---): one file, one document")
        if self._root is None or self._root.is_null:
            raise _UnusableError(1, "empty: write something or remove the file")
        if not isinstance(self._root.value, dict):
            raise _UnusableError(self._root.origin.line, "not a mapping: write `key: value` lines")
        return self._root

    def _origin(self, line: int) -> Origin:
        return Origin(file=self._file, line=line)

    def _path(self) -> tuple[str | int, ...]:
        return tuple(
            len(frame.items) if frame.entries is None else frame.key
            for frame in self._stack
            if frame.entries is None or frame.key_origin is not None
        )

    def _wrong(self, line: int, text: str) -> None:
        self._mistakes.add(self._origin(line), self._path(), text)

    def _awaits_key(self) -> bool:
        top = self._stack[-1] if self._stack else None
        return top is not None and top.entries is not None and top.key_origin is None

    def _scalar(self, event: yaml.ScalarEvent, line: int) -> None:
        self._refuse_tag(event.tag, line)
        is_plain = event.implicit[0]
        if self._awaits_key():
            self._key(event.value, is_plain=is_plain, line=line)
            return
        origin = self._origin(line)
        node = Node(event.value, origin)
        if is_plain and not event.value:
            self._wrong(line, "has no value (write {} for all defaults, null to remove it)")
            node = Node(None, origin, broken=True)
        elif is_plain:
            try:
                node = Node(read_plain(event.value), origin, event.value)
            except ValueError as reason:
                self._wrong(line, str(reason))
                node = Node(None, origin, event.value, broken=True)
        self._add(node, event.anchor)

    def _key(self, text: str, *, is_plain: bool, line: int) -> None:
        top = self._stack[-1]
        entries = top.entries if top.entries is not None else {}
        wrong = ""
        if is_plain and text == "<<":
            wrong = (
                "merge keys (<<) are not read: use extends, groups or an alias of the whole value"
            )
        elif is_plain or not text:
            try:
                read_key(text)
            except ValueError as reason:
                wrong = str(reason)
        if text in entries:
            wrong = f"{shown(text)} stands twice, first in line {entries[text].origin.line}"
        if wrong:
            self._wrong(line, wrong)
        top.key, top.key_origin, top.dropped = text, self._origin(line), bool(wrong)

    def _open(self, event: yaml.MappingStartEvent | yaml.SequenceStartEvent, line: int) -> None:
        self._refuse_tag(event.tag, line)
        if self._awaits_key():
            raise _UnusableError(line, "a mapping or list as a key: a key is a text")
        if len(self._stack) >= DEEPEST:
            raise _UnusableError(line, f"nested deeper than {DEEPEST} levels")
        is_mapping = isinstance(event, yaml.MappingStartEvent)
        self._stack.append(_Frame(self._origin(line), event.anchor, {} if is_mapping else None, []))

    def _close(self) -> None:
        frame = self._stack.pop()
        value = tuple(frame.items) if frame.entries is None else frame.entries
        self._add(Node(value, frame.origin), frame.anchor)

    def _alias(self, name: str, line: int) -> None:
        if self._awaits_key():
            raise _UnusableError(line, f"the alias *{shown(name)} as a key: a key is a text")
        if any(frame.anchor == name for frame in self._stack):
            raise _UnusableError(line, f"the alias *{shown(name)} stands inside of what it names")
        if name not in self._anchors:
            raise _UnusableError(line, f"the alias *{shown(name)} names no anchor (&{shown(name)})")
        node, size, height = self._anchors[name]
        if len(self._stack) + height > DEEPEST:
            raise _UnusableError(line, f"nested deeper than {DEEPEST} levels")
        self._aliased += size
        if self._aliased > MOST_ALIASED:
            raise _UnusableError(line, f"aliases stand for more than {MOST_ALIASED} values")
        self._add(Node(node.value, self._origin(line), node.written, node.broken), None)

    def _add(self, node: Node, anchor: str | None) -> None:
        if anchor is not None:
            self._anchors[anchor] = (node, *_extent(node))
        if not self._stack:
            self._root = node
            return
        top = self._stack[-1]
        if top.entries is None:
            top.items.append(node)
        elif top.key_origin is not None:
            if not top.dropped:
                keyed = Node(node.value, top.key_origin, node.written, node.broken)
                top.entries[top.key] = keyed
            top.key_origin = None

    def _refuse_tag(self, tag: str | None, line: int) -> None:
        if tag is not None:
            short = shown(tag.replace("tag:yaml.org,2002:", "!!"))
            raise _UnusableError(line, f"the tag {short}: tags are not read, write the plain value")


def _extent(node: Node) -> tuple[int, int]:
    """Return how many values a node stands for, and how deep they are nested.

    Aliases are expanded; counting stops as soon as there are too many.
    """
    count, height, waiting = 0, 0, [(node, 1)]
    while waiting and count <= MOST_ALIASED:
        count += 1
        current, depth = waiting.pop()
        height = max(height, depth)
        for below in (current.entries.values(), current.items):
            waiting.extend((each, depth + 1) for each in below)
    return count, height


def _events(text: str) -> Iterator[yaml.Event]:
    try:
        yield from yaml.parse(text, Loader=_LOADER)
    except yaml.MarkedYAMLError as reason:
        line, message = syntax_mistake(reason, text.split("\n"))
        if "nesting depth" in str(reason):  # newer parsers give up before we do
            message = f"nested deeper than {DEEPEST} levels"
        raise _UnusableError(line, message) from None
    except (yaml.YAMLError, RecursionError) as reason:
        raise _UnusableError(1, f"not YAML: {shown(str(reason))}") from None
