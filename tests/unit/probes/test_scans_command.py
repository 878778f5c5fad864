"""Scanners of other people: pip-audit by its JSON, oscap by its lines, any by its exit status."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pytest_ddd.connections import Connections
from pytest_ddd.errors import CannotLookError
from pytest_ddd.outcomes import Outcome, worst
from pytest_ddd.probes import scans
from pytest_ddd.results import judge
from tests.support.scopes import scope_of

Look = Callable[[str], tuple[Outcome, scans.ScanState]]

GREEN, YELLOW, RED = Outcome.GREEN, Outcome.YELLOW, Outcome.RED


@pytest.fixture
def look(tmp_path: Path) -> Iterator[Look]:
    """Declare a scan `s`, do what the shipped check does, and return what comes of it."""
    opened: list[Connections] = []

    def looked(says: str) -> tuple[Outcome, scans.ScanState]:
        scope = scope_of(tmp_path, f"scans: {{s: {{{says}}}}}")
        opened.append(scope.connections)
        (entry,) = scans.entries(scope)
        found = entry.read()
        judged = [judge(*one).outcome or Outcome.UNKNOWN for one in found.judged]
        return worst([*judged, *([RED] if found.problems else [])]), found

    yield looked
    for connections in opened:
        connections.close()


PIP_AUDIT = """#!/bin/sh
# A stand-in that is as strict as it can be: pip-audit of one file of requirements, as JSON.
[ "$*" = "--format json --requirement /srv/shop/requirements.txt" ] || exit 2
cat "$(dirname "$0")/answer"; exit "$(cat "$(dirname "$0")/status")"
"""


class PipAudit:
    """pip-audit as its documentation shows it: exit status 1 when there is a vulnerability."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        (folder / "pip-audit").write_text(PIP_AUDIT)
        (folder / "pip-audit").chmod(0o755)
        self.says = (
            f"command: {{run: {folder}/pip-audit --format json --requirement "
            "/srv/shop/requirements.txt, json: {examined: dependencies, findings: vulns}}"
        )

    def answers(self, status: int, *dependencies: dict[str, object]) -> None:
        self.prints(status, json.dumps({"dependencies": dependencies, "fixes": []}))

    def prints(self, status: int, answer: str) -> None:
        (self._folder / "answer").write_text(answer)
        (self._folder / "status").write_text(str(status))


@pytest.fixture
def pip_audit(tmp_path: Path) -> PipAudit:
    return PipAudit(tmp_path)


VULNERABLE: dict[str, object] = {
    "name": "flask",
    "version": "0.5",
    "vulns": [{"id": "PYSEC-2019-179", "fix_versions": ["1.0"], "aliases": [], "description": "x"}],
}
CLEAN: dict[str, object] = {"name": "flask", "version": "3.0", "vulns": []}


def test_pip_audit_turns_yellow_and_heals(look: Look, pip_audit: PipAudit) -> None:
    """It knows no severities: what is `unrated` is medium, and one medium is yellow."""
    pip_audit.answers(1, VULNERABLE)
    outcome, found = look(pip_audit.says)
    pip_audit.answers(0, CLEAN)
    healed, _ = look(pip_audit.says)

    assert (outcome, healed) == (YELLOW, GREEN)
    assert found.text.startswith("medium PYSEC-2019-179: flask: ")


def test_a_dependency_that_was_skipped_is_told(look: Look, pip_audit: PipAudit) -> None:
    """pip-audit ends with 0, and has not looked at it."""
    skipped: dict[str, object] = {"name": "shop", "skip_reason": "not found on PyPI"}
    pip_audit.answers(0, CLEAN, skipped)

    with pytest.raises(CannotLookError, match=r"1 thing could not be examined, as .*shop"):
        look(pip_audit.says)


def test_beside_what_is_red_no_waiver_accepts_it(look: Look, pip_audit: PipAudit) -> None:
    skipped: dict[str, object] = {"name": "shop", "skip_reason": "not found on PyPI"}
    pip_audit.answers(1, VULNERABLE, skipped)

    outcome, found = look(f"{pip_audit.says}, limits: {{medium: {{crit: 1}}}}")

    assert outcome is RED
    assert [one.blind for one in found.problems] == [True]


@pytest.mark.parametrize(
    ("status", "answer", "said"),
    [
        (0, '{"dependencies": [], "fixes": []}', "examined nothing"),
        (1, '{"dependencies": [{"name": "a", "vulns": []}]}', "as if it had found something"),
        (1, "", "not JSON"),
        (0, "no network", "not JSON"),
        (0, '{"dependencies": {}}', "dependencies is no list"),
        (0, '{"other": []}', "dependencies"),
        (1, '{"dependencies": [{"vulns": [{"name": "no id"}]}]}', "a finding has no id"),
        (2, "usage", r"exit 2\): usage"),
        (127, "", "exit status 127 without a word"),
    ],
)
def test_what_says_nothing_is_unknown(
    look: Look, pip_audit: PipAudit, status: int, answer: str, said: str
) -> None:
    """Never green, and never a traceback."""
    pip_audit.prints(status, answer)

    with pytest.raises(CannotLookError, match=said):
        look(pip_audit.says)


OVAL = """<?xml version="1.0"?>
<oval_definitions xmlns="http://oval.mitre.org/XMLSchema/oval-definitions-5"
    xmlns:oval="http://oval.mitre.org/XMLSchema/oval-common-5"
    xmlns:ind="http://oval.mitre.org/XMLSchema/oval-definitions-5#independent">
  <generator><oval:schema_version>5.11</oval:schema_version>
    <oval:timestamp>2026-01-01T00:00:00</oval:timestamp></generator>
  <definitions><definition class="compliance" id="oval:lab:def:1" version="1">
    <metadata><title>No telnet</title><description>x</description></metadata>
    <criteria><criterion test_ref="oval:lab:tst:1"/></criteria></definition></definitions>
  <tests><ind:textfilecontent54_test id="oval:lab:tst:1" version="1" check="all"
      check_existence="at_least_one_exists" comment="telnet is off">
    <ind:object object_ref="oval:lab:obj:1"/></ind:textfilecontent54_test></tests>
  <objects><ind:textfilecontent54_object id="oval:lab:obj:1" version="1">
    <ind:filepath>{file}</ind:filepath><ind:pattern operation="pattern match">^telnet=off$</ind:pattern>
    <ind:instance datatype="int">1</ind:instance></ind:textfilecontent54_object></objects>
</oval_definitions>
"""
XCCDF = """<?xml version="1.0"?>
<Benchmark xmlns="http://checklists.nist.gov/xccdf/1.2" id="xccdf_lab_benchmark_x" resolved="1">
  <status>draft</status><title>x</title><version>1</version>
  <Profile id="xccdf_lab_profile_all"><title>all</title>
    <select idref="xccdf_lab_rule_telnet" selected="true"/></Profile>
  <Rule id="xccdf_lab_rule_telnet" selected="true" severity="high"><title>No telnet</title>
    {platform}<check system="http://oval.mitre.org/XMLSchema/oval-definitions-5">
      <check-content-ref href="oval.xml" name="oval:lab:def:1"/></check></Rule>
</Benchmark>
"""


def oscap(folder: Path, *, platform: str = "") -> str:
    """Write a rule about a file, and return the scan that asks oscap for it."""
    (folder / "oval.xml").write_text(OVAL.format(file=folder / "inetd.conf"))
    (folder / "xccdf.xml").write_text(XCCDF.format(platform=platform))
    return f"""command: {{
        run: 'oscap xccdf eval --progress --profile xccdf_lab_profile_all {folder}/xccdf.xml',
        found: [2], unrated: high,
        lines: {{finding: '^(?P<id>\\S+):fail$', examined: '^\\S+:(pass|fail)$',
                blind: '^\\S+:(error|unknown)$'}}}}"""


@pytest.mark.needs("oscap")
def test_oscap_turns_red_and_heals(look: Look, tmp_path: Path) -> None:
    """The real oscap, and a rule of this test's own."""
    says = oscap(tmp_path)
    (tmp_path / "inetd.conf").write_text("telnet=on\n")
    outcome, found = look(says)
    (tmp_path / "inetd.conf").write_text("telnet=off\n")
    healed, _ = look(says)

    assert (outcome, healed) == (RED, GREEN)
    assert found.text.startswith("high xccdf_lab_rule_telnet")


@pytest.mark.needs("oscap")
def test_oscap_without_a_rule_that_applies_is_unknown(look: Look, tmp_path: Path) -> None:
    """Oscap itself ends with 0."""
    says = oscap(tmp_path, platform='<platform idref="cpe:/o:lab:other_system:1"/>')
    (tmp_path / "inetd.conf").write_text("telnet=on\n")

    with pytest.raises(CannotLookError, match="examined nothing: 0 lines"):
        look(says)


def test_an_exit_status_alone(look: Look) -> None:
    """For a script that only says yes or no."""
    outcome, found = look("command: {run: 'echo port 23 is open; exit 1', unrated: high}")

    assert (outcome, found.text) == (RED, "high exit-1: port 23 is open")
    assert look("command: {run: 'true'}")[0] is GREEN


def test_severities_have_names_of_their_own(look: Look, tmp_path: Path) -> None:
    """A word that nobody knows is unrated; it does not vanish."""
    findings = [
        {"id": "A", "level": "IMPORTANT"},
        {"id": "B", "level": "critical"},
        {"id": "C", "level": "strange"},
        {"id": "D", "level": None},
    ]
    (tmp_path / "out").write_text(json.dumps({"all": findings}))

    _, found = look(
        f"command: {{run: cat {tmp_path}/out, json: {{findings: all, severity: level}},"
        " severities: {IMPORTANT: high}, unrated: low}"
    )

    assert [line.split(":")[0] for line in found.text.splitlines()] == [
        "critical B", "high A", "low C", "low D",
    ]  # fmt: skip


def test_limits_count_each_severity(look: Look, tmp_path: Path) -> None:
    """Two are allowed and three are not; each one is named, so that a waiver can accept it."""

    def of(count: int) -> str:
        (tmp_path / "out").write_text("".join(f"low N{n}\n" for n in range(count)))
        return (
            f"command: {{run: cat {tmp_path}/out, lines: {{finding: '^(?P<severity>\\w+) "
            "(?P<id>.*)$', examined: .}}, limits: {low: {warn: 3, crit: 60}}"
        )

    few, _ = look(of(2))
    more, named = look(of(3))
    many, counted = look(of(60))

    assert (few, more, many) == (GREEN, YELLOW, RED)
    low = [reading.name for reading, _ in named.judged if " low " in reading.name]
    assert low == ["s low N0", "s low N1", "s low N2"]
    assert [reading.name for reading, _ in counted.judged][-1] == "s low findings"


def test_what_is_only_told_is_green_and_told(look: Look) -> None:
    says = "command: {run: 'echo x; exit 1', unrated: medium}, limits: {medium: told}"

    outcome, found = look(says)

    assert (outcome, found.text) == (GREEN, "medium exit-1: x")


def test_a_missing_scanner_is_unknown(look: Look) -> None:
    with pytest.raises(CannotLookError, match="not found"):
        look("command: {run: no-such-scanner}")
