"""Write what the far side's `sh` is to read: the dispatcher first, then one line a command."""

from __future__ import annotations

import functools
import math
import re
import secrets
from dataclasses import dataclass, field
from pathlib import Path

_BLOCK_BYTES = 512
_STDIN_CHUNK_BYTES = 2048


@dataclass(frozen=True, slots=True)
class Marker:
    """128 random bits that no output can hold by chance, and the name of the directory.

    The z occurs once, so that what stands before a marker can never run into it.
    """

    text: str = field(default_factory=lambda: f"z{secrets.token_hex(16)}")
    directory: str = field(default_factory=lambda: secrets.token_hex(8))


@functools.cache
def _script() -> str:
    """Return dispatcher.sh without its comments and indentation, which bash reads byte by byte."""
    source = Path(__file__).with_name("dispatcher.sh").read_text("utf-8")
    lines = (line.strip() for line in source.splitlines())
    return "".join(f"{line}\n" for line in lines if line and not line.startswith("#"))


def opening(marker: Marker) -> bytes:
    """Return the script that turns `sh` into a dispatcher.

    The marker stands in it in two halves, so that a far side that echoes what it reads cannot be
    taken for one that runs it.
    """
    half = len(marker.text) // 2
    header = (
        f"unset m s\nm={marker.text[:half]}\nm=${{m}}{marker.text[half:]}\ns={marker.directory}\n"
    )
    return (header + _script()).encode("ascii")


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is to be run, and within which limits.

    `repeatable` says that it only reads; then the kernel stops it at a file larger than its
    output may be: exact, and no load, yet it holds for every file that the command writes.
    """

    command: str
    timeout_s: float
    max_output_bytes: int
    stdin: bytes = b""
    repeatable: bool = False


def command_lines(job_id: int, order: Order) -> bytes:
    """Return the lines that run one command."""
    ticks = math.ceil(order.timeout_s)
    limit_bytes = order.max_output_bytes
    blocks = limit_bytes // _BLOCK_BYTES + 1
    file_blocks = blocks if order.repeatable else 0
    command = order.command.encode("utf-8", errors="surrogateescape")
    fed = b"".join(
        b"i %d '%s'\n" % (job_id, _as_format(order.stdin[start : start + _STDIN_CHUNK_BYTES]))
        for start in range(0, len(order.stdin), _STDIN_CHUNK_BYTES)
    )
    head = f"j {job_id} {ticks} {file_blocks} {limit_bytes + 1} {blocks} "
    return fed + head.encode("ascii") + _quoted(command) + b"\n"


def _quoted(command: bytes) -> bytes:
    return b"'" + command.replace(b"'", b"'\\''") + b"'"


_NOT_PLAIN = re.compile(rb"[^ -~]|[\\\\%']")


def _as_format(data: bytes) -> bytes:
    return _NOT_PLAIN.sub(lambda match: b"\\%03o" % match[0][0], data)
