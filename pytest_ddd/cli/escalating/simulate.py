"""Tell what rules would have sent, had they been in force: nothing is sent or written."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_ddd import clock
from pytest_ddd.cli.escalating.place import duration
from pytest_ddd.cli.history_place import add_history, open_history
from pytest_ddd.cli.printing import say
from pytest_ddd.cli.scheduling.place import add_environment
from pytest_ddd.units import plural

if TYPE_CHECKING:
    from pytest_ddd.alerts import Decision

_SINCE = timedelta(days=30)


def configure(parser: argparse.ArgumentParser) -> None:
    """Add what the verb takes."""
    parser.add_argument(
        "--since",
        type=duration,
        default=_SINCE,
        metavar="DURATION",
        help="how far back (default: 30d)",
    )
    parser.add_argument(
        "--rules",
        type=Path,
        metavar="FILE",
        help="a file with another section `escalation` (default: the baseline's own)",
    )
    add_environment(parser)
    add_history(parser)


def run(arguments: argparse.Namespace) -> int:
    """Replay and say what would have left.

    Raises:
        BaselineError: mistakes in the baseline or in the file of rules.
    """
    from pytest_ddd.baseline.loader import load_baseline, load_escalation
    from pytest_ddd.escalation.evaluation import Mode
    from pytest_ddd.escalation.planning import plan_of
    from pytest_ddd.escalation.simulating import simulate
    from pytest_ddd.history import alerts

    now = clock.now()
    baseline = load_baseline(arguments.baselines, arguments.host)
    plan = plan_of(baseline, Mode.ON, now)
    if arguments.rules is not None:
        plan = replace(plan, escalation=load_escalation(arguments.rules, baseline))
    with open_history(arguments) as store, store.reading() as tx:
        runs = list(alerts.replay(tx, baseline.name, now - arguments.since))
    _say(simulate(runs, plan), len(runs), plan.escalation.rules)
    return 0


def _say(decisions: Iterable[Decision], runs: int, rules: Iterable[str]) -> None:
    sent, stopped = Counter[str](), Counter[str]()
    for one in decisions:
        why = f"not told ({one.suppressed}): " if one.suppressed else ""
        say(f"{clock.stamp(one.at)[:16]}Z  {why}{one.kind} {one.severity}: {one.summary}")
        (stopped if one.suppressed else sent)[one.key.rule] += 1
    say(f"{plural(runs, 'run')} replayed")
    for rule in rules:
        say(f"  {rule}: {plural(sent[rule], 'message')}, {stopped[rule]} stopped")
