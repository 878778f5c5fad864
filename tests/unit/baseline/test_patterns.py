"""Patterns that every grep reads alike."""

from __future__ import annotations

import re
import subprocess

import pytest

from pytest_ddd.baseline.patterns import posix_extended

GOOD = [
    "[[(]a",
    r"\[a(b|[)(])+",
    r"\[(crit|alert|emerg)\]",
    r"[\d]+x",
    r"a\.b",
    r"\bword\b",
    r"\s+",
    "[]]",
    "[^]]",
    r"\\d",
    "[[:digit:]]",
]


@pytest.mark.parametrize("pattern", GOOD)
def test_good_patterns_pass_and_grep_takes_them(pattern: str) -> None:
    done = subprocess.run(
        ["grep", "-E", "--", pattern],
        input=b"",
        capture_output=True,
        env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"},
        check=False,
    )

    assert posix_extended(pattern) == pattern
    assert done.returncode == 1


@pytest.mark.parametrize(
    ("pattern", "hint"),
    [
        (r"\d+", r"[0-9]"),
        (r"x\D", "[^0-9]"),
        (r"\t", "[[:space:]]"),
        (r"\n", "itself"),
        ("a\\", "itself"),
        ("", "one non-empty line"),
        ("a\nb", "one non-empty line"),
    ],
)
def test_strange_patterns_are_refused(pattern: str, hint: str) -> None:
    with pytest.raises(ValueError, match=re.escape(hint)):
        posix_extended(pattern)


@pytest.mark.parametrize("pattern", ["[error", "x|[a-z", "(crit|alert", r"((a)|\(b\)"])
def test_what_grep_refuses_as_never_closed_is_refused_at_once(pattern: str) -> None:
    """At run time it would be UNKNOWN, the next morning."""
    done = subprocess.run(
        ["grep", "-E", "--", pattern], input=b"", capture_output=True, check=False
    )

    assert done.returncode == 2
    with pytest.raises(ValueError, match="is never closed in"):
        posix_extended(pattern)
