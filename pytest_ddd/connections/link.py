"""One life of a connection: start the program, pass sudo, become ready, exchange frames, end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pytest_ddd import clock
from pytest_ddd.connections.answers import decode
from pytest_ddd.connections.channel import Channel
from pytest_ddd.connections.dispatcher import Marker, opening
from pytest_ddd.connections.frames import Answer, FrameError, FrameParser, NoRoom, Ready
from pytest_ddd.connections.launch import SudoGate, launch
from pytest_ddd.connections.loop import IoLoop
from pytest_ddd.connections.refusals import explain_end, explain_missing, explain_no_room
from pytest_ddd.connections.specs import ConnectionSpec
from pytest_ddd.connections.volume import Volume
from pytest_ddd.errors import CannotLookError, OutputLimitError, RefusedError, UnreachableError

_LOGIN_S = 15.0
"""What authentication and the login shell may take on top of the connect timeout."""

_FAREWELL_S = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Events:
    """What a link calls.

    `ready` once the dispatcher answers, `answered` with each answer, `ended` once, with the
    reason; a link that was ready and is lost says so.
    """

    ready: Callable[[], None]
    answered: Callable[[Answer], None]
    ended: Callable[[CannotLookError], None]


class Link:
    """A connection from its start to its end; lives in the loop's thread.

    Args:
        password: for sudo; None when sudo needs none.
        events: what to call when something happens.
        volume: what all links together may hold.

    Raises:
        CannotLookError: the program cannot be started.
    """

    def __init__(
        self,
        loop: IoLoop,
        spec: ConnectionSpec,
        *,
        password: str | None,
        events: Events,
        volume: Volume,
    ) -> None:
        self.ready = False
        self.notice = ""  # a key that the user's ssh_config made ssh accept
        self._spec, self._password = spec, password
        self._events, self._volume = events, volume
        self._marker = Marker()
        self._parser = FrameParser(self._marker.text.encode("ascii"))
        self._gate = SudoGate() if password is not None else None
        self._before_gate = b""
        self._verdict: CannotLookError | None = None
        self._late = self._is_too_much = False
        argv = launch(spec, self._gate).argv
        try:
            self._channel = Channel(
                loop,
                argv,
                on_output=self._take_output,
                on_error_output=self._watch_prompt,
                on_end=self._ended,
            )
        except OSError as error:
            raise explain_missing(spec, argv[0], error) from error
        self._send_opening()
        patience_s = spec.connect_timeout_s + _LOGIN_S
        self._limit = loop.call_at(clock.monotonic() + patience_s, self._too_late)

    @property
    def pid(self) -> int:
        """Process id of the local program."""
        return self._channel.pid

    @property
    def last_read(self) -> float:
        """When the far side was last heard of."""
        return self._channel.last_read

    def send(self, data: bytes) -> None:
        """Write to the dispatcher."""
        self._channel.send(data)

    def allow(self, limit_bytes: int) -> None:
        """Let answers of this size pass."""
        self._parser.limit_bytes = max(self._parser.limit_bytes, limit_bytes)

    def end(self, verdict: CannotLookError, *, within_s: float = _FAREWELL_S) -> None:
        """Close the connection; `verdict` goes to `on_end`."""
        self._verdict = self._verdict or verdict
        self._channel.close(within_s=within_s)

    def _send_opening(self) -> None:
        if self._gate is None:
            self._channel.send(opening(self._marker))
        else:
            self._channel.send(f"{self._password}\n".encode())

    def _take_output(self, data: bytes) -> None:
        if self._gate is not None:
            self._before_gate = (self._before_gate + data)[-4096:]
            if self._gate.ready.encode() not in self._before_gate:
                return
            self._gate = None
            self._channel.send(b"go\n" + opening(self._marker))
            return
        if self._is_too_much:
            return
        try:
            for frame in self._parser.feed(data):
                if isinstance(frame, Answer):
                    self._events.answered(frame)
                elif isinstance(frame, NoRoom):
                    self.end(explain_no_room(self._spec, frame.tried))
                elif isinstance(frame, Ready):
                    self._become_ready()
        except FrameError as error:
            self.end(UnreachableError(f"{self._spec.label}: the connection is garbled: {error}"))
        if not self._volume.hold(self, self._parser.held_bytes):
            self._give_up_answer()

    def _give_up_answer(self) -> None:
        """Hold and take nothing more; what sends it is told by the end of the connection."""
        self._is_too_much = True
        self._parser = FrameParser(b"")
        self._volume.hold(self, 0)
        self.end(OutputLimitError(f"{self._spec.label}: {self._volume.explain()}"))
        self._channel.kill()

    def _become_ready(self) -> None:
        if not self.ready and self._verdict is None:
            self.ready = True
            lines = decode(self._channel.stderr).splitlines()
            self.notice = next((line for line in lines if "Permanently added" in line), "")
            self._channel.stderr = b""  # what follows tells why the connection was lost
            self._limit.cancel()
            self._events.ready()

    def _watch_prompt(self) -> None:
        """A second prompt means that sudo did not like the password: no second try."""
        if self._gate is None or self._channel.stderr.count(self._gate.prompt.encode()) < 2:
            return
        message = f"{self._spec.label}: sudo refused the password"
        self.end(RefusedError(message, hint="check the secret that sudo_password refers to"))

    def _too_late(self) -> None:
        self._late = True
        self._channel.close(within_s=_FAREWELL_S)

    def _ended(self, status: int) -> None:
        self._limit.cancel()
        self._volume.hold(self, 0)
        stderr = self._channel.stderr
        if self._verdict is None and self.ready:
            said = decode(stderr).strip().rpartition("\n")[2]
            self._verdict = UnreachableError(
                f"{self._spec.label}: the connection was lost" + (f": {said}" if said else ""),
                hint="run it again; is the host restarting?",
            )
        if self._verdict is None:
            self._verdict = explain_end(self._spec, None if self._late else status, stderr)
        self._events.ended(self._verdict)
