from __future__ import annotations

import pytest

from pytest_ddd.errors import CannotLookError
from pytest_ddd.probes.web.conditions import (
    AbsentError,
    find,
    holds,
    parse_json,
    show,
    show_expected,
)


@pytest.mark.parametrize(
    ("observed", "expected"),
    [
        ("healthy", "healthy"),
        (1, 1),
        (1.0, 1),
        (True, True),
        (None, None),
        ("", ""),
        (1, ">0"),
        (0.5, "> 0"),
        (1, ">=1"),
        (-3, "<5"),
        (5, "<=5"),
        ("y", "!=x"),
        (1, "!=0"),
        (True, "!=false"),
        ("2.1.0", "~^2[.]"),
        (200, "~^2"),
        (True, "~^true$"),
    ],
)
def test_a_value_that_meets_its_condition(observed, expected):
    assert holds(observed, expected)


@pytest.mark.parametrize(
    ("observed", "expected"),
    [
        ("degraded", "healthy"),
        ("Healthy", "healthy"),
        pytest.param("1", 1, id="text is no number"),
        (1, "1"),
        (True, 1),
        (1, True),
        (0, False),
        ("true", True),
        (None, "null"),
        (None, False),
        ("", None),
        (0, ">0"),
        (5, "<5"),
        (True, ">0"),
        ("7", ">0"),
        (None, "<5"),
        ("x", "!=x"),
        (0, "!=0"),
        (0.0, "!=0"),
        (False, "!=false"),
        (None, "!=null"),
        ("3.0", "~^2"),
        (None, "~.*"),
        ([], "!=x"),
        ({}, "~.*"),
        ([1], ">0"),
        (["healthy"], "healthy"),
    ],
)
def test_a_value_that_does_not(observed, expected):
    assert not holds(observed, expected)


@pytest.mark.parametrize("condition", [">abc", "<inf", ">=nan"])
def test_a_comparison_with_no_number_cannot_be_judged(condition):
    message = f"condition '{condition}' compares with what is no number"
    with pytest.raises(CannotLookError, match=message):
        holds(1, condition)


def test_an_empty_pattern_cannot_be_judged():
    with pytest.raises(CannotLookError, match="met by everything"):
        holds("failed", "~")


@pytest.mark.parametrize(
    ("path", "value"),
    [("a", {"b": [1, {"c": "x"}]}), ("a.b.0", 1), ("a.b.1.c", "x"), ("0", "zero")],
)
def test_a_path_leads_through_objects_and_lists(path, value):
    assert find({"a": {"b": [1, {"c": "x"}]}, "0": "zero"}, path) == value


@pytest.mark.parametrize(
    ("path", "step"), [("x", "x"), ("a.b.2", "2"), ("a.b.-1", "-1"), ("a.b.c", "c"), ("s.0", "0")]
)
def test_a_path_that_leads_nowhere_names_the_step(path, step):
    with pytest.raises(AbsentError, match=f"^{step}$"):
        find({"a": {"b": [1, 2]}, "s": "text"}, path)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "Expecting value at line 1 column 1"),
        (b"<html>", "Expecting value"),
        (b'{"status": "down", "status": "healthy"}', "key 'status' stands twice"),
        (b'{"a": NaN}', "NaN is no number of JSON"),
        (b'{"a": 1e999}', "1e999 is no number of JSON"),
        (b'{"a": 1} trailing', "Extra data"),
        (b'{"a": "\xff"}', "not UTF-8"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"a": ' + b"9" * 5000 + b"}", "Exceeds the limit"),
    ],
)
def test_what_is_not_strictly_json_is_refused(body, words):
    with pytest.raises(ValueError, match=words):
        parse_json(body)


def test_a_long_value_is_cut_in_messages():
    assert show("x" * 1000) == '"' + "x" * 199 + "…"


@pytest.mark.parametrize(
    ("expected", "words"), [("healthy", '"healthy"'), (">0", ">0"), (True, "true"), (None, "null")]
)
def test_what_is_expected_is_written_as_in_the_baseline(expected, words):
    assert show_expected(expected) == words
