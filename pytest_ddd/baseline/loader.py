"""Load the baseline of one environment: read, merge, check, declare; all mistakes at once."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from pytest_ddd.baseline.applying import Applied
from pytest_ddd.baseline.approving import read_approvals
from pytest_ddd.baseline.contents import IN_ENVIRONMENT, SECTIONS, keeps_null
from pytest_ddd.baseline.controlling import check_controls
from pytest_ddd.baseline.declarations import Declarations
from pytest_ddd.baseline.document import read_document
from pytest_ddd.baseline.escalating import read_escalation, targets_of
from pytest_ddd.baseline.layers import Layer, read_layers, shown_path
from pytest_ddd.baseline.merging import overlay
from pytest_ddd.baseline.model import Baseline
from pytest_ddd.baseline.overrides import Overrides
from pytest_ddd.baseline.rules import check_scenario
from pytest_ddd.baseline.sections.environment import Environment
from pytest_ddd.baseline.sections.escalation import Escalation
from pytest_ddd.baseline.sections.scenarios import Scenario
from pytest_ddd.baseline.targets import read_targets
from pytest_ddd.baseline.tree import Mistakes, Node, named_entries
from pytest_ddd.baseline.waiving import read_waivers
from pytest_ddd.baseline.wording import checked
from pytest_ddd.errors import BaselineError
from pytest_ddd.results import Origin


def load_baseline(root: Path, name: str, *, visitors: Mapping[str, str] | None = None) -> Baseline:
    """Load one environment.

    Args:
        root: the directory of environments: `baselines`.
        name: the environment: `prod` for `baselines/prod.yaml` or `baselines/prod/*.yaml`.
        visitors: hosts that no file names (name -> hostspec). Only they are in the result, with
            what the environment says of every host.

    Raises:
        UnknownTargetError: there is no such environment.
        BaselineError: mistakes in the files, all of them.
    """
    mistakes = Mistakes()
    layers = read_layers(root, name, mistakes)
    sections = merge_layers(layers, mistakes)
    if visitors:
        sections["hosts"] = _with_visitors(sections.get("hosts"), visitors)
    baseline = replace(
        _assemble(name, sections, mistakes, is_complete=not any(each.unusable for each in layers)),
        root=shown_path(root),
        files=tuple(file for layer in layers for file in layer.files),
    )
    raise_mistakes(mistakes, name)
    return _only(baseline, visitors) if visitors else baseline


def load_escalation(path: Path, baseline: Baseline) -> Escalation:
    """Load a section `escalation` from a file of its own, as it would be in a baseline.

    Raises:
        BaselineError: mistakes in the file, all of them.
    """
    mistakes = Mistakes()
    root = read_document(path, shown_path(path), mistakes).root
    entries = root.entries if root is not None else {}
    for name, node in entries.items():
        if name != "escalation":
            mistakes.add(node.origin, (name,), "only the section `escalation` is read from here")
    if root is not None and "escalation" not in entries:
        mistakes.add(root.origin, (), "needs the section `escalation`")
    endpoints = (one.key for one in baseline.for_environment.get("endpoints", ()))
    targets = {*baseline.hosts, *(f"endpoint:{name}" for name in endpoints)}
    found = read_escalation(entries.get("escalation"), mistakes, targets=targets)
    raise_mistakes(mistakes, baseline.name)
    return found


def merge_layers(
    layers: Sequence[Layer], mistakes: Mistakes, *, only: Collection[str] = SECTIONS
) -> dict[str, Node]:
    """Return the sections of an environment, each layer laid over those below it."""
    sections: dict[str, Node] = {}
    for layer in layers:
        for section, node in layer.sections.items():
            if node.broken or section not in only:
                continue
            laid = overlay(
                sections.pop(section, None),
                node,
                path=(section,),
                mistakes=mistakes,
                keeps_null=keeps_null,
            )
            if laid is not None:
                sections[section] = laid
    return sections


def raise_mistakes(mistakes: Mistakes, name: str) -> None:
    """Raise all mistakes of an environment as one error, if there are any."""
    if len(mistakes):
        raise BaselineError(
            mistakes.lines(), hint=f"change these lines, then: pytest-ddd validate {name}"
        )


def _with_visitors(hosts: Node | None, visitors: Mapping[str, str]) -> Node:
    typed = Origin(file="--host", line=1)
    added = {
        name: Node({"connection": Node(spec, typed)}, typed) for name, spec in visitors.items()
    }
    return Node({**(hosts.entries if hosts else {}), **added}, hosts.origin if hosts else typed)


def _assemble(
    name: str, sections: Mapping[str, Node], mistakes: Mistakes, *, is_complete: bool
) -> Baseline:
    """Check and declare merged sections; unreadable files leave names unknown."""
    targets = read_targets(sections, mistakes)
    declarations = Declarations(targets.names if is_complete else None, mistakes)
    in_environment = {
        section: declarations.of_section(section, sections[section])
        for section in IN_ENVIRONMENT
        if section in sections
    }
    check_controls(sections, mistakes)
    overrides = Overrides(sections, targets, mistakes)
    applied = Applied(overrides, targets, declarations, in_environment)
    applied.check_unused()
    for_host = {host: applied.of(host) for host in targets.hosts}
    whole = sections.get("environment")
    environment = checked(Environment, whole, ("environment",), mistakes) if whole else None
    return Baseline(
        name=name,
        root="",
        files=(),
        environment=environment or Environment(),
        hosts=targets.hosts,
        groups=targets.groups,
        scenarios=_scenarios(sections.get("scenarios"), mistakes),
        escalation=read_escalation(
            sections.get("escalation"),
            mistakes,
            targets=set(targets_of(targets.hosts, sections.get("endpoints")))
            if is_complete
            else None,
        ),
        for_environment={
            section: tuple(each for each in found if not each.model.applies_to)
            for section, found in in_environment.items()
        },
        for_host=for_host,
        unused=applied.unused() if targets.hosts else (),
        waivers=read_waivers(
            sections.get("waivers"), (*targets.names, name) if is_complete else None, mistakes
        ),
        approvals=read_approvals(sections.get("approvals"), mistakes),
    )


def _only(baseline: Baseline, visitors: Mapping[str, str]) -> Baseline:
    """Return the baseline with the visitors as its only hosts."""
    return replace(
        baseline,
        hosts={name: baseline.hosts[name] for name in visitors},
        groups={
            group: tuple(name for name in members if name in visitors)
            for group, members in baseline.groups.items()
        },
        for_host={name: baseline.for_host[name] for name in visitors},
    )


def _scenarios(section: Node | None, mistakes: Mistakes) -> dict[str, Scenario]:
    found: dict[str, Scenario] = {}
    for name, node in named_entries(section, ("scenarios",), mistakes):
        path = ("scenarios", name)
        check_scenario(name, node, path, mistakes)
        if (scenario := checked(Scenario, node, path, mistakes)) is not None:
            found[name] = scenario
    return found
