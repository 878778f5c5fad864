"""Write a message down: as JSON for programs, as a few lines for people."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_ddd import redaction
from pytest_ddd.jsonable import fields_to_json
from pytest_ddd.messages import Kind, Message
from pytest_ddd.plain import Json

_MOST_MEMBERS = 20
_MOST_DETAILS = 20


def as_json(message: Message) -> dict[str, Json]:
    """Return every field of the message; times as RFC 3339 in UTC."""
    return {"version": 1, **fields_to_json(message, redaction.DEFAULT.clean)}


def title(message: Message) -> str:
    """Return one line that says how bad it is and what it is."""
    word = "RESOLVED" if message.kind is Kind.RESOLVE else message.severity.value.upper()
    again = "still " if message.kind is Kind.REMIND else ""
    return f"[{again}{word}] {message.environment}: {_one_line(message.summary)}"


def text(message: Message) -> str:
    """Return what a person reads below the title."""
    return "\n".join(_lines(message))


def _lines(message: Message) -> Iterator[str]:
    yield message.summary
    for name in ("check_id", "target", "entry", "rule", "run_id", "runbook"):
        if value := getattr(message, name):
            yield f"{name.replace('_id', '')}: {value}"
    for key, value in list(message.details.items())[:_MOST_DETAILS]:
        yield f"{key}: {value}"
    yield from message.members[:_MOST_MEMBERS]
    if (left := len(message.members) - _MOST_MEMBERS) > 0:
        yield f"… and {left} more"
    yield f"message: {message.message_id}"


def _one_line(value: str) -> str:
    return " ".join(value.split())
