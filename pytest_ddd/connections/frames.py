"""Take the answers out of the stream that the dispatcher writes.

A frame is a line that starts with the session's marker, 128 random bits that only ever travel on
stdin: `M R dir` ready, `M X dirs` no directory can be written, `M A job status flag` an answer
starts and its stdout follows, `M E` its stderr follows, `M Z flag` it is complete. What stands
between answers, such as a login banner, is dropped.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

_LONGEST_LINE_BYTES = 8192


LOST = "L"
"""Flag of a command that was killed because its dispatcher is gone."""


class FrameError(Exception):
    """The stream is not what a dispatcher writes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """The dispatcher runs; its files are in `directory`."""

    directory: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NoRoom:
    """The dispatcher found no directory to write in."""

    tried: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One command's end.

    The flag is 0 when all is well, T (killed: its time), U (over its time, cannot be killed),
    O (killed: its output), F (directory full), I (its stdin could not be kept), L (killed: the
    dispatcher is gone).
    """

    job_id: int
    exit_status: int
    flag: str
    stdout: bytes
    stderr: bytes


Frame: TypeAlias = Ready | NoRoom | Answer


class FrameParser:
    """Cuts a byte stream into frames, however it was chopped up.

    Args:
        marker: what starts a frame.
        limit_bytes: how much of one stdout or stderr may be held.
    """

    def __init__(self, marker: bytes, *, limit_bytes: int = 1 << 30) -> None:
        self.limit_bytes = limit_bytes
        self._marker = marker
        self._held = bytearray()
        self._seen = 0
        self._head: tuple[int, int, str] | None = None
        self._stdout: bytes | None = None

    @property
    def held_bytes(self) -> int:
        """How much of an answer that is not complete is held."""
        return len(self._held) + len(self._stdout or b"")

    def feed(self, data: bytes) -> list[Frame]:
        """Take more bytes; return the frames that they complete.

        Raises:
            FrameError: the frames do not follow each other as they should.
        """
        self._held += data
        frames: list[Frame] = []
        while (line := self._next_line()) is not None:
            content, words = line
            frame = self._take(words, content)
            if frame is not None:
                frames.append(frame)
        return frames

    def _next_line(self) -> tuple[bytes, list[bytes]] | None:
        """Return what stands before the next marker, and the words of the marker's line."""
        start = self._held.find(self._marker, self._seen)
        if start < 0:
            self._seen = max(0, len(self._held) - len(self._marker) + 1)
            if self._head is None:
                del self._held[: self._seen]
                self._seen = 0
            elif len(self._held) > self.limit_bytes:
                raise FrameError(f"an answer is longer than {self.limit_bytes} bytes")
            return None
        self._seen = start
        after = start + len(self._marker)
        end = self._held.find(b"\n", after)
        if end < 0:
            if len(self._held) - after > _LONGEST_LINE_BYTES:
                raise FrameError("a marker's line does not end")
            return None
        content = bytes(self._held[:start]) if self._head is not None else b""
        words = bytes(self._held[after:end]).split()
        del self._held[: end + 1]
        self._seen = 0
        return content, words

    def _take(self, words: list[bytes], content: bytes) -> Frame | None:
        match words:
            case [b"R", *rest] if self._head is None:
                return Ready(directory=b" ".join(rest).decode(errors="replace"))
            case [b"X", *rest] if self._head is None:
                return NoRoom(tried=b" ".join(rest).decode(errors="replace"))
            case [b"A", job_id, status, flag] if self._head is None:
                self._head = (_number(job_id), _number(status), flag.decode("ascii", "replace"))
                return None
            case [b"E"] if self._head is not None and self._stdout is None:
                self._stdout = content
                return None
            case [b"Z", flag] if self._head is not None and self._stdout is not None:
                return self._finish(content, flag.decode("ascii", "replace"))
        raise FrameError(f"unexpected frame {b' '.join(words)[:80]!r}")

    def _finish(self, stderr: bytes, flag: str) -> Answer:
        assert self._head is not None
        assert self._stdout is not None
        job_id, exit_status, first = self._head
        answer = Answer(
            job_id=job_id,
            exit_status=exit_status,
            flag=first if first != "0" else flag,
            stdout=self._stdout,
            stderr=stderr,
        )
        self._head = self._stdout = None
        return answer


def _number(word: bytes) -> int:
    if not word.isdigit():
        raise FrameError(f"not a number: {word[:40]!r}")
    return int(word)
