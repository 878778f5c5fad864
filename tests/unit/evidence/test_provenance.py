"""Who, when and with what: asked of the kernel, of git and of few variables of the environment."""

from __future__ import annotations

import hashlib
import json
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from pytest_ddd.errors import RecordError
from pytest_ddd.evidence import provenance, statements, wording
from pytest_ddd.evidence.facts import CheckFile, ClockState, Plan, Provenance, Trend
from pytest_ddd.evidence.sparkline import HEIGHT, WIDTH, Sparklines
from pytest_ddd.evidence.summary import Check
from pytest_ddd.evidence.telling import tell
from pytest_ddd.outcomes import Outcome
from pytest_ddd.redaction import Redactor
from tests.unit.evidence.samples import FACTS, disk, result


def git(root: Path, *words: str) -> str:
    names = ["-c", "user.name=x", "-c", "user.email=x@example.org"]
    command = ["git", "-C", str(root), *names, *words]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    git(tmp_path, "init", "-q")
    (tmp_path / "conftest.py").write_text("")
    (tmp_path / "checks").mkdir()
    (tmp_path / "checks" / "test_a.py").write_text("def test_a(): pass\n")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "x")
    return tmp_path


def test_the_commit_is_told(repository: Path) -> None:
    assert provenance.commit(repository) == (git(repository, "rev-parse", "HEAD"), "no")


def test_changes_that_are_not_committed_are_told(repository: Path) -> None:
    (repository / "checks" / "test_a.py").write_text("")
    assert provenance.commit(repository)[1] == "yes"


def test_outside_of_a_repository_nothing_is_known(tmp_path: Path) -> None:
    assert provenance.commit(tmp_path) == ("", "unknown")


def test_without_git_nothing_is_known(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert provenance.commit(repository) == ("", "unknown")


def test_files_of_checks_and_their_conftests_have_digests(repository: Path) -> None:
    found = provenance.check_files(
        repository, ["checks/test_a.py::test_a", "checks/test_a.py::test_b", "s::reachable[w]"]
    )
    digest = hashlib.sha256(b"def test_a(): pass\n").hexdigest()
    assert [one.path for one in found] == ["checks/test_a.py", "conftest.py"]
    assert found[0] == CheckFile(path="checks/test_a.py", sha256=digest)


def test_only_named_variables_of_an_automation_are_taken() -> None:
    environment = {"GITHUB_WORKFLOW": "daily", "GITHUB_TOKEN": "secret", "BUILD_URL": "https://x"}
    assert provenance.automation(environment) == {"job": "daily", "url": "https://x"}


def test_the_kernel_is_asked_about_its_clock() -> None:
    state = provenance.clock_state()
    assert state.synchronized in ("yes", "no", "unknown")
    assert (state.error_s is None) == (state.synchronized != "yes")


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (ClockState(synchronized="yes", error_s=0.012), "at most 12 ms off"),
        (ClockState(synchronized="no"), "not in step"),
        (ClockState(), "does not say"),
    ],
)
def test_the_clock_is_told_in_words(state: ClockState, said: str) -> None:
    assert said in wording.clock(state)


def test_facts_come_back(tmp_path: Path) -> None:
    origin = Provenance(login="mira", uid=7, check_files=(CheckFile(path="a", sha256="b"),))
    facts = replace(FACTS, provenance=origin, plan=Plan(checks=("a",)))
    statements.write_start(tmp_path, facts)
    found = statements.read_statement((tmp_path / "start.json").read_bytes())
    assert found == replace(facts, interrupted=True, steps=())


def test_facts_of_an_older_version_can_be_read(tmp_path: Path) -> None:
    statements.write_end(tmp_path, FACTS)
    old = json.loads((tmp_path / "run.json").read_bytes())
    for name in ("provenance", "plan", "trends"):
        del old["run"][name]
    assert statements.read_statement(json.dumps(old).encode()) == FACTS


@pytest.mark.parametrize("content", [b"", b"[]", b'{"format": "x"}', b"[" * 100_000])
def test_what_is_no_statement_is_refused(content: bytes) -> None:
    with pytest.raises(RecordError):
        statements.read_statement(content)


def test_facts_are_cleaned() -> None:
    redactor = Redactor()
    redactor.register("canary-4711")
    facts = replace(FACTS, operator="canary-4711", provenance=Provenance(change="canary-4711"))
    assert "canary" not in str(statements.cleaned(facts, redactor))


def line(*values: float) -> Trend:
    one = result()
    return Trend(
        check_id=one.check_id,
        target=one.target,
        entry=one.entry,
        name="disk /var",
        unit="%",
        values=values,
    )


def test_a_trend_is_drawn_within_its_box_and_told_in_words() -> None:
    drawn = Sparklines([line(40, 90, 60)]).of(result(), disk())
    assert drawn is not None
    points = [tuple(map(float, point.split(","))) for point in drawn.points.split()]
    assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in points)
    assert points[1][1] < points[2][1] < points[0][1]
    assert drawn.words == "last 3 runs: from 40 % to 60 %, between 40 % and 90 %"


def test_equal_values_are_a_flat_line() -> None:
    drawn = Sparklines([line(5, 5)]).of(result(), disk())
    assert drawn is not None
    assert {point.split(",")[1] for point in drawn.points.split()} == {"10.0"}


@pytest.mark.parametrize("values", [(), (5.0,)])
def test_one_value_is_no_line(values: tuple[float, ...]) -> None:
    assert Sparklines([line(*values)]).of(result(), disk()) is None


def test_a_check_is_told_whole() -> None:
    reading = replace(disk(93), detail="one\ntwo", digest="ab" * 32, attempt=2, error="slow")
    told = result(
        Outcome.RED,
        readings=(reading,),
        controls=("PCI 1",),
        waiver="w",
        blocked_by="x",
        worker="gw0",
    )
    text = tell(Check(number=1, looks=(result(Outcome.YELLOW), replace(told, look=2))))
    for part in (
        told.title,
        told.nodeid,
        "controls PCI 1",
        "waiver w",
        "blocked by x",
        "worker gw0",
        "Look 1: YELLOW",
        "Look 2: RED, the last one decides",
        "expected yellow from 80 %, red from 90 %",
        "asked    df -P /var",
        "attempt 2",
        "error    slow",
        "sha256   abab",
        "  | one\n  | two",
    ):
        assert part in text, part
