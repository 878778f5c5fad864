"""All connections of a run: one session a host and sudo user, opened when first needed."""

from __future__ import annotations

import resource
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future, wait
from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_ddd import clock
from pytest_ddd.connections.answers import Reachability
from pytest_ddd.connections.gate import OPEN_AT_ONCE, OpeningGate
from pytest_ddd.connections.loop import IoLoop
from pytest_ddd.connections.session import Session
from pytest_ddd.connections.specs import ConnectionSpec
from pytest_ddd.connections.volume import AT_ONCE_BYTES, Volume
from pytest_ddd.errors import (
    CannotLookError,
    DddError,
    RefusedError,
    UnknownTargetError,
    UnreachableError,
    UsageError,
)
from pytest_ddd.outcomes import Outcome
from pytest_ddd.units import plural

if TYPE_CHECKING:
    from testinfra.host import Host

_CLOSE_WITHIN_S = 8.0
_DESCRIPTORS_A_SESSION = 4
_DESCRIPTORS_SPARE = 256
_CONTROLLER = ConnectionSpec(name="controller", kind="local", hostspec="local://")


class Connections:
    """Sessions and testinfra hosts by inventory name; every method may be called by any thread.

    Args:
        specs: how to reach each host, by inventory name.
        open_at_once: logins that may be in flight.
        hold_at_once_bytes: what the answers under way may hold together.
        controller_timeout_s: limit of a command on the controller itself.
    """

    def __init__(
        self,
        specs: Mapping[str, ConnectionSpec],
        *,
        open_at_once: int = OPEN_AT_ONCE,
        hold_at_once_bytes: int = AT_ONCE_BYTES,
        controller_timeout_s: float = 30.0,
    ) -> None:
        self._specs = dict(specs)
        self._loop = IoLoop()
        self._gate = OpeningGate(self._loop, open_at_once)
        self._volume = Volume(hold_at_once_bytes)
        self._lock = threading.RLock()
        self._sessions: dict[tuple[str, str | None], Session] = {}
        self._hosts: dict[tuple[str, bool], Host] = {}
        self._reachable: dict[str, Future[Reachability]] = {}
        self._ending: list[Future[None]] = []
        controller = replace(_CONTROLLER, command_timeout_s=controller_timeout_s)
        self.controller = Session(controller, self._loop, self._gate, self._volume)

    @property
    def names(self) -> tuple[str, ...]:
        """Inventory names, in their order."""
        return tuple(self._specs)

    def spec(self, name: str) -> ConnectionSpec:
        """Return how `name` is reached.

        Raises:
            UnknownTargetError: no such host here.
        """
        try:
            return self._specs[name]
        except KeyError:
            raise UnknownTargetError(f"no host {name!r} among the connections") from None

    def session(self, name: str, *, sudo_user: str | None = None) -> Session:
        """Return the session of a host; `sudo_user` asks for one that runs as that account.

        Raises:
            UsageError: the host keeps a backend of testinfra's own, which has no session.
        """
        spec = self.spec(name)
        if not spec.has_session:
            raise UsageError(f"{spec.label}: {spec.kind} connections have no session")
        with self._lock:
            key = (name, sudo_user)
            if key not in self._sessions:
                if sudo_user is not None:
                    spec = replace(spec, sudo=True, sudo_user=sudo_user)
                self._make_room()
                self._sessions[key] = Session(spec, self._loop, self._gate, self._volume)
            return self._sessions[key]

    def host(self, name: str) -> Host:
        """Return testinfra's Host for a user's checks; `backend.journal` lists its commands."""
        return self._host(name, recording=True)

    def reading_host(self, name: str) -> Host:
        """Return testinfra's Host for entries' reads: commands only read, nothing is recorded."""
        return self._host(name, recording=False)

    def reachable(self, name: str) -> Reachability:
        """Say whether a host answers; asked once, remembered, never raises."""
        return self.reaching(name).result()

    def reaching(self, name: str) -> Future[Reachability]:
        """Begin to ask whether a host answers, unless that was done; the future never raises.

        A session of ours opens while the caller goes on. Only a secret for sudo, and a backend of
        testinfra's own, take their time here.
        """
        with self._lock:
            known = self._reachable.get(name)
            future = known or self._reachable.setdefault(name, Future())
        if known is None:
            self._look(name, future)
        return future

    def rest(self) -> None:
        """Begin to close all sessions, and return at once; a host that is asked again gets another.

        For when nothing more is expected: the far ends take their time while the caller goes on.
        """
        with self._lock:
            self._ending += [session.close() for session in self._sessions.values()]
            self._sessions.clear()

    def close(self) -> None:
        """Close everything; bounded in time, leaves no process, may be called again."""
        self.rest()
        wait([*self._ending, self.controller.close()], timeout=_CLOSE_WITHIN_S)
        self._loop.stop()

    def _host(self, name: str, *, recording: bool) -> Host:
        from pytest_ddd.connections.testinfra_backend import foreign_host, host_on

        spec = self.spec(name)
        with self._lock:
            key = (name, recording)
            if key not in self._hosts:
                if spec.has_session:
                    self._hosts[key] = host_on(
                        name,
                        lambda sudo_user: self.session(name, sudo_user=sudo_user),
                        recording=recording,
                    )
                else:
                    self._hosts[key] = foreign_host(spec.hostspec, recording=recording)
            return self._hosts[key]

    def _look(self, name: str, future: Future[Reachability]) -> None:
        started_at, started = clock.now(), clock.monotonic()

        def settle(ask: Callable[[], tuple[Outcome, str]]) -> None:
            found = _found(name, ask)
            took_s = clock.monotonic() - started
            future.set_result(replace(found, started_at=started_at, took_s=took_s))

        if name in self._specs and not self.spec(name).has_session:
            settle(lambda: self._look_through_testinfra(name))
        else:
            opening = self._open(name)
            opening.add_done_callback(lambda done: settle(lambda: (Outcome.GREEN, done.result())))

    def _open(self, name: str) -> Future[str]:
        try:
            return self.session(name).open()
        except DddError as error:
            failed: Future[str] = Future()
            failed.set_exception(error)
            return failed

    def _look_through_testinfra(self, name: str) -> tuple[Outcome, str]:
        """Whether a host on a backend of testinfra's own runs a command that cannot fail."""
        result = self.reading_host(name).run("exit 0")
        if result.rc == 0:
            return Outcome.GREEN, ""
        said = result.stderr.strip() or "nothing"
        return Outcome.UNKNOWN, f"{name}: `exit 0` ended with {result.rc} and said: {said[:300]}"

    def _make_room(self) -> None:
        """Raise the soft limit of open files where many hosts need more than the usual 1024.

        Raises:
            CannotLookError: the hard limit is too low for another session.
        """
        needed = (len(self._sessions) + 1) * _DESCRIPTORS_A_SESSION + _DESCRIPTORS_SPARE
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if soft == resource.RLIM_INFINITY or needed <= soft:
            return
        if hard != resource.RLIM_INFINITY and needed > hard:
            hosts = plural(len(self._sessions) + 1, "host")
            raise CannotLookError(
                f"the limit of {hard} open files is too low for {hosts}",
                hint=f"ulimit -Hn {2 * needed}   # or look at fewer hosts: --host GROUP",
            )
        wanted = 2 * needed if hard == resource.RLIM_INFINITY else min(2 * needed, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _found(name: str, ask: Callable[[], tuple[Outcome, str]]) -> Reachability:
    """Return what was found, whatever is raised."""
    hint = ""
    try:
        outcome, reason = ask()
    except DddError as error:
        outcome, reason, hint = _outcome_of(error), error.message, error.hint
    except Exception as error:  # noqa: BLE001  # a backend of testinfra's own raises what it likes
        outcome, reason = Outcome.UNKNOWN, f"{name}: {type(error).__name__}: {error}"
    return Reachability(name=name, outcome=outcome, reason=reason, hint=hint)


def _outcome_of(error: DddError) -> Outcome:
    """Dead is RED; refused, or unable to look, is UNKNOWN."""
    dead = isinstance(error, UnreachableError) and not isinstance(error, RefusedError)
    assert isinstance(error, DddError | CannotLookError)
    return Outcome.RED if dead else Outcome.UNKNOWN
