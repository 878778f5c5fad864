"""Changed files say what is wanted, and all else stays to the byte."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_ddd.baseline.document import read_document
from pytest_ddd.baseline.rendering import block
from pytest_ddd.baseline.rewriting import rewritten
from pytest_ddd.baseline.tree import Mistakes, Plain, plain
from pytest_ddd.errors import UsageError

BEFORE = dedent("""\
    # who wrote this, and why
    configuration:
      services:
        nginx: {running: true, enabled: true}   # the shop

        # the one that nobody likes
        ssh:
          enabled: true
      sysctl:
        net.ipv4.ip_forward: {value: 0}

    # limits
    thresholds:
      cpu: {warn: 80%}
    """)


def change(wanted: dict[str, Plain], before: str = BEFORE) -> str:
    return rewritten(before, wanted)


def read(text: str) -> Plain:
    Path("a.yaml").write_text(text, encoding="utf-8")
    mistakes = Mistakes()
    root = read_document(Path("a.yaml"), "a.yaml", mistakes).root
    assert not mistakes.lines(), text
    return plain(root) if root is not None else None


def merged(there: Plain, wanted: Plain) -> Plain:
    if not (isinstance(there, dict) and isinstance(wanted, dict)):
        return wanted
    return {**there, **{name: merged(there.get(name), value) for name, value in wanted.items()}}


@pytest.mark.parametrize(
    ("wanted", "old", "new"),
    [
        pytest.param(
            {"configuration": {"services": {"nginx": {"enabled": False}}}},
            "{running: true, enabled: true}   # the shop",
            "{running: true, enabled: false}   # the shop",
            id="a value in braces",
        ),
        pytest.param(
            {"configuration": {"services": {"cron": {"running": True}}}},
            "      enabled: true\n",
            "      enabled: true\n    cron: {running: true}\n",
            id="an entry after the last one",
        ),
        pytest.param(
            {"configuration": {"services": {"ssh": {"running": True}}}},
            "      enabled: true\n",
            "      enabled: true\n      running: true\n",
            id="a key in a block",
        ),
        pytest.param(
            {"thresholds": {"cpu": {"crit": "90%"}}},
            "{warn: 80%}",
            "{warn: 80%, crit: 90%}",
            id="a key in braces",
        ),
        pytest.param(
            {"logs": {"a": {"path": "/a"}}},
            "  cpu: {warn: 80%}\n",
            "  cpu: {warn: 80%}\nlogs:\n  a: {path: /a}\n",
            id="a section",
        ),
        pytest.param(
            {"configuration": {"sysctl": {"vm.swappiness": {"value": 1}}}},
            "{value: 0}\n",
            "{value: 0}\n    vm.swappiness: {value: 1}\n",
            id="before the comment of the next section",
        ),
        pytest.param(
            {"thresholds": {"cpu": {"night": {"warn": "95%"}}}},
            "cpu: {warn: 80%}",
            "cpu:\n    warn: 80%\n    night: {warn: 95%}",
            id="more levels than one line can show",
        ),
    ],
)
def test_only_the_place_changes(wanted: dict[str, Plain], old: str, new: str) -> None:
    assert change(wanted) == BEFORE.replace(old, new)


@pytest.mark.parametrize(
    ("before", "wanted", "after"),
    [
        ("a:\nb: 1\n", {"a": {"x": 1}}, "a:\n  x: 1\nb: 1\n"),
        ("a:\n", {"a": "x"}, "a: x\n"),
        ("a: {}\n", {"a": {"x": 1}}, "a: {x: 1}\n"),
        ("a:\n  - x\n  - y\nb: 1\n", {"a": ["x"]}, "a: [x]\nb: 1\n"),
        ("a: [x]  # why\n", {"a": ["x", "y"]}, "a: [x, y]  # why\n"),
        ("a: |\n  text\n  more\nb: 1\n", {"c": 1}, "a: |\n  text\n  more\nb: 1\nc: 1\n"),
        ("a: 1", {"b": 2}, "a: 1\nb: 2\n"),
        ("a: 1\r\n# b\r\n", {"b": 2}, "a: 1\r\nb: 2\r\n# b\r\n"),
        ("a: x\n", {"a": {"b": 1}}, "a: {b: 1}\n"),
        ("a: {}   # why\n", {"a": {"b": {"c": 1}}}, "a: {b: {c: 1}}   # why\n"),
        ("a:   # why\nb: 1\n", {"a": "x"}, "a: x   # why\nb: 1\n"),
        ("# nothing yet\n", {"a": 1}, "# nothing yet\na: 1\n"),
        ("", {"a": {"b": None}}, "a: {b: null}\n"),
        ("a: 1.10\n", {"a": "1.10"}, 'a: "1.10"\n'),
    ],
)
def test_shapes_of_files(before: str, wanted: dict[str, Plain], after: str) -> None:
    assert change(wanted, before) == after


@pytest.mark.parametrize(
    ("before", "said"),
    [
        ("a: [", "not YAML"),
        ("- a\n", "the file is no mapping"),
        ("x: &it {v: 1}\na: *it\n", "line 2: an alias"),
    ],
)
def test_what_cannot_be_changed_is_refused(before: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        change({"a": {"v": 2}}, before)


KEYS = st.text("abz/.:-_ 1#'\"", min_size=1, max_size=6).filter(lambda key: key.strip() == key)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-9, 9999),
    st.text("ab1.:#-[]{},&*!|>'\"%@` é~=<?\n\\", max_size=8),
    st.sampled_from(["on", "1e3", "0644", "12:30", "null", "~", "2020-01-01", "0x1f", "1_000"]),
)
TREES = st.dictionaries(
    KEYS,
    st.recursive(
        SCALARS,
        lambda below: st.one_of(
            st.lists(SCALARS, max_size=3), st.dictionaries(KEYS, below, min_size=1, max_size=3)
        ),
        max_leaves=8,
    ),
    min_size=1,
    max_size=4,
)


@settings(max_examples=150)
@given(tree=TREES)
def test_what_is_written_reads_back_the_same(tree: dict[str, Plain]) -> None:
    assert read(block(tree)) == tree


@settings(max_examples=150)
@given(tree=TREES, wanted=TREES)
def test_a_changed_file_says_what_it_said_and_what_is_wanted(
    tree: dict[str, Plain], wanted: dict[str, Plain]
) -> None:
    text = "".join(f"# {number}\n{line}\n" for number, line in enumerate(block(tree).splitlines()))

    after = rewritten(text, wanted)

    assert read(after) == merged(tree, wanted)
