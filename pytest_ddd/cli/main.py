"""Start the command `pytest-ddd`: find the verb, run it, turn mistakes into messages."""

from __future__ import annotations

import argparse
import difflib
import os
import re
import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import NoReturn, Protocol

from pytest_ddd.cli import completing
from pytest_ddd.cli.commands import (
    action,
    capture,
    escalation,
    evidence,
    history,
    init,
    inventory,
    objectives,
    schedule,
    validate,
    waiver,
)
from pytest_ddd.cli.printing import complain, prepare
from pytest_ddd.errors import DddError, RecordError, UsageError

EXIT_FAILED = 1
EXIT_USAGE = 4
EXIT_RECORD = 76
EXIT_INTERRUPTED = 130

_NO_CHOICE = re.compile(
    r"argument (?P<verb>[A-Z]+)?.*: invalid choice: '(?P<typed>.*)' \(choose from (?P<known>.+)\)"
)
"""What argparse says of a word that is none of a few."""


class Verb(Protocol):
    """A module of `pytest_ddd.cli.commands`."""

    SUMMARY: str
    """One line for `pytest-ddd --help`."""

    def configure(self, parser: argparse.ArgumentParser) -> None:
        """Add what the verb takes."""

    def run(self, arguments: argparse.Namespace) -> int:
        """Do it, and return the exit status."""


VERBS: dict[str, Verb] = {
    "init": init,
    "validate": validate,
    "inventory": inventory,
    "capture": capture,
    "history": history,
    "objectives": objectives,
    "waiver": waiver,
    "escalation": escalation,
    "evidence": evidence,
    "schedule": schedule,
    "action": action,
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb and return the exit status; a user's mistake is 4, without a traceback."""
    prepare()
    if sys.platform != "linux":
        return _complain(UsageError(f"pytest-ddd runs on Linux only, not on {sys.platform}"))
    parser = _parser()
    if "_ARGCOMPLETE" in os.environ:  # a shell asks what may follow
        completing.answer(parser)
    arguments = parser.parse_args(argv)
    try:
        status = VERBS[arguments.verb].run(arguments)
        sys.stdout.flush()
    except DddError as mistake:
        return _complain(mistake)
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except BrokenPipeError:  # the reader, `head` say, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_FAILED
    return status


class _Parser(argparse.ArgumentParser):
    """argparse's parser, with our exit status for what the user mistyped."""

    def error(self, message: str) -> NoReturn:
        hint = f"{self.prog} --help"
        if found := _NO_CHOICE.search(message):
            known = re.findall(r"[\w-]+", found["known"])
            near = difflib.get_close_matches(found["typed"], known, n=1)
            message = f"there is no {found['typed']!r}; there is: {', '.join(known)}"
            hint = f"{self.prog} {near[0]}" if near and found["verb"] else hint
        self.exit(EXIT_USAGE, f"{self.prog}: {message}\n  hint: {hint}\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="pytest-ddd",
        description="Prepare and look after a site of maintenance checks. "
        "The checks themselves run with pytest: pytest -m daily --host=prod",
    )
    parser.add_argument("--version", action="version", version=f"pytest-ddd {_version()}")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    for name, verb in VERBS.items():
        verb.configure(verbs.add_parser(name, help=verb.SUMMARY, description=verb.__doc__))
    return parser


def _version() -> str:
    try:
        return version("pytest-ddd")
    except PackageNotFoundError:
        return "(not installed)"


def _complain(mistake: DddError) -> int:
    complain(f"pytest-ddd: {mistake}")
    if isinstance(mistake, RecordError):
        return EXIT_RECORD
    return EXIT_USAGE if isinstance(mistake, UsageError) else EXIT_FAILED
