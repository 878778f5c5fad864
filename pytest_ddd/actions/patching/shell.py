"""Run a command that changes a host, and say what it said when it fails."""

from __future__ import annotations

from pytest_ddd.connections import Completed, Session
from pytest_ddd.errors import DddError

_EXCERPT = 1000
TIMEOUT_S = 120.0


def must(
    session: Session, command: str, *, shown: str, timeout_s: float = TIMEOUT_S, stdin: bytes = b""
) -> Completed:
    """Run a command that has to end with 0.

    Raises:
        DddError: it did not.
    """
    done = session.run(command, timeout_s=timeout_s, stdin=stdin)
    if not done.ok:
        raise DddError(f"{session.spec.label}: {shown}: {said(done)}")
    return done


def said(done: Completed) -> str:
    """Return what a person needs of what a command said: its errors, else its last words."""
    return excerpt(done.error_text + "\n" + done.text) or done.said[-_EXCERPT:]


def excerpt(text: str) -> str:
    """Return the lines of apt and dpkg that say what is wrong; else the last ones."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith(("E: ", "dpkg: error", "Fatal: "))]
    return "; ".join(errors or lines[-3:])[:_EXCERPT]
