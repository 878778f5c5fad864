"""Entry: one baseline entry bound to one target, read once however often it is asked."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from typing import Generic, Protocol, TypeAlias, TypeVar

from pytest_ddd.results import Problem, Reading


class Answer(Protocol):
    """What a read of an entry returns: what was measured and what is not as it should be."""

    @property
    def readings(self) -> tuple[Reading, ...]:
        """Everything that was measured, all attempts of it."""

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Everything that differs from the baseline; empty when all is well."""


A_co = TypeVar("A_co", bound=Answer, covariant=True)


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
            if self._answer is None and self._failure is None:
                try:
                    self._answer = self.look()
                except Exception as failure:  # noqa: BLE001 - remembered for the next reader
                    self._failure = failure
            if self._failure is not None:
                raise self._failure
            assert self._answer is not None
            return self._answer

    @property
    def taken(self) -> A_co | None:
        """The answer if there is one already; never looks."""
        return self._answer

    @property
    def failure(self) -> Exception | None:
        """Why it could not be looked at, if that was tried and failed; never looks."""
        return self._failure

    @property
    def reads(self) -> int:
        """How often `read` was called: a check that never does has looked at nothing."""
        return self._reads

    def forget(self) -> None:
        """Let the next `read` look again."""
        with self._lock:
            self._answer = None
            self._failure = None

    @property
    def controls(self) -> tuple[str, ...]:
        """The controls that its baseline entry says it gives evidence for."""
        for name in ("declaration", "_declaration"):
            if (declaration := getattr(self, name, None)) is not None:
                return tuple(declaration.model.controls)
        return ()

    @abstractmethod
    def look(self) -> A_co:
        """Look at the target now; called by `read` only."""


AnyEntry: TypeAlias = Entry[Answer]
"""An entry of any section."""
