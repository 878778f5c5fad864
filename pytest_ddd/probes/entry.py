"""Entry: one baseline entry bound to one target, read once however often it is asked.

What an entry has to keep so that it can be read ahead of its check: `look()` may run in any
thread, at the same time as the `look()` of every other entry, whether it has a host or not. It
holds nothing that two looks share, waits only for what it looks at, and ends by itself: every
wait has a time limit. Nothing else is asked of it: the pool in `probes.ahead` does the rest.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Generic, Protocol, TypeAlias, TypeVar

from pytest_ddd import clock
from pytest_ddd.results import Origin, Problem, Reading

if TYPE_CHECKING:
    from pytest_ddd.connections import Completed


class Answer(Protocol):
    """What a read of an entry returns: what was measured and what is not as it should be."""

    @property
    def readings(self) -> tuple[Reading, ...]:
        """Everything that was measured, all attempts of it."""

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Everything that differs from the baseline; empty when all is well."""


A_co = TypeVar("A_co", bound=Answer, covariant=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """When a look began, and how long it took."""

    started_at: datetime
    took_s: float


class Entry(ABC, Generic[A_co]):
    """One baseline entry bound to one target: what is parametrized into a check.

    Attributes:
        section: the baseline section that declares it.
        key: its name within the section: `disk:/var`.
        target: inventory name of the host, name of the environment, or `endpoint:NAME`.
        host: inventory name of the host that the read needs; empty when it needs none.
    """

    def __init__(self, *, section: str, key: str, target: str, host: str = "") -> None:
        self.section = section
        self.key = key
        self.target = target
        self.host = host
        self._lock = threading.Lock()
        self._answer: A_co | None = None
        self._failure: Exception | None = None
        self._looked: Looked | None = None
        self._reads = 0

    def __repr__(self) -> str:
        return f"{self.target} {self.key}"

    def read(self) -> A_co:
        """Look, at most once; every later call gets the same answer or the same error.

        Raises:
            CannotLookError: it could not be looked at; the check becomes UNKNOWN.
        """
        with self._lock:
            self._reads += 1
            self._settle()
            if self._failure is not None:
                raise self._failure
            assert self._answer is not None
            return self._answer

    def look_ahead(self, foreseen: Looked | None = None) -> None:
        """Look in the name of the check that will ask: no read of its own; never raises.

        Args:
            foreseen: when the host was asked what `foresee` named, which is a part of this look.
        """
        with self._lock:
            self._settle(foreseen)

    def foresee(self, known: Mapping[str, Completed]) -> Iterable[str]:
        """Name commands that a look will send to its host, to be sent with those of other entries.

        It is a guess and a matter of speed: a look that sends one of them gets the answer once,
        and sends every other command itself. Name only commands that read, that end at once, and
        whose order does not matter.

        Args:
            known: the answers so far; it is called again with those to what it named at first.
        """
        return ()

    @property
    def taken(self) -> A_co | None:
        """The answer if there is one already; never looks."""
        return self._answer

    @property
    def failure(self) -> Exception | None:
        """Why it could not be looked at, if that was tried and failed; never looks."""
        return self._failure

    @property
    def looked(self) -> Looked | None:
        """When it was looked at and how long that took, if it was."""
        return self._looked

    @property
    def reads(self) -> int:
        """How often `read` was called: a check that never does has looked at nothing."""
        return self._reads

    def forget(self) -> None:
        """Let the next `read` look again."""
        with self._lock:
            self._answer = None
            self._failure = None
            self._looked = None

    @property
    def origin(self) -> Origin | None:
        """Where the baseline declares it; None for what no file declares."""
        for name in ("declaration", "_declaration"):
            if (declaration := getattr(self, name, None)) is not None:
                origin: Origin | None = declaration.origin()
                return origin
        return None

    @property
    def controls(self) -> tuple[str, ...]:
        """The controls that its baseline entry says it gives evidence for."""
        for name in ("declaration", "_declaration"):
            if (declaration := getattr(self, name, None)) is not None:
                return tuple(declaration.model.controls)
        return ()

    @abstractmethod
    def look(self) -> A_co:
        """Look at the target now; called by `read` and `look_ahead` only, from any thread."""

    def _settle(self, foreseen: Looked | None = None) -> None:
        """Look, unless that was done."""
        if self._answer is not None or self._failure is not None:
            return
        started_at, started = clock.now(), clock.monotonic()
        try:
            self._answer = self.look()
        except Exception as failure:  # noqa: BLE001 - remembered for the next reader
            self._failure = failure
        took_s = clock.monotonic() - started
        if foreseen is not None:
            started_at, took_s = foreseen.started_at, foreseen.took_s + took_s
        self._looked = Looked(started_at=started_at, took_s=took_s)


AnyEntry: TypeAlias = Entry[Answer]
"""An entry of any section."""
