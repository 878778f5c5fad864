"""Let every testinfra module run over a session of ours, and write down what it ran."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

import testinfra.backend
from testinfra.backend.base import BaseBackend, CommandResult
from testinfra.host import Host

from pytest_ddd import clock
from pytest_ddd.connections.answers import Completed, decode
from pytest_ddd.errors import UsageError

if TYPE_CHECKING:
    from pytest_ddd.connections.session import Session

NAME = "ddd"
"""Kind of connection under which testinfra knows this backend: `ddd://web1`."""

GetCommand = Callable[..., str]
SessionOf = Callable[["str | None"], "Session"]
"""Takes the sudo user (None: as the connection logs in, empty: root) and returns a session."""


class SudoText(str):
    """A command as testinfra's sudo writes it, which remembers what it wraps."""

    __slots__ = ("plain", "sudo_user")

    plain: str
    sudo_user: str


class DddBackend(BaseBackend):  # type: ignore[misc]  # testinfra has no types
    """Runs testinfra's commands over the sessions of a `Connections`.

    Several threads may use one Host at once: `host.sudo()` holds only for its own thread.
    """

    NAME = NAME

    def __init__(
        self,
        hostname: str,
        *,
        session_of: SessionOf | None = None,
        recording: bool = False,
        **_unused: object,
    ) -> None:
        if session_of is None:
            raise UsageError(
                f"ddd://{hostname} works only through the fixture `host` of pytest-ddd",
                hint=f"pytest --host {hostname}, and take `host` as the check's argument",
            )
        self._local = threading.local()
        super().__init__(hostname)
        self._session_of = session_of
        self._recording = recording
        self._encoding = "utf-8"
        self.journal: list[Completed] = []
        """What the user's check ran, in order; the plugin empties it before each check."""

    # testinfra's host.sudo() assigns to `get_command`: keep that to the thread that does it.
    @property
    def get_command(self) -> GetCommand:
        """Write the command with its arguments quoted, as `host.sudo()` wants it at the moment."""
        current: GetCommand | None = getattr(self._local, "get_command", None)
        return current or super().get_command

    @get_command.setter
    def get_command(self, value: GetCommand) -> None:
        self._local.get_command = value

    def get_sudo_command(self, command: str, sudo_user: str | None) -> SudoText:
        """Wrap a command in sudo; `run` sends what is inside over a session of that account."""
        user = f"-u {self.quote('%s', sudo_user)} " if sudo_user else ""
        text = SudoText(f"sudo -n {user}/bin/sh -c {self.quote('%s', command)}")
        text.plain = str(command)
        text.sudo_user = sudo_user or ""
        return text

    def run(self, command: str, *args: str, **_unused: object) -> CommandResult:
        """Run a command on the host; raises the errors of `Session.run`."""
        text = self.get_command(command, *args)
        sudo_user, plain = None, text
        if isinstance(text, SudoText):
            sudo_user, plain = text.sudo_user, text.plain
        session = self._session_of(sudo_user)
        completed = session.run(plain, repeatable=not self._recording)
        if self._recording:
            self.journal.append(completed)
        return self.result(completed.exit_status, text.encode(), completed.stdout, completed.stderr)

    def decode(self, data: bytes) -> str:
        """Return text without ever failing: a log may hold any byte."""
        return decode(data)

    def encode(self, data: str) -> bytes:
        """Return UTF-8."""
        return data.encode("utf-8", errors="surrogateescape")


def host_on(name: str, session_of: SessionOf, *, recording: bool) -> Host:
    """Return a testinfra Host whose commands run over our sessions."""
    backend = DddBackend(name, session_of=session_of, recording=recording)
    host = Host(backend)
    backend.set_host(host)
    return host


def foreign_host(hostspec: str, *, recording: bool) -> Host:
    """Return a Host on a backend of testinfra's own (winrm, salt ...), its commands recorded."""
    backend = testinfra.backend.get_backend(hostspec)
    host = Host(backend)
    backend.set_host(host)
    journal: list[Completed] = []
    run = backend.run

    def recorded(command: str, *args: str, **kwargs: object) -> CommandResult:
        started = clock.monotonic()
        result = run(command, *args, **kwargs)
        if recording:
            journal.append(
                Completed(
                    command=decode(result.command)
                    if isinstance(result.command, bytes)
                    else str(result.command),
                    exit_status=result.rc,
                    stdout=result.stdout_bytes,
                    stderr=result.stderr_bytes,
                    took_s=clock.monotonic() - started,
                )
            )
        return result

    backend.run = recorded  # the one door all modules use
    backend.journal = journal  # as our own backend has it
    return host


testinfra.backend.BACKENDS[NAME] = f"{__name__}.{DddBackend.__name__}"
