"""Run something on a host that goes on by itself when the connection, or this program, ends.

A package manager that is killed leaves packages by half. So it runs in a session of its own, and
what became of it is in files: `log`, `pid`, and `status` once it has ended.
"""

from __future__ import annotations

import posixpath
import shlex
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from pytest_ddd import clock
from pytest_ddd.actions.patching import shell
from pytest_ddd.connections import Session
from pytest_ddd.errors import DddError, UnreachableError
from pytest_ddd.probes import commands
from pytest_ddd.probes.rollback import ROOT
from pytest_ddd.units import format_duration

_POLL_S = 0.3
_LOOK_S = 30.0
_LOG_BYTES = 16384

_START = """set -e; umask 077; d={folder}; rm -rf "$d"; mkdir -p "$d"; cat >"$d/script"
[ "$(wc -c <"$d/script")" -eq {length} ]
cat /proc/sys/kernel/random/boot_id >"$d/boot"
setsid sh -c 'sh "$1/script" >"$1/log" 2>&1; echo $? >"$1/ended"; mv "$1/ended" "$1/status"' \
  sh "$d" </dev/null >/dev/null 2>&1 &
echo $! >"$d/pid.new"; mv "$d/pid.new" "$d/pid"; echo {token} >"$d/token"
"""
_STATE = """d={folder}; cd "$d" 2>/dev/null || {{ echo none - 0; exit 0; }}
s=lost; r=0
if [ -e pid ] && kill -0 "$(cat pid)" 2>/dev/null && \
[ "$(cat boot)" = "$(cat /proc/sys/kernel/random/boot_id)" ]; then s=running; fi
if [ -e status ]; then s=ended; r=$(cat status); fi
echo "$s $(cat token 2>/dev/null || echo -) $r"
tail -c {bytes} log 2>/dev/null || true
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What became of a job; `lost` is one that was killed or ended by a boot."""

    name: Literal["none", "running", "ended", "lost"]
    token: str
    status: int
    log: str

    @property
    def ended_well(self) -> bool:
        """Whether it ended with 0."""
        return self.name == "ended" and self.status == 0


class Job:
    """The job of one patch on one host; there is one at a time."""

    def __init__(self, session: Session, name: str) -> None:
        self._session = session
        self._folder = shlex.quote(posixpath.join(ROOT, "jobs", name.replace("/", "%2f")))

    def state(self) -> State:
        """Look what became of it.

        Raises:
            CannotLookError: the host does not answer.
        """
        script = _STATE.format(folder=self._folder, bytes=_LOG_BYTES)
        done = commands.look(self._session, script, shown="the job", timeout_s=_LOOK_S)
        head, _, log = done.text.partition("\n")
        words = head.split()
        if not done.ok or len(words) != 3 or words[0] not in ("none", "running", "ended", "lost"):
            raise commands.blind(self._session, "the job", done)
        name, token, status = words
        return State(
            name=name,  # type: ignore[arg-type]  # one of the four, as was just looked
            token=token,
            status=int(status),
            log=log,
        )

    def run(self, script: str, *, within_s: float) -> None:
        """Start a script, and wait for its end; a lost connection is opened again.

        Raises:
            DddError: it failed, or did not end in time; it is never killed.
        """
        label = self._session.spec.label
        if self.wait(within_s=within_s).name == "running":
            raise DddError(f"{label}: what an earlier run began still runs, and is not disturbed")
        token = uuid.uuid4().hex
        data = script.encode()
        command = _START.format(folder=self._folder, length=len(data), token=token)
        until = clock.monotonic() + within_s
        try:
            shell.must(self._session, command, shown="start the job", stdin=data)
        except UnreachableError:
            if self._patiently(self.state, until).token != token:
                raise
        state = self.wait(within_s=within_s)
        if not state.ended_well:
            raise DddError(f"{label}: {_words(state, within_s)}")

    def wait(self, *, within_s: float) -> State:
        """Wait until it runs no more, or the time is over; return what it is then.

        Raises:
            CannotLookError: the host did not come back within the time.
        """
        until = clock.monotonic() + within_s
        while True:
            state = self._patiently(self.state, until)
            if state.name != "running" or clock.monotonic() >= until:
                return state
            clock.wait(_POLL_S)

    def _patiently(self, look: Callable[[], State], until: float) -> State:
        return patiently(self._session, look, until)


def patiently(session: Session, look: Callable[[], State], until: float) -> State:
    """Look again and again while the host cannot be reached."""
    while True:
        try:
            return look()
        except UnreachableError:
            if clock.monotonic() >= until:
                raise
        clock.wait(_POLL_S)
        session.retry()


def _words(state: State, within_s: float) -> str:
    if state.name == "running":
        return f"the update still runs after {format_duration(within_s)}; nobody has stopped it"
    if state.name == "ended":
        return f"exit status {state.status}: {shell.excerpt(state.log)}"
    return f"the update was killed, or ended by a boot: {shell.excerpt(state.log)}"
