"""Connect to hosts once, look at what their baseline declares, and say what could not be seen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

from pytest_ddd.errors import CannotLookError, NotApplicableError
from pytest_ddd.outcomes import Outcome
from pytest_ddd.probes import (
    backups,
    configuration,
    endpoints,
    jobs,
    logs,
    metrics,
    queues,
    resources,
    sync,
)
from pytest_ddd.probes.ahead import ReadAhead
from pytest_ddd.probes.entry import AnyEntry
from pytest_ddd.probes.scope import Scope

_DAILY = (endpoints, resources, logs, backups, configuration, jobs, queues, sync, metrics)
"""What the daily scenarios look at; other scenarios run programs that take their time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Obstacle:
    """Something that keeps entries of a host from being looked at, and how to mend it."""

    host: str
    what: str
    why: str
    hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """How one host answered: who we are there, and what cannot be looked at."""

    host: str
    account: str
    looked_at: int
    obstacles: tuple[Obstacle, ...]


def try_hosts(scope: Scope) -> Iterator[Tried]:
    """Yield what was found of each host, in the order of the inventory; nothing is changed.

    Last comes what the environment itself declares, when it is selected as a whole.
    """
    for host in scope.hosts:
        scope.connections.reaching(host)  # all of them open at once
    declared: dict[str, list[AnyEntry]] = {}
    for module in _DAILY:
        for entry in module.entries(scope):
            declared.setdefault(_place(scope, entry), []).append(entry)
    with ThreadPoolExecutor(max(1, len(scope.hosts))) as pool:
        entries = [declared.get(host, []) for host in scope.hosts]
        yield from pool.map(partial(_try_host, scope), scope.hosts, entries)
    if "" in declared:
        yield _tried(scope, f"{scope.baseline.name}, without a host", "", declared[""])


def _place(scope: Scope, entry: AnyEntry) -> str:
    """Return the host that an entry is about; nothing when it is the environment's own."""
    return next((name for name in (entry.host, entry.target) if name in scope.hosts), "")


def _try_host(scope: Scope, host: str, entries: Sequence[AnyEntry]) -> Tried:
    reached = scope.connections.reachable(host)
    if reached.outcome is not Outcome.GREEN:
        dead = Obstacle(host=host, what="connection", why=reached.reason, hint=reached.hint)
        return Tried(host=host, account="", looked_at=0, obstacles=(dead,))
    return _tried(scope, host, _account(scope, host), entries)


def _tried(scope: Scope, name: str, account: str, entries: Sequence[AnyEntry]) -> Tried:
    ahead = ReadAhead(scope.connections)
    ahead.start(entries, [name] if name in scope.hosts else [])
    for entry in entries:
        ahead.wait(entry, lambda: None)
    ahead.stop()
    return Tried(
        host=name,
        account=account,
        looked_at=len(entries),
        obstacles=tuple(_obstacles(name, entries)),
    )


def _obstacles(host: str, entries: Sequence[AnyEntry]) -> Iterator[Obstacle]:
    for entry in entries:
        what = f"{entry.section} {entry.key}"
        try:
            answer = entry.read()
        except NotApplicableError:
            continue
        except CannotLookError as failure:
            why = failure.message.removeprefix(f"{entry.key}: ")
            yield Obstacle(host=host, what=what, why=why, hint=failure.hint)
        else:
            for problem in answer.problems:
                if problem.blind:
                    yield Obstacle(host=host, what=what, why=problem.text)


def _account(scope: Scope, host: str) -> str:
    try:
        answer = scope.connections.reading_host(host).run("id -un")
    except Exception:  # noqa: BLE001  # a backend of testinfra's own raises what it likes
        return "?"
    return str(answer.stdout).strip()
