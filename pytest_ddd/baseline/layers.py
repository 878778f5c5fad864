"""Find the files of an environment and of what it extends, and read them as layers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pytest_ddd.baseline import ansible
from pytest_ddd.baseline.contents import FILES, SECTIONS, TARGET_FILES, VERSION
from pytest_ddd.baseline.document import read_document
from pytest_ddd.baseline.model import BaselineFile
from pytest_ddd.baseline.tree import Mistakes, Node, nearest, shown, suggestion
from pytest_ddd.errors import BaselineError, UnknownTargetError
from pytest_ddd.results import Origin

NAME = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9_])?")
"""Names of environments, hosts and groups: safe in a file name, a glob and `web1@prod`."""

SUFFIX = ".yaml"
LONGEST_CHAIN = 20

_BESIDE = ("extends", ansible.KEY)
"""Keys that say where more is to be found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """What the files of one environment say, before anything is merged.

    `unusable` says that a file could not be read, so that names may be missing; `taken` is what an
    Ansible inventory says, which counts where the files are silent.
    """

    name: str
    sections: dict[str, Node] = field(default_factory=dict)
    extends: tuple[tuple[str, Origin], ...] = ()
    files: tuple[BaselineFile, ...] = ()
    unusable: bool = False
    taken: Mapping[str, Node] = field(default_factory=dict)


def environment_names(root: Path) -> list[str]:
    """Return the names of all environments below `root`, those that only serve as a base too.

    Raises:
        UnknownTargetError: there is no such directory.
    """
    if not root.is_dir():
        raise UnknownTargetError(
            f"no directory of baselines: {shown_path(root)}",
            hint="run this where baselines/ is, or make one: pytest-ddd init",
        )
    names = {
        path.stem if path.suffix == SUFFIX else path.name
        for path in root.iterdir()
        if (path.suffix == SUFFIX and not path.is_dir()) or (path.is_dir() and _yaml_in(path))
    }
    return sorted(name for name in names if not name.startswith("."))


def read_layers(
    root: Path, name: str, mistakes: Mistakes, *, only: Sequence[str] | None = None
) -> list[Layer]:
    """Read an environment and all that it extends, the lowest layer first.

    Args:
        root: the directory of environments.
        name: the environment.
        mistakes: gets everything that is wrong.
        only: stems of the files to read, instead of all.

    Raises:
        UnknownTargetError: there is no environment of that name.
    """
    known = environment_names(root)
    if name not in known:
        raise UnknownTargetError(
            f"no environment {shown(name)!r} in {shown_path(root)}{nearest(name, known)}",
            hint=f"an environment is {shown_path(root)}/NAME{SUFFIX} or "
            f"{shown_path(root)}/NAME/hosts{SUFFIX}",
        )
    return _Chain(root, known, mistakes, only).read(name)


def shown_path(path: Path) -> str:
    """Return a path as the user would type it from here."""
    absolute, here = path.absolute(), Path.cwd()
    return str(absolute.relative_to(here)) if absolute.is_relative_to(here) else str(path)


class _Chain:
    """Follows `extends`; a layer that several extend comes once, below all of them."""

    def __init__(
        self, root: Path, known: Sequence[str], mistakes: Mistakes, only: Sequence[str] | None
    ) -> None:
        self._root = root
        self._known = known
        self._mistakes = mistakes
        self._only = only
        self._layers: dict[str, Layer] = {}

    def read(self, name: str) -> list[Layer]:
        self._follow(name, ())
        return list(self._layers.values())

    def _follow(self, name: str, chain: tuple[tuple[str, Origin], ...]) -> None:
        layer = _read_layer(self._root, name, self._mistakes, self._only)
        for base, origin in layer.extends:
            way = (*chain, (name, origin))
            if (wrong := self._wrong(base, way)) != "":
                self._mistakes.add(origin, ("extends",), wrong)
            elif base not in self._layers:
                self._follow(base, way)
        if layer.taken:
            below = f"the inventory of {name}"
            self._layers[below] = Layer(name=below, sections=dict(layer.taken))
        self._layers[name] = layer

    def _wrong(self, base: str, way: tuple[tuple[str, Origin], ...]) -> str:
        if base not in self._known:
            return f"no environment {shown(base)!r}{nearest(base, self._known)}"
        if base in [name for name, _ in way]:
            return f"a circle: {_chain_text(way, base)}"
        return f"a chain of more than {LONGEST_CHAIN}" if len(way) > LONGEST_CHAIN else ""


def _chain_text(way: tuple[tuple[str, Origin], ...], back: str) -> str:
    start = [name for name, _ in way].index(back)
    return " -> ".join([*(f"{name} ({origin})" for name, origin in way[start:]), back])


def _read_layer(root: Path, name: str, mistakes: Mistakes, only: Sequence[str] | None) -> Layer:
    """Read all files of one environment."""
    sections: dict[str, Node] = {}
    extends: list[tuple[str, Origin]] = []
    files: list[BaselineFile] = []
    unusable = False
    inventory: Node | None = None
    for path, stem in _files_of(root, name, mistakes):
        if only is not None and stem not in (None, *only):
            continue
        shown_as = shown_path(path)
        document = read_document(path, shown_as, mistakes)
        files.append(BaselineFile(path=shown_as, sha256=document.sha256))
        if document.root is None:
            unusable = True
            continue
        reader = _FileReader(shown_path(root / name), stem, mistakes)
        for section, node in reader.sections(document.root).items():
            if section in sections:
                text = f"stands in two files, the other one is {sections[section].origin}"
                mistakes.add(node.origin, (section,), text)
            sections[section] = node
        extends += _extends_of(document.root, extends, stem, mistakes)
        inventory = _inventory_of(document.root, stem, mistakes) or inventory
    taken = ansible.Taken()
    if inventory is not None:
        taken = ansible.take(inventory, sections.get("hosts"), mistakes)
    return Layer(
        name=name,
        sections=sections,
        extends=tuple(extends),
        files=(*files, *taken.files),
        unusable=unusable or (inventory is not None and not taken.sections),
        taken=taken.sections,
    )


def _yaml_in(directory: Path) -> list[Path]:
    """Return what looks like YAML in a directory, hidden files left out."""
    try:
        found = sorted(directory.iterdir())
    except OSError as reason:
        where = shown_path(directory)
        raise BaselineError([f"{where}:1: cannot be read: {reason.strerror}"]) from None
    return [
        path
        for path in found
        if path.suffix.lower() in (SUFFIX, ".yml") and not path.name.startswith(".")
    ]


def _files_of(root: Path, name: str, mistakes: Mistakes) -> Iterator[tuple[Path, str | None]]:
    """Yield the files of an environment; the section's name with each, None for a single file."""
    single, directory = root / f"{name}{SUFFIX}", root / name
    many = _yaml_in(directory) if directory.is_dir() else []
    is_single = single.is_symlink() or single.is_file()
    if is_single and many:
        text = f"{shown_path(directory)}/ is there too: use one of the two"
        mistakes.add(Origin(file=shown_path(single), line=1), (), text)
    if not NAME.fullmatch(name):
        text = f"{shown(name)!r} cannot be an environment's name: use letters, digits, . _ and -"
        where = single if is_single else directory
        mistakes.add(Origin(file=shown_path(where), line=1), (), text)
    if is_single:
        yield single, None
    stems = {stem for files in FILES.values() for stem in files}
    for path in many:
        origin = Origin(file=shown_path(path), line=1)
        if path.suffix != SUFFIX:
            mistakes.add(origin, (), f"not read: rename it to {shown(path.stem)}{SUFFIX}")
        elif path.stem in FILES and path.stem not in FILES[path.stem]:
            right = shown_path(directory / f"{FILES[path.stem][0]}{SUFFIX}")
            mistakes.add(origin, (), f"{path.stem} stand in {right}")
        elif path.stem not in stems:
            mistakes.add(origin, (), f"no section {shown(path.stem)!r}{nearest(path.stem, stems)}")
        else:
            yield path, path.stem


class _FileReader:
    """Sorts the top-level keys of one file."""

    def __init__(self, place: str, stem: str | None, mistakes: Mistakes) -> None:
        self._place = place
        self._stem = stem
        self._mistakes = mistakes

    def sections(self, root: Node) -> dict[str, Node]:
        found: dict[str, Node] = {}
        for key, node in root.entries.items():
            if key == "version":
                self._check_version(node)
            elif key in SECTIONS:
                if self._stem is not None and self._stem not in FILES[key]:
                    right = f"{self._place}/{FILES[key][0]}{SUFFIX}"
                    self._mistakes.add(
                        node.origin, (key,), f"stands in the wrong file: move it to {right}"
                    )
                found[key] = node
            elif key not in _BESIDE:
                self._unknown(key, node)
        if self._stem is not None and not found and not {*_BESIDE} & set(root.entries):
            text = f"needs the key {self._stem!r} at the left margin, and all else below it"
            self._mistakes.add(root.origin, (), text)
        return found

    def _unknown(self, key: str, node: Node) -> None:
        known = ("version", *_BESIDE, *SECTIONS)
        more = suggestion(key, known)
        if not more and self._stem is not None:
            more = f" (entries stand below `{self._stem}:`)"
        text = f"unknown key {shown(key)!r}{more or nearest(key, known)}"
        self._mistakes.add(node.origin, (), text)

    def _check_version(self, node: Node) -> None:
        if not node.broken and (node.value != VERSION or isinstance(node.value, bool)):
            text = f"this release reads version {VERSION}, found {shown(str(node.value))}"
            self._mistakes.add(node.origin, ("version",), text)


def _inventory_of(root: Node, stem: str | None, mistakes: Mistakes) -> Node | None:
    """Return what `from_ansible` of one file says, if it does."""
    node = root.entries.get(ansible.KEY)
    if node is None or node.broken:
        return None
    if stem is not None and stem not in TARGET_FILES:
        text = f"belongs into environment{SUFFIX} or hosts{SUFFIX}"
        mistakes.add(node.origin, (ansible.KEY,), text)
        return None
    return node


def _extends_of(
    root: Node, before: Sequence[tuple[str, Origin]], stem: str | None, mistakes: Mistakes
) -> list[tuple[str, Origin]]:
    """Return the names that `extends` of one file lists."""
    node = root.entries.get("extends")
    if node is None or node.broken:
        return []
    path = ("extends",)
    if stem is not None and stem not in TARGET_FILES:
        mistakes.add(node.origin, path, f"belongs into environment{SUFFIX} or hosts{SUFFIX}")
        return []
    if before:
        mistakes.add(node.origin, path, f"stands twice, first in {before[0][1]}")
    found: list[tuple[str, Origin]] = []
    for item in node.items:
        if isinstance(item.value, str) and item.value not in [name for name, _ in found]:
            found.append((item.value, item.origin))
        elif not item.broken:
            mistakes.add(item.origin, path, "needs names of environments, each once")
    if not node.items:
        mistakes.add(node.origin, path, "needs a list: write extends: [common]")
    return found
