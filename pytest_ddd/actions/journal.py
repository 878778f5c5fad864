"""The journal of actions: a line before and a line after each transition, on disk at once.

It lives in `.pytest-ddd/actions/`: `journal.jsonl`, which only grows; a lock for each environment,
held while something in it is changed; and for each action a directory with what it keeps for its
way back.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pytest_ddd import clock
from pytest_ddd.actions.interface import Subject
from pytest_ddd.errors import CannotLookError, RecordError
from pytest_ddd.plain import Json

VERSION = 1
"""Version of a line of the journal."""

FOLDER = Path(".pytest-ddd", "actions")
"""Where the journal is, below the root of a site."""

STAGE = "stage"
"""Under this name an action of several parts keeps which one it is at."""

Transition = Literal["do", "verify", "undo", "close"]
Phase = Literal["begin", "end"]
_NAME = re.compile(r"[a-z0-9_.-]{1,64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line: a `phase` of a `transition` of an action; `good` once that has ended well."""

    action_id: str
    run_id: str
    operator: str
    at: str
    subject: Subject
    transition: Transition
    phase: Phase
    good: bool = False
    said: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """One action as the journal tells it."""

    action_id: str
    subject: Subject
    lines: tuple[Line, ...]
    stage: str = ""
    """What it was doing last, of an action that says so."""

    @property
    def run_id(self) -> str:
        """The run that began it."""
        return self.lines[0].run_id

    @property
    def is_over(self) -> bool:
        """Whether nothing of it is left: it was undone."""
        return self._last.transition == "undo" and self._last.good

    @property
    def is_in_force(self) -> bool:
        """Whether it was done and verified, by itself or by the one that closed it."""
        return self._last.transition in ("verify", "close") and self._last.good

    @property
    def is_open(self) -> bool:
        """Whether it was left in the middle: nobody knows what of it is in force."""
        return not self.is_over and not self.is_in_force

    @property
    def words(self) -> str:
        """What a person needs to know of it."""
        last, first = self._last, self.lines[0]
        if last.phase == "begin":
            state = f"`{last.transition}` has begun at {last.at} and never ended"
            state += f", last seen {self.stage}" if self.stage else ""
        else:
            state = f"`{last.transition}` ended at {last.at}: {'well' if last.good else last.said}"
        return f"{self.subject}: {state} (run {first.run_id[:8]} of {first.operator})"

    @property
    def _last(self) -> Line:
        return self.lines[-1]


class Journal:
    """The journal of one site.

    Args:
        root: the root of the site.
    """

    def __init__(self, root: Path) -> None:
        self.folder = root / FOLDER

    def deeds(self) -> tuple[Deed, ...]:
        """Return all actions, oldest first.

        Raises:
            RecordError: the journal cannot be read, or a line of it is no line.
        """
        groups: dict[str, list[Line]] = {}
        for line in self._lines():
            groups.setdefault(line.action_id, []).append(line)
        return tuple(
            Deed(
                action_id=name,
                subject=lines[0].subject,
                lines=tuple(lines),
                stage=(self.keep(name).load(STAGE) or b"").decode(errors="replace"),
            )
            for name, lines in groups.items()
        )

    def write(self, line: Line) -> None:
        """Append a line: it is on disk when this returns.

        Raises:
            RecordError: it cannot be written.
        """
        said = {"v": VERSION, **_to_json(line)}
        text = json.dumps(said, ensure_ascii=False) + "\n"
        try:
            self._make_folder()
            with self._path.open("a+b") as file:
                file.write((b"\n" if _is_cut(file.fileno()) else b"") + text.encode())
                file.flush()
                os.fsync(file.fileno())
            _sync(self.folder)
        except OSError as failure:
            raise _unwritable(self._path, failure) from failure

    def keep(self, action_id: str) -> Kept:
        """Return the place where an action keeps what it needs for its way back."""
        return Kept(self.folder / action_id)

    @contextmanager
    def lock(self, name: str) -> Iterator[None]:
        """Change things alone.

        Args:
            name: what is changed: `prod` for one action there, `run-prod` for a whole run.

        Raises:
            CannotLookError: another run is changing things now.
            RecordError: the lock cannot be made.
        """
        try:
            self._make_folder()
            file = (self.folder / f"lock-{name}").open("a")
        except OSError as failure:
            raise _unwritable(self.folder, failure) from failure
        with file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise CannotLookError(
                    "another run is changing things now", hint="wait for its end, then start again"
                ) from None
            yield

    @property
    def _path(self) -> Path:
        return self.folder / "journal.jsonl"

    def _make_folder(self) -> None:
        self.folder.parent.mkdir(mode=0o700, exist_ok=True)
        self.folder.mkdir(mode=0o700, exist_ok=True)

    def _lines(self) -> Iterator[Line]:
        try:
            data = self._path.read_bytes()
        except FileNotFoundError:
            return
        except OSError as failure:
            raise RecordError(f"{self._path}: {failure.strerror}") from failure
        for raw in data.split(b"\n"):
            if raw and (line := _from_json(raw)) is not None:
                yield line


class Kept:
    """A directory with what one action keeps."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def save(self, name: str, content: bytes) -> None:
        """Keep a text under a name; it is whole and on disk when this returns.

        Raises:
            RecordError: it cannot be written.
        """
        assert _NAME.fullmatch(name)
        draft = self.folder / f".{name}"
        try:
            self.folder.mkdir(mode=0o700, exist_ok=True)
            with draft.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(self.folder / name)
            _sync(self.folder)
            _sync(self.folder.parent)
        except OSError as failure:
            raise _unwritable(self.folder / name, failure) from failure

    def load(self, name: str) -> bytes | None:
        """Return what was kept under a name; None when nothing was.

        Raises:
            RecordError: it cannot be read.
        """
        try:
            return (self.folder / name).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as failure:
            raise RecordError(f"{self.folder / name}: {failure.strerror}") from failure


def _to_json(line: Line) -> dict[str, Json]:
    subject = line.subject
    return {
        "action_id": line.action_id,
        "run_id": line.run_id,
        "operator": line.operator,
        "at": line.at,
        "kind": subject.kind,
        "environment": subject.environment,
        "target": subject.target,
        "entry": subject.entry,
        "transition": line.transition,
        "phase": line.phase,
        "good": line.good,
        "said": line.said,
    }


def _from_json(raw: bytes) -> Line | None:
    """Return a line; None for one that was cut off when its writer was killed."""
    try:
        said = json.loads(raw)
    except ValueError:
        return None
    if not isinstance(said, dict) or said.get("v") != VERSION:
        raise RecordError(f"not a line of version {VERSION} of the journal: {raw[:100]!r}")
    try:
        subject = Subject(
            **{name: said[name] for name in ("kind", "environment", "target", "entry")}
        )
        names = ("action_id", "run_id", "operator", "at", "transition", "phase", "good", "said")
        return Line(subject=subject, **{name: said[name] for name in names})
    except KeyError as missing:
        raise RecordError(f"a line of the journal has no {missing}: {raw[:100]!r}") from None


def _is_cut(descriptor: int) -> bool:
    """Whether a file ends in the middle of a line, as a killed writer leaves it."""
    size = os.fstat(descriptor).st_size
    return size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _unwritable(path: Path, failure: OSError) -> RecordError:
    return RecordError(f"{path}: cannot be written: {failure.strerror}")


def line_of(  # noqa: PLR0913 - a line says many things
    subject: Subject,
    *,
    action_id: str,
    run_id: str,
    operator: str,
    transition: Transition,
    phase: Phase,
    good: bool = False,
    said: str = "",
) -> Line:
    """Return a line of now."""
    return Line(
        action_id=action_id,
        run_id=run_id,
        operator=operator,
        at=clock.stamp(clock.now()),
        subject=subject,
        transition=transition,
        phase=phase,
        good=good,
        said=said,
    )
