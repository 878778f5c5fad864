"""Which approval counts: signed, by somebody who may, for this and for now, and by nobody's own."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pytest_ddd.actions.approvals import Decision, Request, decide
from pytest_ddd.baseline.loader import load_baseline
from pytest_ddd.errors import BaselineError
from tests.support.keys import Key, make_key

pytestmark = pytest.mark.needs("ssh-keygen")

REQUEST = Request(
    change="CHG-7",
    environment="prod",
    scenario="security-patch-tuesday",
    hosts=("web1", "web2"),
    at=datetime(2026, 12, 1, 2, 30, tzinfo=UTC),
    operators=("omar", "root"),
    keys=(),
)


@dataclass
class Office:
    """Two who may approve, one who may not, and the baseline that says so."""

    folder: Path
    keys: dict[str, Key]

    def needs(self, number: int) -> None:
        signers = ", ".join(
            f"{{principal: {name}@example.org, key: '{self.keys[name].fingerprint}'}}"
            for name in ("sara", "mira")
        )
        self.writes(
            f"approvals: {{{REQUEST.scenario}: {{needed: {number}, signers: [{signers}]}}}}"
        )

    def writes(self, section: str) -> None:
        text = f"hosts: {{web1: {{connection: 'local://'}}}}\n{section}\n"
        (self.folder / "prod.yaml").write_text(text)

    def approval(self, by: str, *, key: str = "", namespace: str = "", **says: str) -> Path:
        said = {
            "change": "CHG-7", "environment": "prod", "scenario": REQUEST.scenario,
            "hosts": "[web1, web2]", "valid_from": "'2026-12-01T02:00:00Z'",
            "valid_until": "'2026-12-01T04:00:00Z'",
            "approver": f"{{principal: {by}@example.org, key: '{self.keys[by].fingerprint}'}}",
            **says,
        }  # fmt: skip
        file = self.folder / f"{by}.yaml"
        file.write_text("".join(f"{name}: {value}\n" for name, value in said.items()))
        signing = str(self.keys[key or by].path)
        words = ["-Y", "sign", "-q", "-n", namespace or "pytest-ddd-approval", "-f", signing]
        subprocess.run(["ssh-keygen", *words, str(file)], check=True, capture_output=True)
        return file

    def decides(self, *files: Path, request: Request = REQUEST) -> Decision:
        return decide(load_baseline(self.folder, "prod"), files, request)


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Key]:
    """Keys of three people."""
    folder = tmp_path_factory.mktemp("keys")
    return {name: make_key(folder / name) for name in ("sara", "mira", "eve")}


@pytest.fixture
def office(tmp_path: Path, keys: dict[str, Key]) -> Office:
    """An office in which one signature is enough."""
    made = Office(folder=tmp_path, keys=keys)
    made.needs(1)
    return made


def test_a_good_approval_counts(office: Office) -> None:
    decision = office.decides(file := office.approval("sara"))

    assert decision.obstacles == ()
    assert [one.principal for one in decision.approvers] == ["sara@example.org"]
    assert decision.texts == (file.read_text(),)


WRONG: dict[str, tuple[Callable[[Office], Path], str]] = {
    "other-change": (lambda o: o.approval("sara", change="CHG-8"), "it is for change CHG-8"),
    "other-place": (lambda o: o.approval("sara", environment="test"), "for environment test"),
    "other-scenario": (lambda o: o.approval("sara", scenario="morning"), "for scenario morning"),
    "other-hosts": (lambda o: o.approval("sara", hosts="[web1, db1]"), "it does not name web2"),
    "expired": (
        lambda o: o.approval("sara", valid_until="'2026-12-01T02:30:00Z'"),
        "it expired at 2026-12-01T02:30 UTC",
    ),
    "too-early": (
        lambda o: o.approval("sara", valid_from="'2026-12-01T02:31:00Z'"),
        "it holds from 2026-12-01T02:31 UTC only",
    ),
    "stranger": (lambda o: o.approval("eve"), "eve@example.org with the key "),
    "other-key": (lambda o: o.approval("sara", key="eve"), "signed by another key than it names"),
    "other-purpose": (lambda o: o.approval("sara", namespace="file"), "does not fit"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_an_approval_that_does_not_count_says_why(office: Office, name: str) -> None:
    make, why = WRONG[name]
    decision = office.decides(make(office))

    assert decision.approvers == ()
    assert len(decision.obstacles) == 1
    assert why in decision.obstacles[0]


def test_a_changed_or_unsigned_file_does_not_count(office: Office) -> None:
    file = office.approval("sara")
    file.write_text(file.read_text().replace("[web1, web2]", "[web1, web2, db1]"))
    assert "does not fit what it says" in office.decides(file).obstacles[0]

    file.with_name("sara.yaml.sig").unlink()
    assert "no signature" in office.decides(file).obstacles[0]


@pytest.mark.parametrize(
    ("request_", "why"),
    [
        (replace(REQUEST, operators=("Sara",)), "sara@example.org, who runs this"),
        (replace(REQUEST, operators=("root", "sara@example.org")), "who runs this"),
        (replace(REQUEST, change=""), "name the change that it is for: --ddd-change=ID"),
    ],
    ids=["log-in", "operator", "no-change"],
)
def test_nobody_approves_a_change_of_his_own(office: Office, request_: Request, why: str) -> None:
    assert why in office.decides(office.approval("sara"), request=request_).obstacles[0]


def test_nobody_approves_with_the_key_that_signs_the_evidence(office: Office) -> None:
    own = replace(REQUEST, keys=(office.keys["sara"].fingerprint,))

    assert (
        "the key of whoever runs this"
        in office.decides(office.approval("sara"), request=own).obstacles[0]
    )


def test_two_signatures_are_of_two_people(office: Office) -> None:
    office.needs(2)
    sara = office.approval("sara")
    assert "approvals: 1 of 2" in office.decides(sara, sara).obstacles[0]

    assert office.decides(sara, office.approval("mira")).obstacles == ()


def test_who_is_not_named_may_not_approve_and_nobody_has_to(office: Office) -> None:
    office.writes("")
    assert "nobody may approve security-patch-tuesday" in office.decides().obstacles[0]

    office.writes(f"approvals: {{{REQUEST.scenario}: {{needed: 0}}}}")
    assert office.decides() == Decision()


def test_a_file_that_is_no_approval_is_a_mistake(office: Office) -> None:
    with pytest.raises(BaselineError, match=r"sara\.yaml"):
        office.decides(office.folder / "sara.yaml")
    file = office.approval("sara", hosts="[]", note="x", valid_until="'2027-12-01T04:00:00Z'")
    with pytest.raises(BaselineError, match="hosts"):
        office.decides(file)
