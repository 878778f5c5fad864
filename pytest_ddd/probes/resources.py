"""Resources: how much of processors, memory and file systems is in use on each host.

Numbers are those of the kernel: in a container they show the machine below it, not the limits of
its cgroup.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Literal, cast

from pytest_ddd import clock, results
from pytest_ddd.baseline.model import Declaration
from pytest_ddd.baseline.sections.thresholds import FROM_ELSEWHERE
from pytest_ddd.baseline.sections.thresholds import Resource as Limits
from pytest_ddd.errors import CannotLookError
from pytest_ddd.outcomes import Outcome
from pytest_ddd.probes.attempts import until_good
from pytest_ddd.probes.entry import Entry
from pytest_ddd.probes.usage.disks import Disks, Usage
from pytest_ddd.probes.usage.file_system_usage import TABLES, DiskKind, FileSystemUsage, asking
from pytest_ddd.probes.usage.local_resources import LocalMeter
from pytest_ddd.probes.usage.measures import Kind, Meter, Writer
from pytest_ddd.probes.usage.remote_resources import COMMANDS, RemoteMeter
from pytest_ddd.results import Reading, Threshold

if TYPE_CHECKING:
    from pytest_ddd.connections import Completed, Connections
    from pytest_ddd.probes.scope import Scope

__all__ = ["Resource", "Usage", "entries"]

SECTION = "thresholds"
_DISKS = ("disk", "inodes")
_FORESEEN = {str(kind): command for kind, command in COMMANDS.items()}
_FORESEEN |= dict.fromkeys(_DISKS, TABLES)
"""What a look sends first, by the kind of resource."""


class Resource(Entry[Usage]):
    """One resource of one host.

    Attributes:
        threshold: the limits that hold at this time of day.
    """

    def __init__(
        self,
        declaration: Declaration[Limits],
        *,
        host: str,
        connections: Connections,
        profile: Literal["day", "night"],
    ) -> None:
        self.kind, _, self.mount = declaration.key.partition(":")
        # What is read elsewhere can be read while the connection to the host does not work.
        needed = "" if _is_read_elsewhere(declaration.model) else host
        super().__init__(section=SECTION, key=declaration.key, target=host, host=needed)
        self.threshold = _threshold(declaration, self.kind, profile)
        self._declaration = declaration
        self._connections = connections

    def look(self) -> Usage:
        """Measure until it is within its limits or the attempts are used up.

        The last attempt counts; the detail of its readings tells of those before.

        Raises:
            CannotLookError: it cannot be measured.
        """
        usage, before = until_good(self._declaration.model.attempts, self._look_once, self._is_good)
        told = enumerate(map(_summary, before), start=1)
        return _with_history(usage, [f"attempt {number}: {text}" for number, text in told])

    def foresee(self, known: Mapping[str, Completed]) -> Iterable[str]:
        """Name what reads /proc; a file system may hang, so each is asked by itself.

        But for the root: whatever asks would hang with it.
        """
        if self._connections.spec(self.host).kind == "local" and self.kind not in _DISKS:
            return ()
        if known or self.kind not in _FORESEEN:
            return ()
        is_root = self.kind in _DISKS and self.mount == "/"
        return (_FORESEEN[self.kind], *((asking("/"),) if is_root else ()))

    def _look_once(self, attempt: int) -> Usage:
        writer = Writer(
            threshold=self.threshold,
            origin=self._declaration.origin(),
            attempt=attempt,
            started=clock.monotonic(),
        )
        if self.kind in FROM_ELSEWHERE:
            from pytest_ddd.probes.usage import elsewhere

            return elsewhere.look(
                self._declaration.model, self.target, self._connections, writer, self.mount
            )
        if self.kind in _DISKS:
            session = self._connections.session(self.host)
            disks = Disks(FileSystemUsage(session), cast("DiskKind", self.kind), writer)
            exclude = self._declaration.model.exclude
            return disks.one(self.mount) if self.mount else disks.all(exclude)
        return Usage(readings=(self._measured(cast("Kind", self.kind), writer),))

    def _measured(self, kind: Kind, writer: Writer) -> Reading:
        meter = self._meter()
        measured = meter.measure(kind, self._declaration.model.sample)
        reading = writer.reading(kind.replace("_", " "), measured)
        if results.judge(reading, self.threshold).outcome is Outcome.GREEN:
            return reading
        try:
            busiest = meter.busiest(kind)
        except CannotLookError as failure:
            busiest = f"who uses it could not be read: {failure.message}"
        return replace(reading, detail="\n".join(filter(None, (reading.detail, busiest))))

    def _meter(self) -> Meter:
        if self._connections.spec(self.host).kind == "local":
            return LocalMeter()
        return RemoteMeter(self._connections.session(self.host))

    def _is_good(self, usage: Usage) -> bool:
        judged = (results.judge(reading, self.threshold).outcome for reading in usage.readings)
        return not usage.problems and all(outcome is Outcome.GREEN for outcome in judged)


def entries(scope: Scope) -> list[Resource]:
    """Return one resource for each selected host and each declaration that applies to it."""
    return [
        Resource(
            cast("Declaration[Limits]", declaration),
            host=host,
            connections=scope.connections,
            profile=scope.profile,
        )
        for host, declaration in scope.on_hosts(SECTION)
    ]


def _threshold(
    declaration: Declaration[Limits], kind: str, profile: Literal["day", "night"]
) -> Threshold:
    """Return the limits of the time of day; without limits of its own the night has the day's."""
    unit = "per core" if kind == "load" else "%"
    if kind in FROM_ELSEWHERE:
        unit = declaration.model.unit
    at_night = profile == "night" and declaration.model.night is not None
    return declaration.threshold(*(("night",) if at_night else ()), unit=unit)


def _is_read_elsewhere(model: Limits) -> bool:
    """Whether a resource can be read without the host that it is about."""
    way = model.prometheus or model.table
    return way is not None and way.from_ == "controller"


def _summary(usage: Usage | CannotLookError) -> str:
    if isinstance(usage, CannotLookError):
        return usage.message
    said = [results.explain(reading) for reading in usage.readings]
    return "; ".join([*said, *(problem.text for problem in usage.problems)])


def _with_history(usage: Usage, before: list[str]) -> Usage:
    if not before or not usage.readings:
        return usage
    first, *others = usage.readings
    told = replace(first, detail="\n".join([first.detail, *before]))
    return replace(usage, readings=(told, *others))
