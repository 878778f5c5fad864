"""Run a command that only looks, with messages that a person can read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_ddd.errors import CannotLookError, CommandTimeoutError
from pytest_ddd.units import format_duration

if TYPE_CHECKING:
    from pytest_ddd.connections import Completed, Session

_MAX_OUTPUT_BYTES = 64 << 20
_SAID_CHARACTERS = 400


def look(session: Session, command: str, *, shown: str, timeout_s: float) -> Completed:
    """Run a line of sh, whatever its exit status is.

    Args:
        session: the way to the host, or to the controller.
        command: sh text.
        shown: what of it messages name.
        timeout_s: then it is killed.

    Raises:
        CannotLookError: it did not end in time.
    """
    try:
        return session.run(
            command, timeout_s=timeout_s, max_output_bytes=_MAX_OUTPUT_BYTES, repeatable=True
        )
    except CommandTimeoutError:
        # Not its own message: that shows the whole text.
        raise CannotLookError(
            f"{session.spec.label}: {shown} did not end within {format_duration(timeout_s)}",
            hint="run it yourself there; `timeout:` allows more",
        ) from None


def blind(session: Session, shown: str, completed: Completed, hint: str = "") -> CannotLookError:
    """Return the error for a command that could not look, with the end of its own words."""
    said = completed.said[-_SAID_CHARACTERS:]
    return CannotLookError(f"{session.spec.label}: {shown}: {said}", hint=hint)
