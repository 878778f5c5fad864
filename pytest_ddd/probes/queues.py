"""Queues: how much waits, for how long, and how many consumers work on it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

from pytest_ddd import clock
from pytest_ddd.baseline.model import Declaration
from pytest_ddd.baseline.sections import queues as section
from pytest_ddd.errors import CannotLookError, UnreachableError
from pytest_ddd.probes.attempts import until_good
from pytest_ddd.probes.endpoints import url_for_host
from pytest_ddd.probes.entry import Entry
from pytest_ddd.probes.queue_sources import numbers
from pytest_ddd.probes.queue_sources.interface import Found
from pytest_ddd.probes.queue_sources.rabbitmq import Brokers
from pytest_ddd.probes.queue_sources.redis import Servers
from pytest_ddd.results import Problem, Reading, Threshold

if TYPE_CHECKING:
    from pytest_ddd.connections import Session
    from pytest_ddd.probes.scope import Scope

__all__ = ["Queue", "QueueState", "entries"]

SECTION = "queues"


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueState:
    """What a queue is like.

    Attributes:
        depth: messages that wait; without a value when there is no such queue.
        age: seconds since when the oldest one waits; without a value when nobody knows.
        consumers: how many there are; without a value when nobody knows.
    """

    depth: Reading
    age: Reading
    consumers: Reading
    problems: tuple[Problem, ...] = ()

    @property
    def readings(self) -> tuple[Reading, ...]:
        """All that was read."""
        return (self.depth, self.age, self.consumers)


@dataclass(frozen=True, slots=True)
class Ways:
    """What the queues of one run share: the scope, and connections to their servers."""

    scope: Scope
    brokers: Brokers
    servers: Servers

    @classmethod
    def of(cls, scope: Scope) -> Ways:
        """Return the ways of a run that has opened nothing yet."""
        return cls(scope, Brokers(scope.started_at), Servers())


class Queue(Entry[QueueState]):
    """One queue, asked from the controller, or by a command on its host.

    Attributes:
        depth: the limits of its depth.
        age: the limits of the age of the oldest message in seconds; None when there are none.
        consumers: the limits of their number; None when there are none.
    """

    def __init__(
        self, declaration: Declaration[section.Queue], *, target: str, host: str, ways: Ways
    ) -> None:
        super().__init__(section=SECTION, key=declaration.key, target=target, host=host)
        model = declaration.model
        self.depth = declaration.threshold("depth", unit="")
        self.age: Threshold | None = None
        self.consumers: Threshold | None = None
        if model.age is not None:
            self.age = declaration.threshold("age", unit="s")
        if model.consumers is not None:
            self.consumers = declaration.threshold("consumers", unit="", bad="below")
        self._declaration = declaration
        self._ways = ways

    def look(self) -> QueueState:
        """Ask; again as often as the entry allows when it could not be looked at.

        Raises:
            CannotLookError: no attempt could look.
        """
        state, _before = until_good(self._declaration.model.attempts, self._look_once)
        return state

    def _look_once(self, attempt: int) -> QueueState:
        started = clock.monotonic()
        origin = self._declaration.origin()
        try:
            found = self._find()
        except UnreachableError:
            raise
        except CannotLookError as failure:
            where = f" ({origin})" if origin else ""
            message = f"{self.key}: {failure.message}{where}"
            raise CannotLookError(message, hint=failure.hint) from failure
        blank = Reading(
            name="",
            value=None,
            source=found.source,
            at=clock.now(),
            took_s=clock.monotonic() - started,
            attempt=attempt,
            detail=found.note,
        )
        return QueueState(
            depth=self._named(blank, "depth", found.depth, "there is no such queue"),
            age=replace(self._named(blank, "age", _rounded(found.age_s), found.unaged), unit="s"),
            consumers=self._named(blank, "consumers", found.consumers, "nothing tells it"),
            problems=tuple(
                Problem(text=f"{self.key}: {text}", origin=origin) for text in found.problems
            ),
        )

    def _named(self, blank: Reading, what: str, value: float | None, missing: str) -> Reading:
        return replace(
            blank,
            name=f"{self.key} {what}",
            value=value,
            error=missing if value is None else "",
            origin=self._declaration.origin(what),
        )

    def _find(self) -> Found:
        model = self._declaration.model
        if model.rabbitmq is not None:
            url = self._filled(model.rabbitmq.url)
            return self._ways.brokers.find(model.rabbitmq, url, model.rabbitmq.queue or self.key)
        if model.redis is not None:
            return self._ways.servers.find(model.redis, self._filled(model.redis.url))
        if model.sql is not None:
            return numbers.from_row(self._ways.scope.databases, model.sql)
        return numbers.from_command(self._session, model.command, model.timeout)

    @property
    def _session(self) -> Session:
        connections = self._ways.scope.connections
        return connections.session(self.host) if self.host else connections.controller

    def _filled(self, url: str) -> str:
        scope = self._ways.scope
        if self.target not in scope.hosts:
            return url
        return url_for_host(url, scope.connections.spec(self.target))


def entries(scope: Scope) -> list[Queue]:
    """Return the queues of the environment, then those of each selected host."""
    ways = Ways.of(scope)
    found = []
    for declaration in scope.in_environment(SECTION):
        ours = cast("Declaration[section.Queue]", declaration)
        found.append(Queue(ours, target=scope.baseline.name, host="", ways=ways))
    for host, declaration in scope.on_hosts(SECTION):
        ours = cast("Declaration[section.Queue]", declaration)
        via = host if ours.model.command and ours.model.from_ != "controller" else ""
        found.append(Queue(ours, target=host, host=via, ways=ways))
    return found


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 1)
