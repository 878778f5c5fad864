"""Show what actions have changed, and take it back."""

from __future__ import annotations

import argparse
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_ddd import login
from pytest_ddd.cli import deeds
from pytest_ddd.cli.baselines_place import add_baselines
from pytest_ddd.cli.printing import complain, say
from pytest_ddd.errors import DddError, RecordError, UsageError
from pytest_ddd.units import plural

if TYPE_CHECKING:
    from pytest_ddd.actions.carrying_out import Hand
    from pytest_ddd.actions.journal import Deed
    from pytest_ddd.probes.scope import Scope

SUMMARY = "show what actions have changed, and take it back"
EXIT_FAILED = 1


def configure(parser: argparse.ArgumentParser) -> None:
    """Add what the verb takes."""
    verbs = parser.add_subparsers(dest="what", metavar="WHAT", required=True)
    shown = verbs.add_parser("list", help="show what is in force, and what was left open")
    undo = verbs.add_parser("undo", help="take back what is in force, newest first")
    shown.add_argument("--host", metavar="ENV", default="", help="only this environment")
    undo.add_argument("--host", metavar="ENV", required=True, help="in which environment")
    undo.add_argument(
        "--kind",
        metavar="KIND",
        default="",
        help="only this kind of action; `patches` and `rollback` are never taken back without",
    )
    undo.add_argument(
        "--target", metavar="HOST", default="", help="only what was done on this host"
    )
    add_baselines(undo)


def run(arguments: argparse.Namespace) -> int:
    """Show or take back.

    Raises:
        UsageError: there is no such environment, or its baseline has mistakes.
        RecordError: the journal cannot be read or written.
    """
    if arguments.what == "list":
        return deeds.told(arguments.host)
    hand = _hand()
    there = deeds.last(hand.journal.deeds(), arguments.host)
    wanted = [deed for deed in there if _is_wanted(deed, arguments.kind, arguments.target)]
    with (
        hand.journal.lock(f"run-{arguments.host}"),
        _scope(arguments.baselines, arguments.host) as scope,
    ):
        failed = _undo(hand, wanted, scope)
    for deed in there:
        if deed.is_open and deed not in wanted:
            complain(f"! left open: {deed.words}")
    return failed


def _is_wanted(deed: Deed, kind: str, target: str) -> bool:
    from pytest_ddd.actions.catalogue import LASTING

    is_kind = deed.subject.kind == kind if kind else deed.subject.kind not in LASTING
    return is_kind and target in ("", deed.subject.target)


def _undo(hand: Hand, wanted: list[Deed], scope: Scope) -> int:
    from pytest_ddd.actions.catalogue import action_on

    failed = 0
    for deed in reversed(wanted):
        try:
            problems = [str(one) for one in hand.take_back(deed, action_on(deed.subject, scope))]
        except RecordError:
            raise
        except DddError as failure:
            problems = [str(failure)]
        if problems:
            failed += 1
            complain(f"✗ not taken back: {deed.subject}: {'; '.join(problems)}")
        else:
            say(f"✓ taken back: {deed.subject}")
    if not wanted:
        say(f"nothing to take back in {scope.baseline.name}")
    elif failed:
        complain(f"{plural(failed, 'action')} of {len(wanted)} could not be taken back")
    return EXIT_FAILED if failed else 0


@contextmanager
def _scope(root: Path, name: str) -> Iterator[Scope]:
    """Open the way to all hosts of an environment."""
    from pytest_ddd import clock
    from pytest_ddd.baseline import inventory, nights, secrets
    from pytest_ddd.connections import Connections, declared
    from pytest_ddd.probes.scope import Scope

    selection = inventory.select(root, [name])
    baseline = selection.baseline
    if baseline.name != name:
        raise UsageError(f"--host={name}: name the environment: --host={baseline.name}")
    now = clock.now()
    connections = Connections(declared.specs_of(baseline.hosts, secrets.text_of))
    try:
        yield Scope(
            baseline=baseline,
            hosts=selection.hosts,
            whole=True,
            connections=connections,
            profile=nights.profile(baseline.environment, now),
            since=nights.last_night(baseline.environment, now),
            started_at=now,
        )
    finally:
        connections.close()


def _hand() -> Hand:
    from pytest_ddd.actions.carrying_out import Hand
    from pytest_ddd.actions.journal import Journal

    return Hand(journal=Journal(Path.cwd()), run_id=uuid.uuid4().hex, operator=login.name())
