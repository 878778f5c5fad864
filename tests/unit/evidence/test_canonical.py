"""Canonical JSON: our fast way gives what the reference gives, for everything we record."""

from __future__ import annotations

import json

import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_ddd.errors import RecordError
from pytest_ddd.evidence.canonical import canonical, canonical_line
from pytest_ddd.jsonable import to_json

LARGEST = 2**53 - 1
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-LARGEST, LARGEST),
    st.floats(allow_nan=False, allow_infinity=False),
    TEXTS,
)
KEYS = st.text(st.characters(codec="ascii"))
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner))


@given(st.dictionaries(KEYS, VALUES))
@settings(max_examples=100)
def test_a_line_is_what_the_reference_writes(record: dict[str, object]) -> None:
    plain = to_json(record, str)
    assert isinstance(plain, dict)
    assert canonical_line(plain) == rfc8785.dumps(plain) + b"\n"


@pytest.mark.parametrize(
    ("number", "written"),
    [
        (41.0, b"41"),
        (0.1, b"0.1"),
        (1e-7, b"1e-7"),
        (1e-5, b"0.00001"),
        (-0.0, b"0"),
        (1e21, b"1e+21"),
    ],
)
def test_numbers_are_written_as_ecmascript_does(number: float, written: bytes) -> None:
    assert canonical_line({"n": to_json(number, str)}) == b'{"n":' + written + b"}\n"


@pytest.mark.parametrize("text", [":1e-05,", '":[2.0,"', "\\", '\\":-1e-07}', "[1.0]\n,3.0,"])
def test_what_looks_like_a_number_in_a_text_stays(text: str) -> None:
    record = {text: text, "n": 1e-05, "m": [text, 2e-07, {"z": 1e22}]}
    plain = to_json(record, str)
    assert isinstance(plain, dict)
    assert canonical_line(plain) == rfc8785.dumps(plain) + b"\n"


def test_keys_are_in_order_whatever_the_order_they_came_in() -> None:
    assert canonical_line({"b": 1, "a": "é\n"}) == '{"a":"é\\n","b":1}\n'.encode()


@pytest.mark.parametrize("value", [float("nan"), 2**53, "\ud800"])
def test_what_json_cannot_hold_is_refused(value: object) -> None:
    with pytest.raises(RecordError, match="canonical JSON"):
        canonical([value])  # type: ignore[list-item]  # that is the point


def test_a_line_can_be_read_by_anybody() -> None:
    assert json.loads(canonical_line({"text": "«redacted»\u2028"})) == {"text": "«redacted»\u2028"}
