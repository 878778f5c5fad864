"""Look at remembered runs, take runs out and in, and delete old results."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_ddd import clock
from pytest_ddd.cli import deeds
from pytest_ddd.cli.history_place import add_history, open_history
from pytest_ddd.cli.printing import complain, say
from pytest_ddd.errors import RecordError, UsageError
from pytest_ddd.units import format_duration, parse_duration, plural

if TYPE_CHECKING:
    from pytest_ddd.history.store import Store
    from pytest_ddd.occurrences import Run

SUMMARY = "look at remembered runs"

_ID_LENGTH = 8
"""Digits of a run's id that are shown; as many as the names of evidence have."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add what the verb takes."""
    verbs = parser.add_subparsers(dest="history_verb", metavar="VERB", required=True)
    for name, (act, add, summary) in _VERBS.items():
        sub = verbs.add_parser(name, help=summary, description=act.__doc__)
        add_history(sub)
        add(sub)
    actions = verbs.add_parser("actions", help="what actions have changed, and left open")
    actions.add_argument("--host", metavar="ENV", default="", help="only this environment")


def run(arguments: argparse.Namespace) -> int:
    """Do it.

    Raises:
        UsageError: no such history, run or file.
        RecordError: the history cannot be read or written.
    """
    if arguments.history_verb == "actions":
        return deeds.told(arguments.host)
    act = _VERBS[arguments.history_verb][0]
    with open_history(arguments) as store:
        return act(store, arguments)


def _add_list(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", default="", metavar="ENV", help="only this environment")
    parser.add_argument("--scenario", default="", metavar="NAME", help="only this scenario")
    parser.add_argument("--limit", type=int, default=20, metavar="N", help="so many (default: 20)")


def _list(store: Store, arguments: argparse.Namespace) -> int:
    """List the last runs, newest first."""
    from pytest_ddd.history import telling

    with store.reading() as tx:
        found = telling.listed(
            tx,
            environment=arguments.host,
            scenario=arguments.scenario,
            limit=max(arguments.limit, 1),
        )
    for one in found:
        say(_line(one))
    if not found:
        say("no runs")
    return 0


def _add_show(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN", help="the id of a run, or how it begins")


def _show(store: Store, arguments: argparse.Namespace) -> int:
    """Show one run: its results, bad ones with their reasons."""
    from pytest_ddd.history import telling
    from pytest_ddd.outcomes import Outcome

    with store.reading() as tx:
        for one in _found(telling.find(tx, arguments.run), arguments.run):
            say(_line(one))
            say(f"  by {one.operator or 'unknown'} on {one.controller or 'unknown'}, {_when(one)}")
            for record in telling.records(tx, one):
                outcome = Outcome(str(record["outcome"]))
                name = " ".join(filter(None, (str(record["target"]), str(record["entry"]))))
                reason = str(record["reason"]).partition("\n")[0]
                say(f"  {outcome.symbol} {outcome.word:<14} {record['check_id']} {name} {reason}")
    return 0


def _add_prune(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--keep", default="400d", metavar="DURATION", help="keep this long (default: 400d)"
    )
    parser.add_argument("--yes", action="store_true", help="delete; without it only say what")


def _prune(store: Store, arguments: argparse.Namespace) -> int:
    """Delete results and readings of old runs; the runs and their counts stay."""
    from pytest_ddd.history import telling

    try:
        before = clock.now() - timedelta(seconds=parse_duration(arguments.keep))
    except (ValueError, OverflowError) as mistake:
        raise UsageError(f"--keep: {mistake}", hint="--keep 400d") from None
    if not arguments.yes:
        with store.reading() as tx:
            results, runs = telling.prunable(tx, before)
        say(f"would delete {plural(results, 'result')} of {plural(runs, 'run')}; do it: --yes")
        return 0
    with store.transaction() as tx:
        results, runs = telling.prunable(tx, before)
        telling.prune(tx, before)
    say(f"deleted {plural(results, 'result')} of {plural(runs, 'run')}")
    return 0


def _add_import(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "files",
        nargs="+",
        type=Path,
        metavar="FILE",
        help="results.jsonl of evidence, or what `history export` wrote",
    )


def _import(store: Store, arguments: argparse.Namespace) -> int:
    """Import records; what is there already is passed over, and nothing raises an alert."""
    from pytest_ddd.history.importing import Import

    damaged = False
    for path in arguments.files:
        imported = Import(store, evaluated=True).read(path)
        known = f", {imported.known:,} known already" if imported.known else ""
        say(
            f"{path}: {plural(imported.results, 'result')} of "
            f"{plural(imported.runs, 'new run')}{known}"
        )
        for sentence in imported.damage:
            complain(f"pytest-ddd: {sentence}")
        damaged = damaged or bool(imported.damage)
    return 1 if damaged else 0


def _add_export(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("runs", nargs="*", metavar="RUN", help="ids of runs (default: all)")
    parser.add_argument(
        "--output", type=Path, metavar="FILE", help="a new file (default: the terminal)"
    )


def _export(store: Store, arguments: argparse.Namespace) -> int:
    """Write runs as JSON Lines, which `history import` reads."""
    from pytest_ddd.history import telling

    with store.reading() as tx:
        if arguments.runs:
            chosen = [
                one for name in arguments.runs for one in _found(telling.find(tx, name), name)
            ]
        else:
            chosen = list(reversed(telling.listed(tx, limit=sys.maxsize)))
        if arguments.output is None:
            for one in chosen:
                telling.export(tx, one, sys.stdout)
            return 0
        try:
            with arguments.output.open("x", encoding="utf-8") as file:
                for one in chosen:
                    telling.export(tx, one, file)
        except OSError as error:
            raise RecordError(
                f"{arguments.output}: cannot be written: {error.strerror}",
                hint="name a file that does not exist yet: --output FILE",
            ) from error
    return 0


def _found(runs: tuple[Run, ...], name: str) -> tuple[Run, ...]:
    if not runs:
        raise UsageError(f"no run {name!r}", hint="pytest-ddd history list")
    if len({one.run_id for one in runs}) > 1:
        listed = ", ".join(sorted({one.run_id for one in runs})[:5])
        raise UsageError(f"several runs begin with {name!r}: {listed}", hint="write more of it")
    return runs


def _line(one: Run) -> str:
    """Return `7f3c9a12  2026-11-23 07:30  prod  morning-health-check  scheduled  ✗ RED …`."""
    when = one.started_at.strftime("%Y-%m-%d %H:%M")
    how = f"{one.outcome.symbol} {one.outcome.word}" if one.outcome else one.state.value
    counts = ", ".join(f"{count} {outcome}" for outcome, count in sorted(one.counts.items()))
    return (
        f"{one.run_id[:_ID_LENGTH]}  {when}  {one.environment}  {one.scenario}  "
        f"{one.kind}  {how}  {counts}"
    ).rstrip()


def _when(one: Run) -> str:
    used = f" in {format_duration(one.used_s)}" if one.used_s is not None else ""
    due = f", due {one.due_at.strftime('%Y-%m-%d %H:%M UTC')}" if one.due_at else ""
    return f"{one.state.value}{used}{due}"


_VERBS: dict[
    str,
    tuple[
        Callable[[Store, argparse.Namespace], int],
        Callable[[argparse.ArgumentParser], None],
        str,
    ],
] = {
    "list": (_list, _add_list, "list the last runs"),
    "show": (_show, _add_show, "show one run"),
    "prune": (_prune, _add_prune, "delete old results"),
    "import": (_import, _add_import, "import records"),
    "export": (_export, _add_export, "write runs as JSON Lines"),
}
