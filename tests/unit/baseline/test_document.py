"""Documents: whatever bytes a file holds, there is a tree or a mistake, never an exception."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pytest_ddd.baseline.document import read_document
from pytest_ddd.baseline.loader import load_baseline
from pytest_ddd.baseline.tree import Mistakes, Node, plain
from pytest_ddd.errors import BaselineError

names = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=8
)
texts = st.text(st.characters(codec="utf-8"), max_size=20)
scalars = st.one_of(
    texts.filter(lambda text: all(sign.isprintable() or sign in "\n\t" for sign in text)),
    st.integers(-(10**17), 10**17),
    st.booleans(),
    st.floats(allow_nan=False, allow_infinity=False),
)
trees = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(names.filter(str.isprintable), inner, max_size=4),
    ),
    max_leaves=12,
)
yaml_like = st.text(st.sampled_from(list("ab:- \n\t{}[],&*!|>'\"#%@~?0x.\\é\u2028")), max_size=80)


def read(data: bytes) -> tuple[Node | None, list[str]]:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "x.yaml"
        path.write_bytes(data)
        mistakes = Mistakes()
        return read_document(path, "x.yaml", mistakes).root, mistakes.lines()


@given(st.binary(max_size=200))
@example(b"\xef\xbb\xbfa: 1")
@example(b"a: &a [*a, *a]")
def test_any_bytes_give_a_tree_or_a_mistake(data: bytes) -> None:
    root, mistakes = read(data)

    assert root is not None or mistakes


@given(yaml_like)
@settings(max_examples=300)
def test_what_looks_like_yaml_gives_a_tree_or_a_mistake(text: str) -> None:
    root, mistakes = read(text.encode())

    assert root is not None or mistakes


@given(yaml_like.map(lambda text: f"a:\n  {text}\n"))
@settings(max_examples=200)
def test_a_mistake_names_a_line_of_the_file(text: str) -> None:
    _, mistakes = read(text.encode())

    last = len(text.split("\n"))
    assert all(0 < int(mistake.split(":")[1]) <= last for mistake in mistakes)


@given(st.dictionaries(names.filter(str.isprintable), trees, min_size=1, max_size=4))
def test_what_yaml_writes_in_quotes_is_read_back(data: dict[str, object]) -> None:
    written = yaml.safe_dump(data, default_style='"', allow_unicode=True, width=10**6)
    untagged = written.replace("!!int ", "").replace("!!float ", "").replace("!!bool ", "")

    root, mistakes = read(untagged.encode())

    assert mistakes == []
    assert root is not None
    assert plain(root) == yaml.load(untagged, Loader=yaml.BaseLoader)


@given(
    st.sampled_from(["hosts", "thresholds", "logs", "endpoints", "backups", "configuration",
                     "environment", "scenarios", "escalation", "extends", "version", "groups"]),
    trees,
)  # fmt: skip
@settings(max_examples=200)
def test_any_data_in_any_section_is_loaded_or_refused(section: str, data: object) -> None:
    with tempfile.TemporaryDirectory() as directory:
        content = {"hosts": {"a": {"connection": "local://"}}, section: data}
        path = Path(directory) / "prod.yaml"
        path.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
        mistakes: tuple[str, ...] = ()
        with contextlib.suppress(BaselineError):
            try:
                load_baseline(Path(directory), "prod")
            except BaselineError as refused:
                mistakes = refused.mistakes
                raise
        assert all("prod.yaml:" in mistake for mistake in mistakes)


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("12", 12),
        ("-3", -3),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        ("true", True),
        ("False", False),
        ("80%", "80%"),
        ("10.0.0.1", "10.0.0.1"),
        ("'22:00'", "22:00"),
        ('"0644"', "0644"),
        ("'yes'", "yes"),
        ("tcp:443", "tcp:443"),
        ("no one", "no one"),
        ("n", "n"),
        ("/var", "/var"),
        ("''", ""),
    ],
)
def test_a_plain_value_is_what_it_looks_like(written: str, value: object) -> None:
    root, mistakes = read(f"key: {written}\n".encode())

    assert mistakes == []
    assert root is not None
    assert plain(root) == {"key": value}


def test_a_byte_order_mark_is_passed_over() -> None:
    root, mistakes = read("\ufeffa: 1\n".encode())

    assert (root is not None and plain(root), mistakes) == ({"a": 1}, [])


def test_windows_line_ends_count_as_lines() -> None:
    root, _ = read(b"a: 1\r\nb:\r\n  c: 2\r\n")

    assert root is not None
    assert root.entries["b"].entries["c"].origin.line == 3


def test_an_alias_is_the_value_of_its_anchor() -> None:
    root, _ = read(b"a: &x {b: [1]}\nc: *x\n")

    assert root is not None
    assert plain(root) == {"a": {"b": [1]}, "c": {"b": [1]}}


def test_aliases_of_aliases_are_bounded_in_depth() -> None:
    lines = ["a0: &a0 [x]"]
    lines += [f"a{n}: &a{n} [[[[[[[[[[*a{n - 1}]]]]]]]]]]" for n in range(1, 2000)]

    root, mistakes = read("\n".join(lines).encode())

    assert root is None
    assert "deeper than 40" in mistakes[0]
