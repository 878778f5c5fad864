"""Ties escalation to the pytest session: what is asked, the hooks, and what the terminal says."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

import pytest

from pytest_ddd import clock
from pytest_ddd.plugin import announcing, channels
from pytest_ddd.plugin.options import SETTINGS_KEY
from pytest_ddd.units import plural

if TYPE_CHECKING:
    from pytest_ddd.alerts import Decision, Parcel
    from pytest_ddd.escalation.telling import Told
    from pytest_ddd.history.store import Store
    from pytest_ddd.plugin.site import Site
    from pytest_ddd.run import MaintenanceRun

_SHOWN = 10
"""How many decisions of a kind are listed; `pytest-ddd escalation` has them all."""


def teller(config: pytest.Config, site: Site) -> Callable[[Store], Told] | None:
    """Return what escalates at the end of the run, once it is given the history."""
    from pytest_ddd.escalation.evaluation import Mode
    from pytest_ddd.escalation.planning import plan_of
    from pytest_ddd.escalation.telling import Asked, tell
    from pytest_ddd.history.desk import desk
    from pytest_ddd.plugin.site import run_id

    asked = Asked(
        plan=plan_of(site.baseline, Mode(site.settings.escalate), clock.now()),
        channels=partial(channels.open_all, config, site.baseline),
        run_proposals=site.settings.run_proposals,
    )

    def told(store: Store) -> Told:
        announcing.put_ends(config, store)
        return tell(*desk(store, site.baseline.name, run_id(config)), asked)

    return told


def announce(config: pytest.Config, told: Told | None) -> tuple[str, ...]:
    """Call `pytest_ddd_escalate` for each decision.

    Returns:
        Which implementations of the hooks failed, and how.
    """
    decisions = told.evaluation.decisions if told is not None else ()
    found = dict.fromkeys(config.stash.get(channels.UNREGISTERED_KEY, ()))
    for decision in decisions:
        found |= dict.fromkeys(channels.each(config, "pytest_ddd_escalate", decision=decision))
    return tuple(found)


def is_undelivered(told: Told | None, unheard: Sequence[str]) -> bool:
    """Whether somebody has to be told, and was not."""
    return bool(unheard) or (told is not None and bool(told.undelivered))


def write(reporter: pytest.TerminalReporter, run: MaintenanceRun, unheard: Sequence[str]) -> None:
    """Say who was told, who would be, why others were not, and what has not arrived."""
    told = run.told
    if told is None:
        if reporter.config.stash[SETTINGS_KEY].escalate == "on":
            words = "NOBODY WAS TOLD of this run: the history could not be written"
            reporter.write_line(words, red=True, bold=True)
            hint = "see NOT WRITTEN below, then: pytest-ddd schedule tick --escalate on"
            reporter.write_line(f"  hint: {hint} --host={run.circumstances.baseline.name}")
        return
    decisions = told.evaluation.decisions
    if decisions or told.undelivered or unheard:
        reporter.write_sep("-", f"escalation ({told.mode})")
    for decision in decisions[:_SHOWN]:
        reporter.write_line(_line(decision))
        if decision.command:
            reporter.write_line(f"  proposed: {shlex.join(decision.command)}")
    if len(decisions) > _SHOWN:
        reporter.write_line(f"… and {len(decisions) - _SHOWN} more")
    for ran in told.ran:
        reporter.write_line(f"command: {ran}", red=not ran.ended_well)
    for rule in told.evaluation.idle_rules:
        reporter.write_line(f"warning: the rule {rule} watched nothing in this run", yellow=True)
    _write_undelivered(reporter, told.undelivered, unheard, run.circumstances.baseline.name)


def _line(decision: Decision) -> str:
    what = f"{decision.kind} {decision.severity} ({decision.key.rule}): {decision.summary}"
    if decision.suppressed is None:
        return f"{what} -> {', '.join(decision.channels)}"
    reference = f" {decision.reference}" if decision.reference else ""
    return f"not told ({decision.suppressed}{reference}): {what}"


def _write_undelivered(
    reporter: pytest.TerminalReporter,
    parcels: Sequence[Parcel],
    unheard: Sequence[str],
    environment: str,
) -> None:
    for failure in unheard:
        reporter.write_line(f"UNDELIVERED: {failure}", red=True, bold=True)
    if not parcels:
        return
    count = plural(len(parcels), "message")
    reporter.write_line(f"UNDELIVERED: {count} of {environment}", red=True, bold=True)
    for one in parcels[:_SHOWN]:
        first = one.error.split("\n", 1)[0]
        text = f"  {one.parcel_id} {one.state} {one.outgoing.channel}: {first or 'not tried yet'}"
        reporter.write_line(f"{text} | {one.outgoing.message.summary}", red=True)
    if len(parcels) > _SHOWN:
        reporter.write_line(f"  … and {len(parcels) - _SHOWN} more", red=True)
    reporter.write_line("  hint: pytest-ddd escalation outbox", red=True)
