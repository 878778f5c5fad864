"""Step 6: what was changed goes into the compliance log, whatever else happens in the run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_ddd import clock, login
from pytest_ddd.errors import RecordError
from pytest_ddd.plugin import gating, site, unwritten
from pytest_ddd.plugin.verdict import VERDICT_KEY

if TYPE_CHECKING:
    from pytest_ddd.actions.journal import Deed
    from pytest_ddd.evidence.compliance import Change, Entered, LogState, Told
    from pytest_ddd.evidence.facts import RunFacts

_DIRECTORY = "evidence"


class ComplianceLog:
    """The compliance log of this site."""

    def __init__(self, item: pytest.Item) -> None:
        self._item = item

    def read(self) -> LogState:
        """Follow its chain from the first line.

        Raises:
            RecordError: it is there and cannot be read.
        """
        from pytest_ddd.evidence import compliance

        found = compliance.look(_path(self._item.config))
        self._item.stash[VERDICT_KEY].answer = found
        return found


@pytest.fixture
def compliance_log(request: pytest.FixtureRequest) -> ComplianceLog:
    """The compliance log: `read()` follows its chain. Every run enters what it has changed."""
    if VERDICT_KEY not in request.node.stash:
        pytest.fail("compliance_log is for checks: mark the function weekly, say", pytrace=False)
    return ComplianceLog(request.node)


def completed(config: pytest.Config, facts: RunFacts) -> RunFacts:
    """Add to the facts of a scenario what was compared, and what the compliance log took."""
    entered = None
    try:
        entered = _enter(config, facts.scenario)
    except RecordError as failure:
        unwritten.note(config, failure)
    return replace(facts, comparison=gating.comparison(config, facts.scenario), entered=entered)


def _enter(config: pytest.Config, scenario: str) -> Entered | None:
    """Write every change that the log does not have; None when there never was one.

    A change of an earlier run that was killed, or that a person took back, is entered as well.

    Raises:
        RecordError: the log cannot be written, or was tampered with.
    """
    from pytest_ddd.actions.journal import FOLDER, Journal
    from pytest_ddd.evidence import compliance

    if not (config.rootpath / FOLDER).exists():
        return None
    environment, results = config.stash[site.SITE_KEY].baseline.name, gating.results(config)
    told = [
        (deed, compliance.told_by(results, deed.subject.target, deed.subject.entry))
        if deed.run_id == site.run_id(config)
        else (deed, compliance.Told())
        for deed in Journal(config.rootpath).deeds()
        if deed.subject.environment == environment
        and (not deed.is_open or config.getoption("ddd_apply"))  # another run may be at it
    ]
    mine = [_change(config, *one) for one in told if one[1].scenario in ("", scenario)]
    return compliance.enter(_path(config), mine) if told else None


def _change(config: pytest.Config, deed: Deed, told: Told) -> Change:
    from pytest_ddd.evidence.compliance import Change

    first, last, run = deed.lines[0], deed.lines[-1], site.run_id(config)
    started_at, finished_at = clock.from_stamp(first.at), clock.from_stamp(last.at)
    said = "; ".join(dict.fromkeys(one.said for one in deed.lines if one.said))
    return Change(
        action_id=deed.action_id,
        kind=deed.subject.kind,
        environment=deed.subject.environment,
        target=deed.subject.target,
        entry=deed.subject.entry,
        state="taken back" if deed.is_over else "in force" if deed.is_in_force else "left open",
        said=said or ("" if last.phase == "end" else deed.words),
        started_at=started_at,
        finished_at=finished_at,
        took_s=(finished_at - started_at).total_seconds(),
        operator=first.operator,
        run_id=deed.run_id,
        scenario=told.scenario,
        outcome=told.outcome,
        changed=told.changed,
        planned=told.planned,
        approvers=told.approvers,
        ticket=config.stash[site.SITE_KEY].settings.change if deed.run_id == run else "",
        written_at=clock.now(),
        written_by=f"{login.name()}, run {run}",
    )


def _path(config: pytest.Config) -> Path:
    from pytest_ddd.evidence.compliance import FILE_NAME

    evidence = config.stash[site.SITE_KEY].settings.evidence
    return (evidence or config.rootpath / _DIRECTORY) / FILE_NAME
