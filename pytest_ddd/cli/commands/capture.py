"""Write what is on hosts into their baseline, so that a run right afterwards is green.

--discover finds what is there; KIND:NAME names single things. New files are written at once, an
existing file only with --write; what would change is shown as a diff either way. Entries that hold
already are left alone, and nothing is ever removed.
"""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pytest_ddd.baseline.tree import some
from pytest_ddd.cli.baselines_place import add_baselines
from pytest_ddd.cli.printing import complain
from pytest_ddd.units import plural

if TYPE_CHECKING:
    from pytest_ddd.cli.capturing.files import Draft
    from pytest_ddd.cli.capturing.looking import Catch

SUMMARY = "write what is on hosts into their baseline"
EXIT_FAILED = 1


def configure(parser: argparse.ArgumentParser) -> None:
    """Add what the verb takes."""
    parser.add_argument(
        "things",
        nargs="*",
        metavar="THING",
        help="services:nginx, files:/etc/hosts, …; with --discover also a kind: services",
    )
    parser.add_argument(
        "--host",
        action="append",
        default=[],
        metavar="NAME",
        help="environment, group, host or pattern, as for pytest (default: local)",
    )
    parser.add_argument("--discover", action="store_true", help="find what is there")
    parser.add_argument("--write", action="store_true", help="change files that are there already")
    add_baselines(parser)


def run(arguments: argparse.Namespace) -> int:
    """Look at the hosts, and show or write what a baseline would say of them.

    Raises:
        UsageError: a name means nothing, or a file cannot be changed.
    """
    from pytest_ddd.cli.capturing.session import Capture
    from pytest_ddd.cli.capturing.wanted import read_wanted

    wanted = read_wanted(arguments.things, discover=arguments.discover)
    with Capture(arguments.baselines, arguments.host) as capture:
        unreached = capture.reach()
        for line in unreached:
            complain(f"✗ {line}")
        if not capture.hosts:
            return EXIT_FAILED
        catch = capture.look(wanted)
        changes = capture.draft(catch, by=_typed(arguments))
    _tell(catch)
    waiting = _put(changes, may_change=arguments.write)
    _say_what_is_next(changes, waiting, arguments.host)
    return EXIT_FAILED if unreached else 0


def _typed(arguments: argparse.Namespace) -> str:
    hosts = [word for host in arguments.host for word in ("--host", host)]
    discover = ["--discover"] if arguments.discover else []
    return shlex.join(["pytest-ddd", "capture", *hosts, *discover, *arguments.things])


def _tell(catch: Catch) -> None:
    alike: dict[tuple[str, str, str], list[str]] = {}
    for one in catch.left_out:
        alike.setdefault((one.name, one.why, one.hint), []).append(one.host)
    for (name, why, hint), hosts in alike.items():
        complain(f"! {some(hosts)}: {name} left out: {why}")
        if hint:
            complain(f"  hint: {hint}")
    right = len(catch.right)
    hold = f"; {plural(right, 'thing')} as the baseline says already" if right else ""
    complain(f"{plural(len(catch.statements), 'thing')} captured{hold}")


def _put(changes: Sequence[Draft], *, may_change: bool) -> list[Draft]:
    """Show every change, write what may be written, and return the others."""
    from pytest_ddd.cli.capturing.files import write

    waiting = []
    for draft in changes:
        sys.stdout.write(draft.diff)
        if draft.before is None or may_change:
            write(draft)
        else:
            waiting.append(draft)
    return waiting


def _say_what_is_next(changes: Sequence[Draft], waiting: Sequence[Draft], host: list[str]) -> None:
    for draft in changes:
        done = "not written" if draft in waiting else "wrote" if draft.before is None else "changed"
        complain(f"{done}: {draft.path}")
    if waiting:
        complain("Write it too: the same command with --write")
    elif changes:
        hosts = "".join(f" --host={shlex.quote(name)}" for name in host)
        complain(f"Look at it: pytest -m daily{hosts}")
    else:
        complain("Nothing to change")
