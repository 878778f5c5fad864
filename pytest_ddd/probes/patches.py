"""Patches: which updates of one kind a host waits for, and when its turn is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from pytest_ddd import clock
from pytest_ddd.baseline.model import Declaration
from pytest_ddd.baseline.sections import patches as section
from pytest_ddd.errors import CannotLookError
from pytest_ddd.probes import commands
from pytest_ddd.probes.entry import Entry
from pytest_ddd.probes.updates import apt, batches
from pytest_ddd.results import Limit, Problem, Reading, Threshold

if TYPE_CHECKING:
    from pytest_ddd.connections import Session
    from pytest_ddd.probes.scope import Scope

__all__ = ["Patch", "Turn", "Waiting", "entries"]

SECTION = "patches"
_TIMEOUT_S = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """When it is a host's turn: `batch` of `batches`, and who is in front of it and beside it."""

    batch: int
    batches: int
    size: int
    """Hosts of its batch."""
    earlier: tuple[str, ...]
    """Hosts of earlier batches."""
    rest: tuple[str, ...]
    """This host and those of its batch that follow it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """What a host waits for.

    Attributes:
        lines: one for each update: `NAME OLD -> NEW`.
        held: how many updates a hold keeps away.
    """

    lines: tuple[str, ...]
    held: Reading
    readings: tuple[Reading, ...]
    problems: tuple[Problem, ...] = ()


class Patch(Entry[Waiting]):
    """One kind of update of one host.

    Attributes:
        declaration: its baseline entry.
        environment: name of the environment.
        turn: its place among the batches.
    """

    def __init__(
        self, declaration: Declaration[section.Patch], *, scope: Scope, host: str, turn: Turn
    ) -> None:
        super().__init__(section=SECTION, key=declaration.key, target=host, host=host)
        self.declaration = declaration
        self.environment = scope.baseline.name
        self.scope = scope
        self.turn = turn

    @property
    def session(self) -> Session:
        """The way to its host."""
        return self.scope.connections.session(self.host)

    @property
    def held(self) -> Threshold:
        """One update that a hold keeps away is yellow."""
        return Threshold(warn=Limit(value=1, origin=self.declaration.origin()))

    def pending(self) -> apt.Pending:
        """Ask apt now.

        Raises:
            CannotLookError: it cannot say.
        """
        model = self.declaration.model.apt
        assert model is not None
        return apt.pending(self.session, model)

    def look(self) -> Waiting:
        """Ask what would be updated.

        Raises:
            CannotLookError: nobody can say.
        """
        started = clock.monotonic()
        held: tuple[apt.Update, ...] = ()
        others: tuple[apt.Update, ...] = ()
        if self.declaration.model.apt is None:
            lines = self._told()
        else:
            found = self.pending()
            lines = tuple(str(one) for one in found.updates)
            held, others = found.held, found.others
        took_s = round(clock.monotonic() - started, 6)

        def reading(name: str, told: tuple[object, ...]) -> Reading:
            return Reading(
                name=f"{self.key} {name}",
                value=len(told),
                source=f"{self.host}: apt-get -s" if self.declaration.model.apt else self.host,
                at=clock.now(),
                took_s=took_s,
                detail="\n".join(str(one) for one in told),
                origin=self.declaration.origin(),
            )

        kept = reading("held back", held)
        readings = (reading("pending", lines), kept, reading("left alone", others))
        return Waiting(lines=lines, held=kept, readings=readings)

    def _told(self) -> tuple[str, ...]:
        model = self.declaration.model.commands
        assert model is not None
        done = commands.look(self.session, model.pending, shown=model.pending, timeout_s=_TIMEOUT_S)
        if not done.ok:
            raise commands.blind(self.session, model.pending, done, "run it yourself there")
        return tuple(line.strip() for line in done.text.splitlines() if line.strip())


def entries(scope: Scope) -> list[Patch]:
    """Return the patches of the selected hosts, batch by batch."""
    found: dict[str, dict[str, Declaration[section.Patch]]] = {}
    for host, declaration in scope.on_hosts(SECTION):
        ours = cast("Declaration[section.Patch]", declaration)
        found.setdefault(declaration.key, {})[host] = ours
    patches = [
        Patch(declared[host], scope=scope, host=host, turn=turn)
        for declared in found.values()
        for host, turn in _turns(scope, declared)
    ]
    return sorted(patches, key=lambda one: one.turn.batch)


def _turns(scope: Scope, declared: dict[str, Declaration[section.Patch]]) -> list[tuple[str, Turn]]:
    model = next(iter(declared.values())).model
    hosts = batches.ordered(list(declared), model.order, scope.baseline.groups)
    sizes = batches.sizes(model.batches, len(hosts))
    turns, first = [], 0
    for number, size in enumerate(sizes, start=1):
        members = hosts[first : first + size]
        turns += [
            (
                host,
                Turn(
                    batch=number,
                    batches=len(sizes),
                    size=size,
                    earlier=hosts[:first],
                    rest=members[place:],
                ),
            )
            for place, host in enumerate(members)
        ]
        first += size
    return turns


def superuser(session: Session) -> None:
    """Refuse a way to a host that may not change it.

    Raises:
        CannotLookError: commands there do not run as root.
    """
    done = commands.look(session, "id -u", shown="id -u", timeout_s=30.0)
    if done.text.strip() != "0":
        raise CannotLookError(
            f"{session.spec.label}: commands run as uid {done.text.strip() or '?'}, not as root",
            hint="write `sudo: true` at this host in hosts.yaml",
        )
