"""What every sub-verb asks for: the environment, its baseline, its history."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_ddd.cli.baselines_place import add_baselines
from pytest_ddd.cli.history_place import history_url
from pytest_ddd.errors import UsageError

if TYPE_CHECKING:
    from pytest_ddd.baseline.model import Baseline
    from pytest_ddd.history.store import Store
    from pytest_ddd.scenarios.schedule import Schedule

DEFAULT_ENVIRONMENT = "local"


def add_environment(parser: argparse.ArgumentParser) -> None:
    """Add what says where the baseline is."""
    parser.add_argument(
        "--host",
        default=os.environ.get("DDD_HOST", DEFAULT_ENVIRONMENT),
        metavar="ENV",
        help=f"the environment (default: {DEFAULT_ENVIRONMENT})",
    )
    add_baselines(parser)


def load(arguments: argparse.Namespace) -> tuple[Baseline, tuple[Schedule, ...]]:
    """Return the baseline of an environment, and when its routines are due.

    Raises:
        UsageError: there is no such environment, or it says of no routine when it is due.
    """
    from pytest_ddd.baseline.loader import load_baseline
    from pytest_ddd.scenarios.schedule import schedules

    baseline = load_baseline(arguments.baselines, arguments.host)
    found = schedules(baseline)
    if not found:
        raise UsageError(
            f"{arguments.host}: no routine is due at any time",
            hint=f"write to {arguments.baselines}/{arguments.host}/scenarios.yaml: "
            'scenarios: {morning-health-check: {due: {at: "07:30", days: business}}}',
        )
    return baseline, found


def of_scenario(found: tuple[Schedule, ...], scenario: str) -> Schedule:
    """Return when one routine is due.

    Raises:
        UsageError: the baseline does not say.
    """
    for schedule in found:
        if schedule.scenario == scenario:
            return schedule
    known = ", ".join(each.scenario for each in found)
    raise UsageError(
        f"the baseline does not say when {scenario} is due",
        hint=f"give scenarios.{scenario} a `due:`, or choose one of: {known}",
    )


def open_store(arguments: argparse.Namespace) -> Store | None:
    """Return the history of this site, a new one if there is none; None when it is off."""
    from pytest_ddd.history.places import default_url
    from pytest_ddd.history.store import Store

    root = Path.cwd()
    url = history_url(arguments, root)
    return None if url == "off" else Store.open(url or default_url(root), root)
