"""Connect to hosts once, look at what their baseline declares, and say what could not be seen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

from pytest_ddd.errors import CannotLookError, NotApplicableError
from pytest_ddd.outcomes import Outcome
from pytest_ddd.probes import configuration, logs, resources
from pytest_ddd.probes.ahead import ReadAhead
from pytest_ddd.probes.entry import AnyEntry
from pytest_ddd.probes.scope import Scope


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
    """Yield what was found of each host, in the order of the inventory; nothing is changed."""
    for host in scope.hosts:
        scope.connections.reaching(host)  # all of them open at once
    with ThreadPoolExecutor(max(1, len(scope.hosts))) as pool:
        yield from pool.map(partial(_try_host, scope), scope.hosts)


def _try_host(scope: Scope, host: str) -> Tried:
    reached = scope.connections.reachable(host)
    if reached.outcome is not Outcome.GREEN:
        dead = Obstacle(host=host, what="connection", why=reached.reason, hint=reached.hint)
        return Tried(host=host, account="", looked_at=0, obstacles=(dead,))
    entries = [
        entry
        for module in (resources, logs, configuration)
        for entry in module.entries(scope)
        if entry.host == host
    ]
    _read(scope, host, entries)
    return Tried(
        host=host,
        account=_account(scope, host),
        looked_at=len(entries),
        obstacles=tuple(_obstacles(host, entries)),
    )


def _read(scope: Scope, host: str, entries: Sequence[AnyEntry]) -> None:
    ahead = ReadAhead(scope.connections)
    ahead.start(entries, [host])
    for entry in entries:
        ahead.wait(entry, lambda: None)
    ahead.stop()


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
