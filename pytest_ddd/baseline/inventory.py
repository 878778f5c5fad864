"""Find out which hosts of which environment `--host` means."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from pytest_ddd.baseline.catalogue import Catalogue, Inventory, split_name
from pytest_ddd.baseline.layers import environment_names, shown_path
from pytest_ddd.baseline.loader import load_baseline
from pytest_ddd.baseline.model import Baseline
from pytest_ddd.baseline.tree import shown, some, suggestion
from pytest_ddd.errors import UnknownTargetError, UsageError

DEFAULT_ENVIRONMENT = "local"
"""What runs when nobody says `--host`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What one run looks at.

    `whole` says that the environment itself was named, so that its entries without a host are
    looked at too.
    """

    environment: str
    hosts: tuple[str, ...]
    whole: bool
    baseline: Baseline


def find_environments(root: Path) -> list[str]:
    """Return the names of all environments, those that only serve as a base too.

    Raises:
        UnknownTargetError: there is no such directory.
    """
    return environment_names(root)


def select(root: Path, names: Sequence[str]) -> Selection:
    """Return what `--host` means.

    Args:
        root: the directory of environments.
        names: the values of `--host`; each may hold several names, separated by commas.
            Nothing means the environment `local`.

    Raises:
        UnknownTargetError: a name means nothing, or nothing is left.
        UsageError: names mean more than one environment.
        BaselineError: mistakes in the files.
    """
    wanted, unwanted = _terms(names)
    catalogue = Catalogue(root)
    if not names and DEFAULT_ENVIRONMENT not in catalogue.environments:
        raise UnknownTargetError(
            f"no --host is given, and there is no environment {DEFAULT_ENVIRONMENT!r}",
            hint=f"say where to look: --host={some(catalogue.environments) or 'NAME'}",
        )
    environment, visitors = _environment(catalogue, wanted)
    baseline = load_baseline(root, environment, visitors=visitors)
    if not baseline.hosts:
        raise UnknownTargetError(
            f"{environment} has no hosts: it only serves as a base for `extends`",
            hint=f"add hosts to {shown_path(root)}/{environment}/hosts.yaml, or choose another one",
        )
    inventory = Inventory(
        environment=environment,
        connections={name: host.model.connection for name, host in baseline.hosts.items()},
        groups=baseline.groups,
    )
    return Selection(
        environment=environment,
        hosts=_hosts(inventory, wanted, unwanted),
        whole=not visitors and environment in wanted,
        baseline=baseline,
    )


def _terms(values: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the names that are wanted and those that are left out."""
    terms = [term.strip() for value in values for term in value.split(",")]
    if any(not term.removeprefix("!").strip() for term in terms):
        raise UnknownTargetError(
            "--host holds an empty name", hint="write --host=prod or --host=web1,web2"
        )
    wanted = [term for term in dict.fromkeys(terms) if not term.startswith("!")]
    unwanted = [term[1:].strip() for term in dict.fromkeys(terms) if term.startswith("!")]
    if unwanted and not wanted:
        raise UnknownTargetError(
            f"--host says only what to leave out: !{shown(unwanted[0])}",
            hint=f"say of what: --host='prod,!{shown(unwanted[0])}'",
        )
    return wanted or [DEFAULT_ENVIRONMENT], unwanted


def _environment(catalogue: Catalogue, wanted: Sequence[str]) -> tuple[str, dict[str, str]]:
    """Return the one environment of all names, and the hosts that no file names."""
    found: dict[str, str] = {}
    visitors: dict[str, str] = {}
    for term in wanted:
        _refuse_bare_account(term, catalogue)
        owners = catalogue.owners(term)
        if len(owners) > 1:
            places = ", ".join(f"{term}@{owner}" for owner in owners)
            raise UnknownTargetError(
                f"{shown(term)!r} is in several environments: {places}",
                hint=f"say which one: --host={term}@{owners[0]}",
            )
        if owners:
            found[term] = owners[0]
        elif "://" in term:
            visitors[_visitor_name(term, visitors)] = term
        else:
            raise _unknown(term, catalogue.names())
    if visitors and found:
        raise UsageError(
            f"{next(iter(visitors.values()))} is in no baseline, {next(iter(found))} is",
            hint="run them one after the other, or add the host to hosts.yaml",
        )
    if len(set(found.values())) > 1:
        places = ", ".join(f"{term} is in {owner}" for term, owner in found.items())
        raise UsageError(
            f"one run looks at one environment: {places}",
            hint=f"run them one after the other: --host={next(iter(found))}",
        )
    if visitors and DEFAULT_ENVIRONMENT not in catalogue.environments:
        raise UnknownTargetError(
            f"{next(iter(visitors.values()))} is in no baseline, and there is no environment "
            f"{DEFAULT_ENVIRONMENT!r} whose thresholds it could have",
            hint="add the host to hosts.yaml of an environment",
        )
    return next(iter(found.values()), DEFAULT_ENVIRONMENT), visitors


def _refuse_bare_account(term: str, catalogue: Catalogue) -> None:
    """Tell who types `ops@web1` how a hostspec is written; `web1@prod` names an environment."""
    name, place = split_name(term)
    if place and place not in catalogue.environments and name not in catalogue.names():
        raise UnknownTargetError(
            f"no environment {shown(place)!r}{suggestion(place, catalogue.environments)}",
            hint=f"a host that is in no baseline is written --host=ssh://{shown(term)}",
        )


def _visitor_name(spec: str, taken: dict[str, str]) -> str:
    """Return an inventory name for a hostspec: its address, numbered when it is taken."""
    try:
        address = urlsplit(spec).netloc.rpartition("@")[2]
    except ValueError:
        address = ""
    base = re.sub(r"[^A-Za-z0-9._-]+", "-", address).strip(".-")[:50] or spec.partition(":")[0]
    base = re.sub(r"[^A-Za-z0-9_]+", "-", base).strip("-") or "host" if base == spec else base
    number, name = 1, base
    while name in taken:
        number += 1
        name = f"{base}-{number}"
    return name


def _hosts(inventory: Inventory, wanted: Sequence[str], unwanted: Sequence[str]) -> tuple[str, ...]:
    """Return the selected hosts in the order of the inventory."""
    chosen = {host for term in wanted for host in _members(inventory, term)}
    dropped = {host for term in unwanted for host in _members(inventory, term)}
    hosts = tuple(host for host in inventory.connections if host in chosen - dropped)
    if not hosts:
        left_out = f" without {', '.join(map(shown, unwanted))}" if unwanted else ""
        raise UnknownTargetError(
            f"--host selects nothing: {', '.join(map(shown, wanted))}{left_out} is an empty set",
            hint=f"the hosts of {inventory.environment}: {some(inventory.connections)}",
        )
    return hosts


def _members(inventory: Inventory, term: str) -> tuple[str, ...]:
    bare, environment = split_name(term)
    name = bare if environment in ("", inventory.environment) else term
    found = inventory.members(name)
    if found is None:
        raise _unknown(term, inventory.names)
    return found


def _unknown(term: str, known: Sequence[str]) -> UnknownTargetError:
    return UnknownTargetError(
        f"no host, group or environment {shown(term)!r}{suggestion(term, known)}",
        hint=f"there is: {some(known)}",
    )
