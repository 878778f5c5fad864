"""Say how the objectives stand: k of n occurrences, the budget left, and how sure that is."""

from __future__ import annotations

import argparse
import json
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_ddd import clock
from pytest_ddd.cli.history_place import add_history, open_history
from pytest_ddd.cli.printing import say

if TYPE_CHECKING:
    from pytest_ddd.occurrences import ObjectiveStanding

SUMMARY = "say how the objectives stand"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add what the verb takes."""
    add_history(parser)
    parser.add_argument(
        "--host", default="local", metavar="ENV", help="the environment (default: local)"
    )
    parser.add_argument("--json", action="store_true", help="write JSON")
    parser.add_argument(
        "--textfile",
        type=Path,
        metavar="FILE",
        help="also write metrics for node_exporter's textfile collector",
    )


def run(arguments: argparse.Namespace) -> int:
    """Say how they stand; 1 when one is missed.

    Raises:
        UsageError: there is no history.
        RecordError: the history cannot be read, or the metrics cannot be written.
    """
    from pytest_ddd.analysis.objective_table import LONGEST_DAYS, OBJECTIVES, READINGS
    from pytest_ddd.analysis.objectives import judge
    from pytest_ddd.evidence import objective_words
    from pytest_ddd.history import exposition, measures
    from pytest_ddd.occurrences import Standing

    now, environment = clock.now(), arguments.host
    since = now - timedelta(days=LONGEST_DAYS)
    with open_history(arguments) as store:
        with store.reading() as tx:
            gathered = measures.gather(tx, environment, since, now, READINGS)
        standings = [judge(one, environment, gathered, now) for one in OBJECTIVES]
        if arguments.textfile is not None:
            exposition.write(arguments.textfile, store, environment, standings)
    if arguments.json:
        say(json.dumps([_as_json(one) for one in standings], indent=2, ensure_ascii=False))
    else:
        for one in standings:
            say(objective_words.line(one))
    return 1 if any(one.standing is Standing.MISSED for one in standings) else 0


def _as_json(one: ObjectiveStanding) -> dict[str, object]:
    return {
        "name": one.name,
        "title": one.title,
        "environment": one.environment,
        "target": one.target,
        "window_days": one.window_days,
        "good": one.good,
        "bad": one.bad,
        "unmeasured": one.unmeasured,
        "excused": one.excused,
        "low": round(one.low, 6),
        "high": round(one.high, 6),
        "budget_left": one.budget_left,
        "standing": one.standing.value,
    }
