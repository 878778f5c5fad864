"""Backups for tests: declared as a baseline would, looked at on this machine."""

from __future__ import annotations

from pytest_ddd.baseline.model import Declaration
from pytest_ddd.baseline.sections.backups import Backup as Model
from pytest_ddd.connections import Connections
from pytest_ddd.outcomes import Outcome, worst
from pytest_ddd.probes.backups import Backup, BackupState
from pytest_ddd.results import Origin, judge

ORIGIN = Origin(file="baselines/prod/backups.yaml", line=3)
GREEN, YELLOW, RED, UNKNOWN = Outcome.GREEN, Outcome.YELLOW, Outcome.RED, Outcome.UNKNOWN


def backup(connections: Connections, **fields: object) -> Backup:
    """Return the backup `shop` of the environment `prod`."""
    declaration = Declaration(
        section="backups", key="shop", model=Model.model_validate(fields), origins={(): ORIGIN}
    )
    return Backup(declaration, target="prod", host="", connections=connections)


def check(one: Backup) -> tuple[Outcome, BackupState]:
    """Do what the shipped check does, and return its outcome with what was read."""
    state = one.read()
    judged = [judge(state.age, one.age)]
    if state.shrink is not None:
        judged.append(judge(state.shrink, one.shrink))
    outcomes = [reading.outcome or Outcome.UNKNOWN for reading in judged]
    return worst([*outcomes, *([Outcome.RED] if state.problems else [])]), state


def texts(state: BackupState) -> str:
    """Return the texts of all problems, each without the name of the backup in front of it."""
    assert all(problem.text.startswith("shop: ") for problem in state.problems)
    return "\n".join(problem.text.removeprefix("shop: ") for problem in state.problems)
