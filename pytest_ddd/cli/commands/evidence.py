"""Verify, seal, show and look after the evidence that runs have left."""

from __future__ import annotations

import argparse
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_ddd import clock
from pytest_ddd.cli.history_place import add_history, has_history, open_history
from pytest_ddd.cli.printing import say
from pytest_ddd.errors import RecordError, UsageError
from pytest_ddd.plain import visible

if TYPE_CHECKING:
    from pytest_ddd.evidence.period import Expected

SUMMARY = "verify, seal, show and prune evidence"

_DIRECTORY = Path("evidence")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the verbs that evidence takes."""
    verbs = parser.add_subparsers(dest="evidence_verb", metavar="VERB", required=True)
    _configure_verify(verbs.add_parser("verify", help="say whether a package is as it was sealed"))
    _configure_seal(verbs.add_parser("seal", help="close a run that was killed, or sign later"))
    _configure_show(verbs.add_parser("show", help="list all runs, or tell of one package"))
    _configure_period(verbs.add_parser("period", help="list expected, run and missed occurrences"))
    _configure_prune(verbs.add_parser("prune", help="delete packages that nothing keeps"))


def run(arguments: argparse.Namespace) -> int:
    """Do what was asked.

    Raises:
        UsageError: what was typed cannot be used.
        RecordError: something cannot be read or written.
    """
    status: int = arguments.evidence_run(arguments)
    return status


def _configure_verify(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(evidence_run=_verify)
    parser.add_argument(
        "package",
        type=Path,
        metavar="PACKAGE",
        help="its directory or ZIP file, or a compliance log: evidence/compliance.jsonl",
    )
    parser.add_argument(
        "--allowed-signers",
        type=Path,
        metavar="FILE",
        help="the keys that you trust, as ssh-keygen's ALLOWED SIGNERS; never from the package",
    )
    parser.add_argument(
        "--identity", default="", metavar="NAME", help="only this one of the trusted names"
    )
    parser.add_argument(
        "--ledger", type=Path, metavar="FILE", help="also ask whether this ledger names the package"
    )
    parser.add_argument("--json", action="store_true", help="for programs")


def _verify(arguments: argparse.Namespace) -> int:
    from pytest_ddd.evidence import showing
    from pytest_ddd.evidence.compliance import FILE_NAME
    from pytest_ddd.evidence.log_verification import verify_log
    from pytest_ddd.evidence.sources import open_package
    from pytest_ddd.evidence.verification import Verification, verify
    from pytest_ddd.signatures import Trust

    trust = None
    signers: Path | None = arguments.allowed_signers
    if signers is not None:
        if not signers.is_file():
            raise UsageError(f"--allowed-signers: no file {signers}", hint="man ssh-keygen")
        trust = Trust(allowed_signers=signers, identity=arguments.identity)
    elif arguments.identity:
        raise UsageError("--identity needs --allowed-signers FILE", hint="man ssh-keygen")
    try:
        if arguments.package.name == FILE_NAME:
            found = verify_log(arguments.package, trust, arguments.ledger)
        else:
            with closing(open_package(arguments.package)) as source:
                found = verify(source, trust, arguments.ledger)
    except RecordError as error:
        found = Verification(problems=[str(error)])
    told = [showing.as_json(found)] if arguments.json else showing.of_verification(found)
    for line in told:
        say(visible(line))
    return found.status


def _configure_seal(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(evidence_run=_seal)
    parser.add_argument("directory", type=Path, metavar="DIR", help="the directory of one run")
    parser.add_argument("--sign", type=Path, metavar="KEY", help="sign it with this SSH key")


def _seal(arguments: argparse.Namespace) -> int:
    from pytest_ddd.evidence.recovery import reseal
    from pytest_ddd.signatures import fingerprint

    if arguments.sign is not None:
        fingerprint(arguments.sign, "--sign")
    sealed = reseal(arguments.directory, arguments.sign)
    for reason in sealed.manifest.incomplete:
        say(f"incomplete: {reason}")
    say(f"sealed{' and signed' if sealed.signed else ', not signed'}: {sealed.archive}")
    return 0


def _configure_show(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(evidence_run=_show)
    parser.add_argument(
        "package", type=Path, nargs="?", metavar="PACKAGE", help="its directory or ZIP file"
    )
    _add_directory(parser)


def _show(arguments: argparse.Namespace) -> int:
    from pytest_ddd.evidence import showing
    from pytest_ddd.evidence.files import LEDGER
    from pytest_ddd.evidence.ledger import read_ledger
    from pytest_ddd.evidence.sources import open_package

    if arguments.package is None:
        root: Path = arguments.directory
        lines = list(showing.of_ledger(read_ledger(root / LEDGER), root))
    else:
        with closing(open_package(arguments.package)) as source:
            lines = list(showing.of_package(source))
    for line in lines:
        say(visible(line))
    return 0


def _configure_period(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(evidence_run=_period)
    parser.add_argument("--from", dest="since", type=_day, required=True, metavar="DAY")
    parser.add_argument("--to", dest="until", type=_day, required=True, metavar="DAY")
    parser.add_argument("--scenario", default="", metavar="NAME", help="only this routine")
    parser.add_argument(
        "--expected",
        type=Path,
        metavar="FILE",
        help="what was due, as JSON lines: scenario, environment, due_at, until "
        "(default: what the history remembers of the schedules)",
    )
    add_history(parser)
    _add_directory(parser)


def _period(arguments: argparse.Namespace) -> int:
    from pytest_ddd.evidence.files import LEDGER
    from pytest_ddd.evidence.ledger import read_ledger
    from pytest_ddd.evidence.period import period, read_expected, told

    if arguments.since >= arguments.until:
        raise UsageError("--from is not before --to", hint="--from 2026-01-01 --to 2027-01-01")
    expected = read_expected(arguments.expected) if arguments.expected else _due(arguments)
    ledger = read_ledger(arguments.directory / LEDGER)
    found = period(ledger, expected, arguments.since, arguments.until, scenario=arguments.scenario)
    for line in told(found):
        say(visible(line))
    return found.status


def _due(arguments: argparse.Namespace) -> tuple[Expected, ...] | None:
    """Return what the schedules asked for; None without a history that would know."""
    from pytest_ddd.evidence.period import Expected
    from pytest_ddd.history.occurrences import between
    from pytest_ddd.occurrences import Happened

    if not has_history(arguments):
        return None
    with open_history(arguments) as store, store.reading() as tx:
        found = between(tx, arguments.since, arguments.until, scenario=arguments.scenario)
    now = clock.now()
    return tuple(
        Expected(
            scenario=one.scenario,
            environment=one.environment,
            due_at=one.due_at,
            until=one.due_at + timedelta(seconds=one.grace_s),
        )
        for one in found
        if one.happened(now) not in (Happened.AHEAD, Happened.EXCUSED)
    )


def _configure_prune(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(evidence_run=_prune)
    parser.add_argument(
        "--keep",
        action="append",
        required=True,
        metavar="[NAME=]DURATION",
        help="how long packages are kept, or those of one routine or environment: 400d, "
        "prod=2555d; the longest that applies wins",
    )
    parser.add_argument("--apply", action="store_true", help="delete; without it only say what")
    _add_directory(parser)


def _prune(arguments: argparse.Namespace) -> int:
    from pytest_ddd.evidence import pruning

    rules = [pruning.parse_rule(text) for text in arguments.keep]
    plan = pruning.plan(arguments.directory, rules)
    for line in pruning.told(plan):
        say(visible(line))
    if arguments.apply:
        for candidate in plan.due:
            pruning.delete(arguments.directory, candidate)
            say(f"deleted {candidate.entry.name}")
    elif plan.due:
        say("nothing is deleted without --apply")
    return 0


def _add_directory(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--evidence",
        dest="directory",
        type=Path,
        default=_DIRECTORY,
        metavar="DIR",
        help="where packages and ledger are (default: evidence)",
    )


def _day(text: str) -> datetime:
    """Read a day or a moment; without a zone it is UTC."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no day: write 2026-11-23") from None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
