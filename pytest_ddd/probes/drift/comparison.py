"""Comparison: collects what was seen on a host beside what the baseline says."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

from pytest_ddd import clock
from pytest_ddd.baseline.fields import Entry
from pytest_ddd.baseline.model import Declaration
from pytest_ddd.connections.answers import Completed
from pytest_ddd.errors import CannotLookError, UnreachableError
from pytest_ddd.probes.drift.ways import Shell, TestedHost
from pytest_ddd.results import Origin, Problem, Reading, Value

M = TypeVar("M", bound=Entry)

COMMAND_TIMEOUT_S = 30.0
DETAIL_CHARS = 4000
"""As much of an answer as a reading or a problem keeps."""

_TESTINFRA_FAILURES = (
    AssertionError,  # run_expect and check_output: an exit status they do not know
    RuntimeError,
    NotImplementedError,  # no module for this kind of system
    ValueError,  # find_command, int("")
    LookupError,
    OSError,
)
"""What testinfra's modules raise when they could not look."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """What was seen of one declaration, and everything in which it differs.

    `extra` counts things that are there and not in the baseline; only the kind `unlisted` has
    it, and the caller holds it against a threshold. `diff` is the whole unified diff.
    """

    readings: tuple[Reading, ...]
    problems: tuple[Problem, ...] = ()
    diff: str = ""
    extra: Reading | None = None


class Comparison:
    """One declaration on one host: the ways to look, and what has been seen so far."""

    def __init__(
        self,
        *,
        declaration: Declaration[Entry],
        host: TestedHost,
        shell: Shell,
        listed: Sequence[Declaration[Entry]] = (),
        attempt: int = 1,
    ) -> None:
        self.declaration = declaration
        self.kind, _, self.name = declaration.key.partition(":")
        self.host = host
        self.shell = shell
        self.listed = listed
        self.diff = ""
        self.extra: Reading | None = None
        self._attempt = attempt
        self._readings: list[Reading] = []
        self._problems: list[Problem] = []
        self._blind: list[CannotLookError] = []
        self._mark_s = clock.monotonic()

    def model(self, kind: type[M]) -> M:
        """Return what the baseline says, as the model of its kind."""
        if not isinstance(self.declaration.model, kind):
            raise TypeError(f"{self.declaration.key} is not a {kind.__name__}")
        return self.declaration.model

    def origin(self, *path: str | int) -> Origin | None:
        """Return where the baseline says it."""
        return self.declaration.origin(*path)

    def names_listed(self, kind: str) -> set[str]:
        """Return the names that the baseline of this host lists of one kind."""
        keys = (declaration.key.partition(":") for declaration in self.listed)
        return {name for found, _, name in keys if found == kind}

    def run(self, *words: str, timeout_s: float = COMMAND_TIMEOUT_S) -> Completed:
        """Run one program with its arguments, its messages in English."""
        return self.script(f"LC_ALL=C {shlex.join(words)}", timeout_s=timeout_s)

    def script(self, text: str, *, timeout_s: float = COMMAND_TIMEOUT_S) -> Completed:
        """Run a command line of sh."""
        return self.shell.run(text, timeout_s=timeout_s, repeatable=True)

    @contextmanager
    def looking(self, attribute: str) -> Iterator[None]:
        """Keep a failure to look at one attribute, so that the others are still looked at."""
        try:
            yield
        except UnreachableError:
            raise
        except CannotLookError as failure:
            self._cannot_see(attribute, failure.message, failure.hint)
        except _TESTINFRA_FAILURES as failure:
            self._cannot_see(attribute, _in_words(failure), "")

    def same(
        self,
        attribute: str,
        observed: Value,
        expected: Value,
        *,
        source: str,
        path: Sequence[str | int] = (),
    ) -> None:
        """Note an attribute that has to be what the baseline says."""
        problem = "" if observed == expected else f"{attribute} is {observed}, expected {expected}"
        self.note(
            attribute,
            observed,
            expected=str(expected),
            source=source,
            path=path or (attribute,),
            problem=problem,
        )

    def note(  # noqa: PLR0913  (the fields of a reading, each by its name)
        self,
        attribute: str,
        observed: Value,
        *,
        expected: str,
        source: str,
        path: Sequence[str | int] = (),
        problem: str = "",
        detail: str = "",
        digest: str = "",
    ) -> None:
        """Note what an attribute is, and what is wrong with it, if anything."""
        origin = self.origin(*path)
        self._readings.append(
            Reading(
                name=f"{self.kind} {self.name} {attribute}".rstrip(),
                value=observed,
                source=source,
                at=clock.now(),
                took_s=self._took_s(),
                attempt=self._attempt,
                expected=expected,
                detail=capped(detail),
                digest=digest,
                origin=origin,
            )
        )
        if problem:
            self._problems.append(Problem(text=problem, origin=origin))

    def finish(self) -> Drift:
        """Return what was seen.

        Raises:
            CannotLookError: something could not be looked at, and nothing else is known to be
                wrong: a known fault is not hidden by a blind spot.
        """
        if self._blind and not self._problems:
            message = "; ".join(failure.message for failure in self._blind)
            hint = next((failure.hint for failure in self._blind if failure.hint), "")
            raise CannotLookError(f"{self.declaration.key}: {message}", hint=hint)
        unseen = tuple(
            Problem(text=f"could not look at {failure.message}", origin=self.origin(), blind=True)
            for failure in self._blind
        )
        return Drift(
            readings=tuple(self._readings),
            problems=tuple(self._problems) + unseen,
            diff=self.diff,
            extra=self.extra,
        )

    def _took_s(self) -> float:
        since_s, self._mark_s = self._mark_s, clock.monotonic()
        return round(self._mark_s - since_s, 4)  # what is finer is noise

    def _cannot_see(self, attribute: str, message: str, hint: str) -> None:
        where = f"{attribute}: " if attribute else ""
        self._blind.append(CannotLookError(f"{where}{capped(message, 600)}", hint=hint))
        self._readings.append(
            Reading(
                name=f"{self.kind} {self.name} {attribute}".rstrip(),
                value=None,
                at=clock.now(),
                took_s=self._took_s(),
                attempt=self._attempt,
                error=capped(message, 600),
                origin=self.origin(attribute),
            )
        )


def capped(text: str, limit: int = DETAIL_CHARS) -> str:
    """Return the text, cut where it grows too long, and said to be cut."""
    if len(text) <= limit:
        return text
    return f"{text[:limit]}… ({len(text) - limit} more characters)"


def _in_words(failure: BaseException) -> str:
    """Turn testinfra's `Unexpected exit code 1 for CommandResult(…)` into a sentence."""
    text = str(failure)
    status = re.search(r"exit_status=(\d+)", text)
    if status is None:
        return text or type(failure).__name__
    said = re.search(r"_stderr=b?(['\"])(.*?)\1\)", text)
    command = re.search(r"command=b?(['\"])(.*?)\1, _std", text)
    ran = f"`{command[2]}`" if command else "a command"
    words = said[2].replace("\\n", " ").strip() if said else ""
    return f"{ran} ended with {status[1]}" + (f": {words}" if words else "")
