"""Dataclasses as JSON and back."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from pytest_ddd.errors import RecordError
from pytest_ddd.jsonable import from_json, to_json
from pytest_ddd.outcomes import Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Something inside."""

    name: str
    size: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """One field of each kind."""

    at: datetime
    outcome: Outcome
    parts: tuple[Part, ...] = ()
    best: Part | None = None
    versions: dict[str, str]
    done: bool = False
    limit: float | None = None


WHOLE = Whole(
    at=datetime(2026, 11, 23, tzinfo=UTC),
    outcome=Outcome.RED,
    parts=(Part(name="a", size=1.5), Part(name="b")),
    best=Part(name="c", size=float("inf")),
    versions={"x": "1"},
    done=True,
    limit=3,
)


def test_every_kind_of_field_comes_back() -> None:
    written = json.dumps(to_json(WHOLE, str), allow_nan=False)
    assert from_json(Whole, json.loads(written)) == WHOLE


def test_every_text_passes_through_the_same_gate() -> None:
    written = json.dumps(to_json(WHOLE, str.upper))
    assert all(f'"{text}"' in written for text in ("A", "B", "C", "X", "RED"))


def test_what_is_no_json_becomes_text_through_the_gate() -> None:
    assert to_json({"x": b"raw"}, str.upper) == {"X": "B'RAW'"}


@pytest.mark.parametrize(
    ("field", "value", "named"),
    [
        ("at", "yesterday", "at"),
        ("outcome", "PURPLE", "outcome"),
        ("parts", {}, "parts"),
        ("parts", [{"name": 1, "size": None}], r"parts\[0\].name"),
        ("best", {"name": "x"}, "best.size is missing"),
        ("best", 3, "best"),
        ("versions", {"x": 1}, "versions.x"),
        ("done", 1, "done"),
        ("limit", "much", "limit"),
    ],
)
def test_a_wrong_field_is_named(field: str, value: object, named: str) -> None:
    written = to_json(WHOLE, str)
    assert isinstance(written, dict)
    with pytest.raises(RecordError, match=named):
        from_json(Whole, {**written, field: value})  # type: ignore[dict-item]  # wrong on purpose


def test_a_wrong_whole_is_refused() -> None:
    with pytest.raises(RecordError, match="whole"):
        from_json(Whole, [])
