"""List hosts, groups, connections and the checks that each host would get.

--try connects to each host once, looks at all that its baseline declares, and says what could not
be looked at, and how to mend that. Nothing is changed anywhere.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from pytest_ddd.baseline.tree import some
from pytest_ddd.cli.baselines_place import add_baselines
from pytest_ddd.cli.printing import say
from pytest_ddd.units import plural

if TYPE_CHECKING:
    from pytest_ddd.baseline.inventory import Selection
    from pytest_ddd.cli.listing.collected import Checks
    from pytest_ddd.cli.listing.trying import Tried

SUMMARY = "list hosts and the checks that each would get"
EXIT_FAILED = 1
SHOWN_CHECKS = 4


def configure(parser: argparse.ArgumentParser) -> None:
    """Add what the verb takes."""
    parser.add_argument(
        "names",
        nargs="*",
        metavar="NAME",
        help="environment, group, host or pattern, as for --host (default: local)",
    )
    parser.add_argument(
        "--try", dest="tries", action="store_true", help="connect to each host once"
    )
    add_baselines(parser)


def run(arguments: argparse.Namespace) -> int:
    """List what is there, and try it if asked to.

    Raises:
        UsageError: a name means nothing, the baseline has mistakes, or the checks cannot be
            collected.
    """
    from pytest_ddd.baseline.inventory import select
    from pytest_ddd.cli.listing.collected import checks_of

    selection = select(arguments.baselines, arguments.names)
    checks = checks_of(arguments.baselines, arguments.names, selection.hosts)
    for line in _listed(selection, checks):
        say(line)
    if not arguments.tries:
        return 0
    say()
    return _try(selection)


def _listed(selection: Selection, checks: Checks) -> Iterator[str]:
    """Yield the lines that say who is who."""
    baseline = selection.baseline
    yield f"{baseline.name}: {plural(len(selection.hosts), 'host')} of {len(baseline.hosts)}"
    for name, members in baseline.groups.items():
        yield f"  group {name}: {some(members) or 'no hosts'}"
    names = max(len(host) for host in selection.hosts)
    for host in selection.hosts:
        about = baseline.hosts[host].model
        sudo = f" as {about.sudo_user or 'root'} by sudo" if about.sudo else ""
        groups = f", in {', '.join(about.groups)}" if about.groups else ""
        yield f"  {host:<{names}}  {about.connection}{sudo}{groups}"
        yield f"  {'':<{names}}  {_checks(checks.get(host, Counter()))}"
    if "" in checks:
        yield f"  {'':<{names}}  without a host: {_checks(checks[''])}"


def _checks(found: Counter[str]) -> str:
    if not found:
        return "no checks: nothing in the baseline applies to it"
    parts = [f"{name} {count}" for name, count in found.most_common()]
    return f"{plural(found.total(), 'check')}: {some(parts, SHOWN_CHECKS)}"


def _try(selection: Selection) -> int:
    """Say of each host what cannot be looked at."""
    from pytest_ddd import clock
    from pytest_ddd.baseline import nights, secrets
    from pytest_ddd.cli.listing.trying import try_hosts
    from pytest_ddd.connections import Connections, declared
    from pytest_ddd.probes.scope import Scope

    baseline, now = selection.baseline, clock.now()
    hosts = {name: baseline.hosts[name] for name in selection.hosts}
    connections = Connections(declared.specs_of(hosts, secrets.text_of))
    scope = Scope(
        baseline=baseline,
        hosts=selection.hosts,
        whole=selection.whole,
        connections=connections,
        profile=nights.profile(baseline.environment, now),
        since=nights.last_night(baseline.environment, now),
        started_at=now,
    )
    failed = False
    try:
        for tried in try_hosts(scope):
            failed = failed or bool(tried.obstacles)
            _tell(tried)
    finally:
        scope.databases.close()
        connections.close()
    return EXIT_FAILED if failed else 0


def _tell(tried: Tried) -> None:
    """Say how one host answered; what has one cause is told once."""
    account = f"as {tried.account}, " if tried.account else ""
    looked = f"{account}{plural(tried.looked_at, 'look')} at what is declared"
    if not tried.obstacles:
        say(f"✓ {tried.host}: {looked}")
        return
    say(f"✗ {tried.host}: {looked if tried.looked_at else 'cannot be looked at'}")
    causes: dict[tuple[str, str], list[str]] = {}
    for one in tried.obstacles:
        causes.setdefault((one.why, one.hint), []).append(one.what)
    for (why, hint), things in causes.items():
        say(f"    {some(things, SHOWN_CHECKS)}: {why}")
        if hint:
            say(f"      hint: {hint}")
