"""Read baselines and say what was found in each environment, or all that is wrong."""

from __future__ import annotations

import argparse
import json
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_ddd.baseline.tree import some
from pytest_ddd.cli import completing
from pytest_ddd.cli.baselines_place import add_baselines
from pytest_ddd.cli.printing import say
from pytest_ddd.errors import BaselineError
from pytest_ddd.units import plural

if TYPE_CHECKING:
    from pytest_ddd.baseline.model import Baseline

SUMMARY = "check baseline files"
SHOWN_NAMES = 8


def configure(parser: argparse.ArgumentParser) -> None:
    """Add what the verb takes."""
    named = parser.add_argument(
        "environments", nargs="*", metavar="ENV", help="environments to check (default: all)"
    )
    named.completer = completing.environments  # type: ignore[attr-defined]  # argcomplete's way
    add_baselines(parser)
    parser.add_argument(
        "--schema", action="store_true", help="print the JSON Schema of a baseline file, and stop"
    )


def run(arguments: argparse.Namespace) -> int:
    """Check environments.

    Raises:
        UnknownTargetError: there is no such environment or directory.
        BaselineError: mistakes in the files, all of them.
        UsageError: the holidays of an environment are not known.
    """
    if arguments.schema:
        from pytest_ddd.baseline.schema import baseline_schema

        say(json.dumps(baseline_schema(), indent=2))
        return 0
    root: Path = arguments.baselines
    mistakes: dict[str, None] = {}
    for name, bases, is_base in _plan(root, arguments.environments):
        if is_base:
            say(f"· {name}: a base only, checked with those that extend it")
            continue
        try:
            for line in _summary(name, bases, root):
                say(line)
        except BaselineError as found:
            say(f"✗ {name}: {plural(len(found.mistakes), 'mistake')}")
            mistakes |= dict.fromkeys(found.mistakes)
    if mistakes:
        again = " ".join(["pytest-ddd validate", *arguments.environments])
        raise BaselineError(list(mistakes), hint=f"change these lines, then: {again}")
    return 0


def _plan(root: Path, wanted: list[str]) -> list[tuple[str, list[str], bool]]:
    """Return each environment with what it extends, and whether others check it by the way."""
    from pytest_ddd.baseline.inventory import find_environments
    from pytest_ddd.baseline.layers import read_layers
    from pytest_ddd.baseline.tree import Mistakes
    from pytest_ddd.errors import UnknownTargetError

    names = wanted or find_environments(root)
    if not names:
        raise UnknownTargetError(f"no environments in {root}", hint="make one: pytest-ddd init")
    chains = {name: read_layers(root, name, Mistakes()) for name in names}
    extended = {base.name for chain in chains.values() for base in chain[:-1]}
    with_hosts = {
        name for name, chain in chains.items() if any("hosts" in each.sections for each in chain)
    }
    return [
        (name, [base.name for base in chain[:-1]], name in extended and name not in with_hosts)
        for name, chain in chains.items()
    ]


def _summary(name: str, bases: list[str], root: Path) -> Iterator[str]:
    """Yield the lines that say what one environment holds."""
    from pytest_ddd.baseline.loader import load_baseline
    from pytest_ddd.scenarios.schedule import schedules

    baseline = load_baseline(root, name)
    schedules(baseline)  # refuses holidays that nobody knows
    more = f", extends {', '.join(bases)}" if bases else ""
    yield f"✓ {name}: {plural(len(baseline.files), 'file')}{more}"
    if not baseline.hosts:
        yield "  no hosts: it can only serve as a base for `extends`"
    yield f"  {'hosts':<15}{len(baseline.hosts):>5}  {_some(baseline.hosts)}"
    groups = [f"{group} ({len(hosts)})" for group, hosts in baseline.groups.items()]
    yield f"  {'groups':<15}{len(groups):>5}  {_some(groups)}"
    for section, keys in _entries(baseline).items():
        yield f"  {section:<15}{len(keys):>5}  {_some(keys)}"
    for unused in baseline.unused:
        where = unused.origin("applies_to")
        yield f"  ! {unused.section} {unused.key} applies to no host ({where})"


def _entries(baseline: Baseline) -> dict[str, list[str]]:
    """Return the names of all entries by section."""
    found: dict[str, dict[str, None]] = {}
    seen: set[int] = set()
    for sections in (baseline.for_environment, *baseline.for_host.values()):
        if id(sections) in seen:  # hosts that are alike share them
            continue
        seen.add(id(sections))
        for section, declarations in sections.items():
            found.setdefault(section, {}).update(dict.fromkeys(each.key for each in declarations))
    if baseline.waivers:
        found["waivers"] = dict.fromkeys(baseline.waivers)
    if baseline.scenarios:
        found["scenarios"] = dict.fromkeys(baseline.scenarios)
    if baseline.escalation.rules:
        found["escalation"] = dict.fromkeys(baseline.escalation.rules)
    return {section: list(keys) for section, keys in found.items() if keys}


def _some(names: Collection[str]) -> str:
    return some(names, SHOWN_NAMES)
