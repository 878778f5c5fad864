"""Look after messages and alerts: what has not arrived, who works on what, what would be told."""

from __future__ import annotations

import argparse

from pytest_ddd.cli.escalating import ack, close, outbox, retry, silence, simulate, trial

SUMMARY = "see to messages and alerts, and try channels and rules"

_VERBS = {
    "outbox": (outbox, "list messages that have not arrived, and alerts that are open"),
    "retry": (retry, "send messages again that did not arrive"),
    "ack": (ack, "say that you work on an alert, or that you have seen a dead message"),
    "close": (close, "end an alert that nobody looks at any more"),
    "silence": (silence, "stop messages about some alerts for a time"),
    "test": (trial, "send a test message through a channel, and close it again"),
    "simulate": (simulate, "tell what rules would have sent, had they been in force"),
}


def configure(parser: argparse.ArgumentParser) -> None:
    """Add what the verb takes."""
    verbs = parser.add_subparsers(dest="escalation_verb", metavar="VERB", required=True)
    for name, (module, summary) in _VERBS.items():
        module.configure(verbs.add_parser(name, help=summary, description=module.__doc__))


def run(arguments: argparse.Namespace) -> int:
    """Do it."""
    status: int = _VERBS[arguments.escalation_verb][0].run(arguments)
    return status
