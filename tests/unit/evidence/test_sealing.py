"""A sealed package: what is in it, the same each time, nothing half done."""

from __future__ import annotations

import csv
import io
import json
import os
import stat
import subprocess
import xml.etree.ElementTree as ET
import zipfile
from pathlib import Path

import pytest
import rfc8785

from pytest_ddd import clock
from pytest_ddd.errors import RecordError
from pytest_ddd.evidence import archive
from pytest_ddd.evidence.controls import harmless
from pytest_ddd.evidence.ledger import read_ledger
from pytest_ddd.evidence.sources import DirectorySource
from pytest_ddd.evidence.verification import INCOMPLETE, UNTRUSTED, verify
from pytest_ddd.outcomes import Outcome
from pytest_ddd.redaction import Redactor
from pytest_ddd.results import CheckResult
from tests.unit.evidence.packages import RESULTS, new_key, planned, sealed, trusting
from tests.unit.evidence.samples import START, disk, result

FILES = {
    "README.txt",
    "SHA256SUMS",
    "controls.csv",
    "junit.xml",
    "manifest.json",
    "population.json",
    "report.html",
    "results.jsonl",
    "run.json",
    "start.json",
}


def test_the_package_holds_all_files(tmp_path: Path) -> None:
    assert {file.name for file in sealed(tmp_path).directory.iterdir()} == FILES


def test_only_the_owner_can_read_any_of_it(tmp_path: Path) -> None:
    done = sealed(tmp_path)
    modes = {stat.S_IMODE(f.stat().st_mode) for f in (*done.directory.iterdir(), done.archive)}
    assert modes == {0o600}


def test_sha256sum_agrees(tmp_path: Path) -> None:
    directory = sealed(tmp_path).directory
    command = ["sha256sum", "--strict", "--check", "--quiet", "SHA256SUMS"]
    subprocess.run(command, cwd=directory, check=True)


def test_the_archive_is_the_same_each_time(tmp_path: Path) -> None:
    done = sealed(tmp_path)
    first = done.archive.read_bytes()
    for file in done.directory.iterdir():
        os.utime(file, (0, 0))
    archive.write_archive(done.directory)
    assert done.archive.read_bytes() == first


def test_the_archive_unpacks_into_one_directory_of_its_name(tmp_path: Path) -> None:
    done = sealed(tmp_path)
    names = zipfile.ZipFile(done.archive).namelist()
    assert {name.partition("/")[0] for name in names} == {done.directory.name}


def test_numbers_add_up(tmp_path: Path) -> None:
    manifest = sealed(tmp_path).manifest
    assert (manifest.planned, manifest.executed, manifest.complete) == (6, 6, True)
    assert sum(manifest.outcomes.values()) == 6


def test_a_check_that_was_planned_and_not_done_makes_it_incomplete(tmp_path: Path) -> None:
    done = sealed(tmp_path, RESULTS[:-1], planned(RESULTS))
    assert done.manifest.incomplete == (f"1 check planned and not done: {RESULTS[-1].nodeid}",)
    assert verify(DirectorySource(done.directory)).status == UNTRUSTED  # it is not signed either


@pytest.mark.needs("ssh-keygen")
def test_incomplete_has_a_status_of_its_own(tmp_path: Path) -> None:
    key = new_key(tmp_path / "key")
    done = sealed(tmp_path / "e", RESULTS[:-1], planned(RESULTS), key=key)
    found = verify(DirectorySource(done.directory), trusting(tmp_path / "t", key))
    assert found.status == INCOMPLETE


@pytest.mark.parametrize("changes", [{"plan": None}, {"interrupted": True}])
def test_what_is_not_known_to_be_whole_is_incomplete(
    tmp_path: Path, changes: dict[str, object]
) -> None:
    assert not sealed(tmp_path, facts=planned(RESULTS, **changes)).manifest.complete


def test_a_result_that_nobody_planned_makes_it_incomplete(tmp_path: Path) -> None:
    done = sealed(tmp_path, facts=planned(RESULTS[1:]))
    assert "1 check done and not planned" in done.manifest.incomplete[0]


def test_two_results_of_one_check_count_once(tmp_path: Path) -> None:
    results = (result(Outcome.GREEN), result(Outcome.UNKNOWN, reason="teardown: boom"))
    manifest = sealed(tmp_path, results).manifest
    assert (manifest.executed, manifest.outcomes["UNKNOWN"]) == (1, 1)


def test_the_later_look_counts(tmp_path: Path) -> None:
    results = (result(Outcome.YELLOW), result(look=2))
    assert sealed(tmp_path, results).manifest.outcomes["GREEN"] == 1


def test_the_readme_tells_outcome_and_population(tmp_path: Path) -> None:
    text = (sealed(tmp_path).directory / "README.txt").read_text()
    assert "Outcome:   RED. Action needed." in text
    assert "Checks:    6 planned, 6 done, 0 missing" in text
    assert text.isascii() or "«redacted" in text


def test_junit_has_a_case_for_each_check(tmp_path: Path) -> None:
    directory = sealed(tmp_path).directory
    suite = next(ET.parse(directory / "junit.xml").getroot().iter("testsuite"))
    counts = {name: suite.get(name) for name in ("tests", "failures", "errors", "skipped")}
    assert counts == {"tests": "6", "failures": "1", "errors": "1", "skipped": "1"}
    assert suite.get("timestamp") == clock.stamp(START)


@pytest.mark.parametrize("text", ["]]>&<x a='b'>", "\ufffe\uffff", '"quoted"', "\x00\x1b[31m"])
def test_junit_holds_whatever_hosts_say(tmp_path: Path, text: str) -> None:
    told = result(Outcome.RED, target=text, reason=text, controls=(text,), entry=text)
    directory = sealed(tmp_path, [told]).directory
    root = ET.parse(directory / "junit.xml").getroot()
    assert len(list(root.iter("testcase"))) == 1


def rows(directory: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO((directory / "controls.csv").read_text())))


def test_controls_are_listed_with_their_checks(tmp_path: Path) -> None:
    found = {row["control"]: row for row in rows(sealed(tmp_path).directory)}
    assert found["PCI 10.4.1"]["worst"] == "GREEN"
    assert found["PCI 10.4.1"]["checks"] == "1"


def test_checks_without_a_control_are_counted_too(tmp_path: Path) -> None:
    found = rows(sealed(tmp_path).directory)
    assert sum(int(row["checks"]) for row in found) == 6


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "  =1", "\n=1"])
def test_no_cell_is_a_formula(tmp_path: Path, cell: str) -> None:
    directory = sealed(tmp_path, [result(controls=(cell,), title=cell, target=cell)]).directory
    (row,) = rows(directory)
    assert row["control"].startswith("'")
    assert harmless(cell) == f"'{cell}"


def test_an_ordinary_cell_stays_as_it_is() -> None:
    assert harmless("PCI 10.4.1 = x") == "PCI 10.4.1 = x"


def test_a_secret_in_a_file_refuses_the_seal(tmp_path: Path) -> None:
    redactor = Redactor()
    redactor.register("canary-4711", "password")
    with pytest.raises(RecordError, match=r"not sealed: .* holds a secret \(password\)") as told:
        sealed(tmp_path, [result(reason="canary-4711")], redactor=redactor)
    assert "canary" not in str(told.value)
    left = {f.name for f in next(tmp_path.glob("*Z_*")).iterdir()}
    assert not left & {"manifest.json", "SHA256SUMS", "SHA256SUMS.sig"}


@pytest.mark.parametrize(
    "written",
    ["canary%2F4711", "Y2FuYXJ5LzQ3MTE", "canary/\n4711", "63616e6172792f34373131"],
    ids=["URL", "base64", "split", "hexadecimal"],
)
def test_a_secret_in_another_form_refuses_the_seal(tmp_path: Path, written: str) -> None:
    redactor = Redactor()
    redactor.register("canary/4711")
    with pytest.raises(RecordError, match="holds a secret"):
        sealed(tmp_path, [result(reason=written)], redactor=redactor)


def test_the_ledger_names_the_run(tmp_path: Path) -> None:
    done = sealed(tmp_path)
    (entry,) = read_ledger(tmp_path / "ledger.jsonl").entries
    assert (entry.name, entry.outcome, entry.complete) == (done.directory.name, "RED", True)


def test_each_package_names_how_the_ledger_ended_before_it(tmp_path: Path) -> None:
    first, second = sealed(tmp_path), sealed(tmp_path, run_id="second")
    assert (first.manifest.ledger.lines, second.manifest.ledger.lines) == (0, 1)
    assert read_ledger(tmp_path / "ledger.jsonl").holds(second.manifest.ledger)


@pytest.mark.needs("ssh-keygen")
def test_a_key_that_cannot_sign_leaves_an_unsigned_package(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("no key")
    with pytest.raises(RecordError, match="sealed, but not signed") as told:
        sealed(tmp_path / "e", key=tmp_path / "key")
    assert "evidence seal" in told.value.hint
    directory = next((tmp_path / "e").glob("*Z_*[!p]"))
    found = verify(DirectorySource(directory))
    assert (found.problems, found.status) == ([], UNTRUSTED)


def test_json_files_are_canonical(tmp_path: Path) -> None:
    directory = sealed(tmp_path).directory
    for name in ("start.json", "run.json", "population.json", "manifest.json"):
        content = (directory / name).read_bytes()
        assert rfc8785.dumps(json.loads(content)) + b"\n" == content


def test_texts_of_hosts_are_data_in_every_file(tmp_path: Path) -> None:
    hostile = "</script><script>alert(1)</script>"
    told: CheckResult = result(Outcome.RED, target=hostile, reason=hostile, readings=(disk(95),))
    directory = sealed(tmp_path, [told]).directory
    page = (directory / "report.html").read_text()
    assert page.count("<script>") == 1
    assert "alert(1)</script>" not in page
