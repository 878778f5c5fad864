"""File trees with real files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from pytest_ddd.baseline.sections.sync import Trees
from pytest_ddd.errors import BaselineError
from pytest_ddd.probes import sync
from tests.support.shipped import GREEN, RED, UNKNOWN, Verdict, run, scope_of

Look = Callable[..., Verdict]


@pytest.fixture
def trees(tmp_path: Path) -> tuple[Path, Path]:
    sides = (tmp_path / "left side", tmp_path / "right side")
    for side in sides:
        (side / "deep").mkdir(parents=True)
        (side / "deep" / "a 'b'\n\\c").write_text("kept")
        (side / "plain").write_text("kept")
    return sides


@pytest.fixture
def look(tmp_path: Path, trees: tuple[Path, Path]) -> Iterator[Look]:
    with ExitStack() as stack:

        def ask(more: str = "", host: str = "") -> Verdict:
            left, right = trees
            text = (
                f"sync:\n  data:\n    files: {{left: {{path: '{left}'}},"
                f" right: {{path: '{right}', host: '{host}'}}{more}}}\n"
                "    difference: {crit: 1}\n"
            )
            scope = stack.enter_context(scope_of(tmp_path / "baselines", text))
            [pair] = sync.entries(scope)
            return run("end_of_day_validation", "test_data_synchronization", pair)

        yield ask


def test_equal_trees_are_green(look):
    verdict = look()

    assert verdict.outcome is GREEN, verdict.text
    assert "2 files left, 2 right" in verdict.text


def test_differences_are_red_and_healed(look, trees):
    left, right = trees
    (right / "plain").write_text("lost")
    (right / "new").write_text("kept")
    (left / "deep" / "more").write_text("kept")
    broken = look()
    (right / "plain").write_text("kept")
    (right / "new").unlink()
    (left / "deep" / "more").unlink()

    assert broken.outcome is RED
    assert "data difference 3 >= crit 1" in broken.text
    assert "missing right: deep/more; missing left: new; different: plain" in broken.text
    assert look().outcome is GREEN


def test_every_attempt_is_recorded(look, trees):
    (trees[1] / "plain").unlink()

    again = look("}\n    attempts: {count: 2, interval: 1ms")
    assert again.outcome is RED
    assert "attempt 1: 2 files left, 1 right; missing right: plain" in again.text


def test_what_is_excluded_is_not_compared(look, trees):
    (trees[1] / "deep" / "x.tmp").write_text("kept")

    assert look().outcome is RED
    assert look(", exclude: ['*.tmp']").outcome is GREEN


def test_the_right_side_on_a_host(look, trees):
    assert look(host="here").outcome is GREEN
    (trees[1] / "plain").unlink()
    assert look(host="here").outcome is RED


@pytest.mark.parametrize("host", ["", "here"])
def test_a_missing_tree_is_unknown(look, trees, host):
    trees[1].rename(trees[1].with_name("elsewhere"))

    assert look(host=host).outcome is UNKNOWN


def test_two_empty_trees_prove_nothing(look, trees):
    for side in trees:
        for file in (side / "plain", side / "deep" / "a 'b'\n\\c"):
            file.unlink()

    verdict = look()
    assert verdict.outcome is UNKNOWN
    assert "not one file" in verdict.text


def test_more_files_than_allowed_are_unknown(look):
    assert "more than 1 files" in look(", max_files: 1").text
    assert look(", max_files: 2").outcome is GREEN


def test_a_host_that_nobody_knows_is_refused(look):
    with pytest.raises(BaselineError, match=r"right\.host: no host 'her'; did you mean 'here'"):
        look(host="her")


def test_a_side_is_not_held_against_itself():
    with pytest.raises(ValueError, match="both sides are the same directory"):
        Trees.model_validate({"left": {"path": "/a"}, "right": {"path": "/a"}})
