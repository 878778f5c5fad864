"""Write lines to the terminal, on any terminal."""

from __future__ import annotations

import io
import sys


def prepare() -> None:
    """Let a terminal that does not know ✓ show a question mark instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def say(text: str = "") -> None:
    """Write a line that was asked for."""
    sys.stdout.write(f"{text}\n")


def complain(text: str) -> None:
    """Write a line about what went wrong, after all that was said before."""
    sys.stdout.flush()
    sys.stderr.write(f"{text}\n")
