"""Commands that are proposed: run only when allowed, at most once, and what is said of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_ddd.alerts import Decision, Suppression
from pytest_ddd.baseline.sections.escalation import Escalation
from pytest_ddd.escalation.proposing import Ran, run_allowed
from tests.unit.escalation.test_book import decided


class MemoryLedger:
    """Keeps what was started and ended."""

    def __init__(self, *, may_start: bool = True) -> None:
        self.may_start = may_start
        self.ended: list[tuple[int | None, str]] = []

    def begin(self, decision: Decision, cooldown_s: float) -> bool:
        return self.may_start

    def end(self, decision: Decision, exit_status: int | None, output: str) -> None:
        self.ended.append((exit_status, output))


def tried(ledger: MemoryLedger, *command: str, allowed: bool = True, **more: object) -> list[Ran]:
    section = Escalation.model_validate(
        {
            "channels": {"log": {"kind": "syslog"}},
            "rules": {"down": {"when": ["RED"], "notify": ["log"], "propose": "it"}},
            "proposals": {
                "it": {
                    "command": ["x"],
                    "allowed": allowed,
                    "timeout": "1s" if "sleep" in command else "1m",
                }
            },
        }
    )
    values = {name: getattr(decided(), name) for name in Decision.__dataclass_fields__}
    decision = Decision(**{**values, "command": command, **more})
    return list(run_allowed([decision], section, ledger))


@pytest.mark.parametrize(
    ("command", "status", "said", "well"),
    [
        (("sh", "-c", "echo scaled"), 0, "done", True),
        (("sh", "-c", "echo no >&2; exit 3"), 3, "ended with 3", False),
        (("sleep", "60"), None, "killed after 1 s", False),
        (("/no/such/program",), 127, "cannot run: No such file or directory", False),
    ],
)
def test_how_a_command_ends(
    command: tuple[str, ...], status: int | None, said: str, well: bool
) -> None:
    ledger = MemoryLedger()
    (ran,) = tried(ledger, *command)

    assert (ran.said, ran.ended_well) == (said, well)
    assert [one for one, _ in ledger.ended] == [status]


def test_its_output_is_kept() -> None:
    ledger = MemoryLedger()
    tried(ledger, "sh", "-c", "echo scaled")

    assert ledger.ended == [(0, "scaled\n")]


@pytest.mark.parametrize(
    ("allowed", "may_start", "more", "said"),
    [
        (False, True, {}, ["not run: the baseline does not say `allowed: true`"]),
        (True, False, {}, ["not run: it was started a short time ago"]),
        (True, True, {"suppressed": Suppression.SILENCE}, []),
    ],
)
def test_when_it_is_not_run(
    tmp_path: Path, allowed: bool, may_start: bool, more: dict[str, object], said: list[str]
) -> None:
    ledger = MemoryLedger(may_start=may_start)

    found = tried(ledger, "touch", f"{tmp_path}/x", allowed=allowed, **more)

    assert [one.said for one in found] == said
    assert not (tmp_path / "x").exists()
