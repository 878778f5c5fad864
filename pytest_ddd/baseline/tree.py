"""What a YAML file says, as a tree in which every value remembers its file and line."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import TypeAlias

from pytest_ddd.results import Origin

Scalar: TypeAlias = "str | int | float | bool | None"
Plain: TypeAlias = "Scalar | list[Plain] | dict[str, Plain]"
"""Data without origins, as pydantic takes it."""

Path: TypeAlias = tuple[str | int, ...]
"""Keys and list positions, from the top of the file."""

SHOWN_LENGTH = 60
MISTAKES_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Node:
    """One value. A value of a mapping has the line of its key, so that messages point there.

    `written` is a number, true or false as the file writes it: `1.10` is not 1.1. A broken node
    has had its mistake reported already.
    """

    value: Scalar | Mapping[str, Node] | tuple[Node, ...]
    origin: Origin
    written: str = ""
    broken: bool = False

    @property
    def entries(self) -> Mapping[str, Node]:
        """The entries of a mapping; empty for anything else."""
        return self.value if isinstance(self.value, Mapping) else {}

    @property
    def items(self) -> tuple[Node, ...]:
        """The items of a list; empty for anything else."""
        return self.value if isinstance(self.value, tuple) else ()

    @property
    def is_null(self) -> bool:
        """Whether it says `null`: what a lower layer says here is removed."""
        return self.value is None and not self.broken


class Mistakes:
    """Collects what is wrong in all files; the same mistake counts once."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, int, str], None] = {}

    def __len__(self) -> int:
        return len(self._found)

    def add(self, origin: Origin, path: Path, text: str) -> None:
        """Note that what stands at `origin` under `path` is wrong."""
        where = f"{path_text(path)}: " if path else ""
        self._found[origin.file, origin.line, f"{origin}: {where}{text}"] = None

    def lines(self) -> list[str]:
        """All mistakes in the order of files and lines, `file:line: path: what is wrong`."""
        every = [text for _, _, text in sorted(self._found)]
        more = len(every) - MISTAKES_SHOWN
        return every if more <= 0 else [*every[:MISTAKES_SHOWN], f"… and {more} more mistakes"]


def plain(node: Node) -> Plain:
    """Return the data of a node without its origins."""
    value = node.value
    if isinstance(value, Mapping):
        return {name: plain(entry) for name, entry in value.items()}
    if isinstance(value, tuple):
        return [plain(item) for item in value]
    return value


def walk(node: Node, path: Path = ()) -> Iterator[tuple[Path, Node]]:
    """Yield every node below and including this one with its path."""
    yield path, node
    for name, entry in node.entries.items():
        yield from walk(entry, (*path, name))
    for number, item in enumerate(node.items):
        yield from walk(item, (*path, number))


def named_entries(node: Node | None, path: Path, mistakes: Mistakes) -> Iterator[tuple[str, Node]]:
    """Yield the usable entries of a mapping by name; anything but a mapping is a mistake."""
    if node is None:
        return
    if not isinstance(node.value, Mapping) and not node.broken:
        mistakes.add(node.origin, path, "must be a mapping: `name:` with lines below it")
    for name, entry in node.entries.items():
        if not entry.broken:
            yield name, entry


def path_text(path: Path) -> str:
    """Write a path for people: `hosts.web1.groups[0]`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{shown(part)}"
    return text.removeprefix(".")


def shown(text: str) -> str:
    """Return a text as one short line in which nothing is invisible."""
    short = text if len(text) <= SHOWN_LENGTH else text[: SHOWN_LENGTH - 1] + "…"
    return "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in short)


def suggestion(name: str, known: Iterable[str]) -> str:
    """Return `; did you mean X?`, or an empty text when nothing comes near."""
    folded = {each.lower(): each for each in sorted(set(known))}
    close = difflib.get_close_matches(name[:200].lower(), folded, n=1, cutoff=0.6)
    return f"; did you mean {folded[close[0]]!r}?" if close else ""


def nearest(name: str, known: Iterable[str]) -> str:
    """Return a suggestion, or what there is when nothing comes near."""
    names = sorted(set(known))
    return suggestion(name, names) or (f" (there is: {some(names)})" if names else "")


def some(names: Collection[str], most: int = 20) -> str:
    """Return the first of some names: `db1, web1, …`."""
    first = ", ".join(shown(each) for each in islice(names, most))
    return f"{first}, …" if len(names) > most else first
