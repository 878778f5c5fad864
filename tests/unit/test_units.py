"""Units: what people write is read exactly, and anything else is refused."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ddd.units import (
    format_duration,
    format_quantity,
    format_size,
    parse_duration,
    parse_percent,
    parse_size,
)

PARSERS: list[Callable[[str], float]] = [parse_duration, parse_size, parse_percent]
DURATION_S = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
SIZE_BYTES = {
    "B": 1,
    "kB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "KiB": 2**10,
    "MiB": 2**20,
    "TiB": 2**40,
}


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("500ms", 0.5), ("30s", 30), ("15m", 900), ("1h30m", 5400), ("1h 30m", 5400), ("7d", 604800), ("1.5h", 5400), ("0s", 0)],
)  # fmt: skip
def test_durations(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    ("text", "size_bytes"),
    [
        ("512B", 512),
        ("500MB", 500_000_000),
        ("10GiB", 10 * 2**30),
        ("1.5 KiB", 1536),
        ("1kB", 1000),
    ],
)
def test_sizes(text: str, size_bytes: int) -> None:
    assert parse_size(text) == size_bytes


@pytest.mark.parametrize(("text", "percent"), [("80%", 80), ("99.5 %", 99.5), ("0%", 0)])
def test_percentages(text: str, percent: float) -> None:
    assert parse_percent(text) == percent


@pytest.mark.parametrize("parse", PARSERS)
@pytest.mark.parametrize(
    "text",
    ["", " ", "5", "-5s", "-1GiB", "-80%", "s", "%", "1e3s", "nan%", "inf%", "5 5s", "1.s", "٣s", "5s\0", "80%%", "9" * 400 + "s", "9" * 400 + "GiB", "9" * 400 + "%"],
)  # fmt: skip
def test_anything_else_is_refused_with_an_example(parse: Callable[[str], float], text: str) -> None:
    with pytest.raises(ValueError, match="write"):
        parse(text)


@pytest.mark.parametrize("text", ["10min", "1 hour", "15M", "m15", "5sm"])
def test_other_spellings_of_a_duration_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"15m"):
        parse_duration(text)


@pytest.mark.parametrize("text", ["10GB/s", "10gib", "1KB", "1kiB", "5iB"])
def test_other_spellings_of_a_size_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="10GiB"):
        parse_size(text)


@given(st.text(max_size=30))
def test_any_text_is_a_finite_number_or_a_value_error(text: str) -> None:
    for parse in PARSERS:
        try:
            value = parse(text)
        except ValueError:
            continue
        assert math.isfinite(value)
        assert value >= 0


@given(st.integers(0, 10**12), st.sampled_from(sorted(DURATION_S)))
def test_whole_durations_are_exact(number: int, unit: str) -> None:
    assert parse_duration(f"{number}{unit}") == number * DURATION_S[unit]


@given(st.integers(0, 10**9), st.sampled_from(sorted(SIZE_BYTES)))
def test_whole_sizes_are_exact(number: int, unit: str) -> None:
    assert parse_size(f"{number}{unit}") == number * SIZE_BYTES[unit]


@given(
    st.lists(
        st.tuples(st.integers(0, 999), st.sampled_from(sorted(DURATION_S))), min_size=1, max_size=4
    )
)
def test_the_parts_of_a_duration_add_up(parts: list[tuple[int, str]]) -> None:
    text = "".join(f"{number}{unit}" for number, unit in parts)

    assert parse_duration(text) == sum(number * DURATION_S[unit] for number, unit in parts)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 ms"), (0.24, "240 ms"), (1.5, "1.5 s"), (59.9, "59.9 s"), (903, "15m 03s"), (7500, "2h 05m"), (273600, "3d 04h"), (-90, "-1m 30s")],
)  # fmt: skip
def test_durations_for_people(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


@pytest.mark.parametrize(
    ("size_bytes", "text"),
    [(0, "0 B"), (512, "512 B"), (1536, "1.5 KiB"), (10 * 2**30, "10 GiB"), (2**50, "1 PiB"), (-2048, "-2 KiB")],
)  # fmt: skip
def test_sizes_for_people(size_bytes: float, text: str) -> None:
    assert format_size(size_bytes) == text


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [(93.0, "%", "93 %"), (0.24, "s", "240 ms"), (None, "%", "no value"), (True, "", "True"), ("x", "", "x"), (12345678, "", "12345678")],
)  # fmt: skip
def test_quantities_for_people(value: object, unit: str, text: str) -> None:
    assert format_quantity(value, unit) == text


@given(st.floats(0, 10**9, allow_nan=False))
def test_every_duration_can_be_shown(seconds: float) -> None:
    assert format_duration(seconds)
