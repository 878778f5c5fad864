"""Merging: the laws of laying one tree over another."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pytest_ddd.baseline.merging import Conflict, decides, overlay, unite
from pytest_ddd.baseline.tree import Mistakes, Node, Path, Plain, plain, walk
from pytest_ddd.results import Origin

keys = st.sampled_from("abcd")
leaves = st.one_of(
    st.integers(0, 3), st.text("xy", max_size=2), st.lists(st.integers(0, 3), max_size=2)
)
data = st.recursive(leaves, lambda inner: st.dictionaries(keys, inner, max_size=3), max_leaves=10)
mappings = st.dictionaries(keys, data, max_size=4)


def node(value: Plain, file: str = "f", line: int = 1) -> Node:
    origin = Origin(file=file, line=line)
    if isinstance(value, dict):
        return Node({name: node(each, file, line) for name, each in value.items()}, origin)
    if isinstance(value, list):
        return Node(tuple(node(each, file, line) for each in value), origin)
    return Node(value, origin)


def laid(lower: Node | None, upper: Node) -> Node:
    result = overlay(lower, upper, path=(), mistakes=Mistakes())
    assert result is not None
    return result


@given(mappings)
def test_laid_over_nothing_it_stays_as_it_is(upper: dict[str, Plain]) -> None:
    assert plain(laid(None, node(upper))) == upper


@given(mappings)
def test_an_empty_layer_changes_nothing(lower: dict[str, Plain]) -> None:
    assert plain(laid(node(lower), node({}))) == lower


@given(mappings)
def test_laid_over_itself_it_stays_as_it_is(both: dict[str, Plain]) -> None:
    assert plain(laid(node(both), node(both))) == both


@given(mappings, mappings, mappings)
def test_layers_may_be_merged_from_either_end_when_no_type_changes(
    low: dict[str, Plain], middle: dict[str, Plain], high: dict[str, Plain]
) -> None:
    one, two, three = (node(_shaped(each)) for each in (low, middle, high))

    assert plain(laid(laid(one, two), three)) == plain(laid(one, laid(two, three)))


def _shaped(value: Plain, depth: int = 0) -> Plain:
    """Return the data with mappings at `a` and `b`, and leaves at all other keys."""
    if not isinstance(value, dict):
        return value
    return {
        name: _shaped(each, depth + 1)
        for name, each in value.items()
        if isinstance(each, dict) == (name in "ab")
    }


@given(mappings, mappings)
def test_every_value_comes_from_one_of_the_layers(
    low: dict[str, Plain], high: dict[str, Plain]
) -> None:
    result = laid(node(low, "low"), node(high, "high"))

    for path, found in walk(result):
        assert found.origin.file == ("high" if _has(high, path) else "low"), path


def _has(value: Plain, path: Path) -> bool:
    for part in path:
        if isinstance(value, dict) and part in value:
            value = value[str(part)]
        elif isinstance(value, list) and isinstance(part, int) and part < len(value):
            value = value[part]
        else:
            return False
    return True


@given(mappings, mappings)
def test_what_the_upper_layer_leaves_alone_is_the_same_object(
    low: dict[str, Plain], high: dict[str, Plain]
) -> None:
    lower = node(low)

    result = laid(lower, node(high))

    assert all(
        result.entries[name] is lower.entries[name] for name in lower.entries if name not in high
    )


def test_null_removes() -> None:
    assert plain(laid(node({"a": 1, "b": 2}), node({"a": None}))) == {"b": 2}


def test_null_that_removes_nothing_is_a_mistake() -> None:
    mistakes = Mistakes()

    overlay(node({"a": 1}), node({"b": None}, line=7), path=("s",), mistakes=mistakes)

    assert [each.split(": ")[:2] for each in mistakes.lines()] == [["f:7", "s.b"]]


def test_a_list_replaces() -> None:
    assert plain(laid(node({"a": [1, 2]}), node({"a": [3]}))) == {"a": [3]}


@given(mappings, mappings)
def test_two_groups_conflict_the_same_in_either_order(
    a: dict[str, Plain], b: dict[str, Plain]
) -> None:
    there: list[Conflict] = []
    back: list[Conflict] = []

    unite(node(a), node(b), conflicts=there)
    unite(node(b), node(a), conflicts=back)

    assert {each.path for each in there} == {each.path for each in back}


@given(mappings, mappings)
def test_groups_without_conflict_give_the_same_in_either_order(
    a: dict[str, Plain], b: dict[str, Plain]
) -> None:
    conflicts: list[Conflict] = []
    one, other = (unite(node(x), node(y), conflicts=conflicts) for x, y in ((a, b), (b, a)))

    assert conflicts or plain(one) == plain(other)


def test_true_and_one_are_two_values() -> None:
    conflicts: list[Conflict] = []

    unite(node({"a": True}), node({"a": 1}), conflicts=conflicts)

    assert [each.path for each in conflicts] == [("a",)]


def test_a_host_decides_what_it_sets_replaces_or_removes() -> None:
    own = node({"a": {"b": 1}, "c": 2, "d": None})

    paths: tuple[Path, ...] = (("a", "b"), ("c", "x"), ("d", "x"))
    assert [decides(own, path) for path in paths] == [True, True, True]
    assert not decides(own, ("a", "z"))
    assert not decides(None, ("a",))
