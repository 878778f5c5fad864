"""Turn what shall be said into new texts of files: show them as a diff, try them, write them."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path

from pytest_ddd.baseline.layers import shown_path
from pytest_ddd.baseline.placing import Tree
from pytest_ddd.baseline.rewriting import rewritten
from pytest_ddd.errors import UsageError

_SCHEMA = ".schema.json"
_HEADS = {
    "configuration": "What is there and should stay as it is.",
    "thresholds": "How full is too full. warn makes a reading yellow, crit red.",
    "logs": "Where trouble is written down. Patterns are POSIX extended regular expressions.",
    "endpoints": "What has to answer, and how.",
    "backups": "Where backups are, and how old the latest may be.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """The new text of one file; `before` is None when there is no such file yet."""

    path: Path
    before: str | None
    after: str

    @property
    def diff(self) -> str:
        """What changes, as `patch -p1` takes it."""
        name = shown_path(self.path)
        old = (self.before or "").splitlines(keepends=True)
        new = self.after.splitlines(keepends=True)
        source = "/dev/null" if self.before is None else f"a/{name}"
        lines = unified_diff(old, new, source, f"b/{name}")
        unended = "\n\\ No newline at end of file\n"
        return "".join(line if line.endswith("\n") else f"{line}{unended}" for line in lines)


def drafts(trees: Mapping[Path, Tree], *, by: str) -> list[Draft]:
    """Return the new text of each file that would change.

    Args:
        trees: what each file shall say besides.
        by: the command that made it, for the head of a new file.

    Raises:
        UsageError: a file cannot be read, or not changed where it would have to be.
    """
    found = []
    for path, tree in trees.items():
        before = _text(path)
        about = _HEADS.get(path.stem, "What is there.")
        made = f"# Made by `{by}`: it is yours now, change it as you like.\n"
        head = f"{_modeline(path)}# {about}\n{made}"
        try:
            after = rewritten(head if before is None else before, tree)
        except UsageError as mistake:
            raise UsageError(f"{shown_path(path)}: {mistake.message}", hint=mistake.hint) from None
        if after != before:
            found.append(Draft(path=path, before=before, after=after))
    return found


def _modeline(path: Path) -> str:
    """Return the line by which editors find the schema of a site, where it has one."""
    for folder, way in ((path.parent, ""), (path.parent.parent, "../")):
        if (folder / _SCHEMA).is_file():
            return f"# yaml-language-server: $schema={way}{_SCHEMA}\n"
    return ""


@contextmanager
def tried(root: Path, changes: Sequence[Draft]) -> Iterator[Path]:
    """Yield a copy of all environments in which the drafts are written."""
    with tempfile.TemporaryDirectory(prefix="pytest-ddd-capture-") as folder:
        copy = Path(folder) / root.name
        shutil.copytree(root, copy, ignore=_only_yaml)
        for draft in changes:
            target = copy / draft.path.absolute().relative_to(root.absolute())
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(draft.after, encoding="utf-8")
        yield copy


def write(draft: Draft) -> None:
    """Write a file in one step: whoever reads it sees the old text or the new one.

    Raises:
        UsageError: it was changed meanwhile, or cannot be written.
    """
    path = draft.path.resolve()  # a link stays a link
    if _text(path) != draft.before:
        raise UsageError(f"{shown_path(draft.path)} was changed meanwhile", hint="capture again")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as reason:
        raise _unwritable(draft, reason) from None
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as stream:
            stream.write(draft.after)
            stream.flush()
            os.fsync(stream.fileno())
        Path(name).chmod(path.stat().st_mode & 0o777 if draft.before is not None else 0o644)
        Path(name).replace(path)
    except OSError as reason:
        with suppress(OSError):
            Path(name).unlink()
        raise _unwritable(draft, reason) from None


def _unwritable(draft: Draft, reason: OSError) -> UsageError:
    return UsageError(f"{shown_path(draft.path)} cannot be written: {reason.strerror}")


def _text(path: Path) -> str | None:
    try:
        return path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as reason:
        raise UsageError(f"{shown_path(path)} cannot be read: {reason}") from None


def _only_yaml(folder: str, names: list[str]) -> list[str]:
    """Return what a copy leaves out."""
    return [
        name
        for name in names
        if not (Path(folder, name).is_dir() or name.endswith((".yaml", ".yml")))
    ]
