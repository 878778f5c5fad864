"""Write schedules for those that keep time, and look after the runs that they ask for."""

from __future__ import annotations

import argparse

from pytest_ddd.cli.scheduling import due, excuse, tick, write
from pytest_ddd.cli.scheduling import run as running

SUMMARY = "write schedules, and find missed runs"

_VERBS = {
    "write": (write, "write the schedules for systemd, cron, Kubernetes or GitHub Actions"),
    "due": (due, "tell what was due, what became of it, and what is next"),
    "run": (running, "run a routine if it is due now; this is what timers call"),
    "excuse": (excuse, "say that a run need not have happened, and why"),
    "tick": (tick, "look after runs and messages; call it every minute"),
}


def configure(parser: argparse.ArgumentParser) -> None:
    """Add what the verb takes."""
    verbs = parser.add_subparsers(dest="schedule_verb", metavar="VERB", required=True)
    for name, (module, summary) in _VERBS.items():
        module.configure(verbs.add_parser(name, help=summary, description=module.__doc__))


def run(arguments: argparse.Namespace) -> int:
    """Do it."""
    status: int = _VERBS[arguments.schedule_verb][0].run(arguments)
    return status
