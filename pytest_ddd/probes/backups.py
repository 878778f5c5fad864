"""Backups: how fresh, how large and how readable the latest one is."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from statistics import median
from typing import TYPE_CHECKING, cast

from pytest_ddd import clock
from pytest_ddd.baseline.model import Declaration
from pytest_ddd.baseline.secrets import text_of
from pytest_ddd.baseline.sections import backups as section
from pytest_ddd.errors import CannotLookError, UnreachableError
from pytest_ddd.probes.attempts import until_good
from pytest_ddd.probes.backup_tools import TOOLS
from pytest_ddd.probes.backup_tools.asking import Asking
from pytest_ddd.probes.backup_tools.interface import Copy, Found, Verified
from pytest_ddd.probes.entry import Entry
from pytest_ddd.results import Limit, Problem, Reading
from pytest_ddd.units import format_quantity, format_size

if TYPE_CHECKING:
    from pytest_ddd.connections import Connections, Session
    from pytest_ddd.probes.scope import Scope

__all__ = ["Backup", "BackupState", "entries"]

SECTION = "backups"
_PASSWORD_VARIABLES = {"restic": "RESTIC_PASSWORD", "borg": "BORG_PASSPHRASE"}
_CLOCKS_DIFFER_S = 300
"""A backup from the future is suspicious only beyond what clocks may differ."""

_FEWEST_PREVIOUS = 2
"""With fewer earlier backups nothing is known about the usual size."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupState:
    """What the latest backup is like.

    Attributes:
        age: seconds since it was made; without a value when there is none.
        size: bytes.
        shrink: how many per cent smaller it is than the median of the ones before; None when
            there are too few of them, negative when it has grown.
        integrity: whether it can be read, and how much of it was; None when nobody asked.
    """

    age: Reading
    size: Reading
    shrink: Reading | None = None
    integrity: Reading | None = None
    problems: tuple[Problem, ...] = ()

    @property
    def readings(self) -> tuple[Reading, ...]:
        """All that was read."""
        every = (self.age, self.size, self.shrink, self.integrity)
        return tuple(one for one in every if one is not None)


class Backup(Entry[BackupState]):
    """One backup, looked at from the controller or on the host that it belongs to.

    Attributes:
        age: the limits of its age in seconds.
        shrink: the limits of how much smaller it may be than usual, in per cent.
    """

    def __init__(
        self,
        declaration: Declaration[section.Backup],
        *,
        target: str,
        host: str,
        connections: Connections,
    ) -> None:
        super().__init__(section=SECTION, key=declaration.key, target=target, host=host)
        self.age = declaration.threshold("age", unit="s")
        self.shrink = declaration.threshold("shrink", unit="%")
        self._declaration = declaration
        self._connections = connections

    def look(self) -> BackupState:
        """Look at the latest backup; again only when it could not be looked at.

        Raises:
            CannotLookError: no attempt could look.
        """
        state, _before = until_good(self._declaration.model.attempts, self._look_once)
        return state

    def _look_once(self, attempt: int) -> BackupState:
        try:
            return self._seen(attempt)
        except UnreachableError:
            raise
        except CannotLookError as failure:
            raise CannotLookError(f"{self.key}: {failure.message}", hint=failure.hint) from failure

    def _seen(self, attempt: int) -> BackupState:
        started = clock.monotonic()
        asking = self._asking()
        tool = TOOLS[asking.model.kind]
        found = tool.find(asking)
        writer = _Writer(self._declaration, self, found, attempt, started)
        if not found.copies:
            return writer.nothing()
        return writer.state(tool.verify(asking, found.copies[-1]))

    def _asking(self) -> Asking:
        model = self._declaration.model
        name = _PASSWORD_VARIABLES.get(model.kind)
        variables = {key: text_of(value) for key, value in model.environment.items()}
        if name and model.password is not None:
            variables[name] = text_of(model.password)
        named = {
            field: getattr(model, field).replace("{host}", self.target)
            for field in ("repository", "stanza", "files", "command", "host")
        }
        return Asking(
            model=model.model_copy(update=named), session=self._session(), variables=variables
        )

    def _session(self) -> Session:
        if self.host:
            return self._connections.session(self.host)
        return self._connections.controller


@dataclass(frozen=True, slots=True)
class _Writer:
    """Turns what a tool found into readings and problems."""

    declaration: Declaration[section.Backup]
    backup: Backup
    found: Found
    attempt: int
    started: float

    def nothing(self) -> BackupState:
        """Return the state of a backup that does not exist."""
        problems = self.found.problems or ("there is no backup at all",)
        error = "there is no backup"
        return BackupState(
            age=replace(self._reading("age", unit="s"), error=error),
            size=replace(self._reading("size", unit="bytes"), error=error),
            problems=tuple(self._problem(text) for text in problems),
        )

    def state(self, verified: Verified | None) -> BackupState:
        """Return the state of the latest backup."""
        latest = self.found.copies[-1]
        problems = [self._problem(text) for text in self.found.problems]
        age_s = (self._now - latest.at).total_seconds()
        if age_s < -_CLOCKS_DIFFER_S:
            text = f"{latest.name} is from the future: {latest.at:%Y-%m-%d %H:%M:%S} UTC"
            problems.append(self._problem(text, "age"))
        if latest.size_bytes is not None and latest.size_bytes < self._model.min_size:
            text = f"{latest.name} has {format_size(latest.size_bytes)} only"
            problems.append(self._problem(text, "min_size"))
        if verified is not None and not verified.good:
            problems.append(self._problem(f"damaged: {verified.said}", "integrity"))
        return BackupState(
            age=self._age(latest, max(0.0, age_s)),
            size=self._size(latest),
            shrink=self._shrink(),
            integrity=self._integrity(verified),
            problems=tuple(problems),
        )

    @property
    def _model(self) -> section.Backup:
        return self.declaration.model

    @property
    def _now(self) -> datetime:
        return self.found.seen_at or clock.now()

    def _age(self, latest: Copy, age_s: float) -> Reading:
        detail = f"{latest.name} of {latest.at:%Y-%m-%d %H:%M:%S} UTC"
        return replace(
            self._reading("age", unit="s"),
            value=round(age_s, 1),
            expected=_below(self.backup.age.warn or self.backup.age.crit, "s"),
            detail="; ".join(filter(None, (detail, self.found.note))),
        )

    def _size(self, latest: Copy) -> Reading:
        blank = replace(
            self._reading("size", unit="bytes"),
            expected=f"at least {format_size(self._model.min_size)}",
            origin=self.declaration.origin("min_size"),
        )
        if latest.size_bytes is None:
            return replace(blank, error="not told")
        return replace(blank, value=latest.size_bytes)

    def _shrink(self) -> Reading | None:
        *before, latest = [copy.size_bytes for copy in self.found.copies]
        known = [size for size in before if size is not None]
        if latest is None or len(known) < _FEWEST_PREVIOUS:
            return None
        usual = median(known)
        shrunk = 100 * (usual - latest) / usual if usual else 0.0
        return replace(
            self._reading("shrink", unit="%"),
            value=round(shrunk, 1),
            expected=_below(self.backup.shrink.warn or self.backup.shrink.crit, "%"),
            detail=f"{format_size(latest)}, median of {len(known)} before {format_size(usual)}",
        )

    def _integrity(self, verified: Verified | None) -> Reading | None:
        if verified is None:
            return None
        return replace(
            self._reading("integrity", unit=""),
            value=verified.good,
            source=verified.source,
            expected=f"no damage in what is read: {verified.read}",
            detail=verified.said,
            origin=self.declaration.origin("integrity"),
        )

    def _reading(self, what: str, *, unit: str) -> Reading:
        return Reading(
            name=f"{self.declaration.key} {what}",
            value=None,
            unit=unit,
            source=self.found.source,
            at=clock.now(),
            took_s=clock.monotonic() - self.started,
            attempt=self.attempt,
            origin=self.declaration.origin(),
        )

    def _problem(self, text: str, *path: str) -> Problem:
        return Problem(
            text=f"{self.declaration.key}: {text}", origin=self.declaration.origin(*path)
        )


def entries(scope: Scope) -> list[Backup]:
    """Return the backups of the environment, then those of each selected host."""
    found = []
    for declaration in scope.in_environment(SECTION):
        ours = cast("Declaration[section.Backup]", declaration)
        name = scope.baseline.name
        found.append(Backup(ours, target=name, host="", connections=scope.connections))
    for host, declaration in scope.on_hosts(SECTION):
        ours = cast("Declaration[section.Backup]", declaration)
        # From the controller it works while the connection to the host does not.
        via = "" if ours.model.from_ == "controller" else host
        found.append(Backup(ours, target=host, host=via, connections=scope.connections))
    return found


def _below(limit: Limit | None, unit: str) -> str:
    return f"below {format_quantity(limit.value, unit)}" if limit else ""
