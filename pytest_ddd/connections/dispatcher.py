"""Write what the far side's `sh` is to read: the dispatcher first, then one line a command."""

from __future__ import annotations

import functools
import math
import secrets
from dataclasses import dataclass, field
from importlib import resources

_BLOCK_BYTES = 512
_STDIN_CHUNK_BYTES = 2048


@dataclass(frozen=True, slots=True)
class Marker:
    """128 random bits that no output can hold by chance, and the name of the directory."""

    text: str = field(default_factory=lambda: secrets.token_hex(16))
    directory: str = field(default_factory=lambda: secrets.token_hex(8))


@functools.cache
def _script() -> str:
    """Return dispatcher.sh without its comments and indentation, which bash reads byte by byte."""
    source = resources.files("pytest_ddd.connections").joinpath("dispatcher.sh").read_text("utf-8")
    lines = (line.strip() for line in source.splitlines())
    return "".join(f"{line}\n" for line in lines if line and not line.startswith("#"))


def opening(marker: Marker) -> bytes:
    """Return the script that turns `sh` into a dispatcher.

    The marker stands in it in two halves, so that a far side that echoes what it reads cannot be
    taken for one that runs it.
    """
    half = len(marker.text) // 2
    header = (
        "unset m s\n"
        f"m={marker.text[:half]}\nm=${{m}}{marker.text[half:]}\ns={marker.directory}\n"
    )
    return (header + _script()).encode("ascii")


def command_lines(
    job_id: int,
    command: bytes,
    *,
    timeout_s: float,
    max_output_bytes: int,
    limit_files: bool,
    stdin: bytes = b"",
) -> bytes:
    """Return the lines that run one command.

    Args:
        limit_files: let the kernel stop the command at a file larger than the output may be;
            exact, and no load, yet it holds for every file that the command writes.
    """
    ticks = math.ceil(timeout_s)
    blocks = max_output_bytes // _BLOCK_BYTES + 1
    head = f"j {job_id} {ticks} {blocks if limit_files else 0} {max_output_bytes + 1} {blocks} "
    fed = b"".join(
        b"i %d '%s'\n" % (job_id, _as_format(stdin[start : start + _STDIN_CHUNK_BYTES]))
        for start in range(0, len(stdin), _STDIN_CHUNK_BYTES)
    )
    return fed + head.encode("ascii") + _quoted(command) + b"\n"


def _quoted(command: bytes) -> bytes:
    return b"'" + command.replace(b"'", b"'\\''") + b"'"


_PLAIN = frozenset(range(0x20, 0x7F)) - frozenset(b"\\%'")


def _as_format(data: bytes) -> bytes:
    return b"".join(b"%c" % byte if byte in _PLAIN else b"\\%03o" % byte for byte in data)
