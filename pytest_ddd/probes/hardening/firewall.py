"""The firewall: what happens to packets that no rule accepts, and which ports are open."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pytest_ddd.baseline.sections.security import Safeguard
from pytest_ddd.errors import CannotLookError
from pytest_ddd.probes.drift.comparison import Comparison

_PATH = "PATH=$PATH:/usr/sbin:/sbin; LC_ALL=C; export PATH LC_ALL; "
_COMMAND = "nft -j list ruleset"
_FAMILIES = ("ip", "ip6")
_ICMP = ("icmp", "icmpv6", "ipv6-icmp", "1", "58")
"""Its names, and its numbers on a host without /etc/protocols."""

Rule = Mapping[str, Any]
Match = Mapping[str, Any]


def compare(comparison: Comparison) -> None:
    """Compare the default of each family, and the ports that rules accept."""
    model = comparison.model(Safeguard)
    with comparison.looking("rules"):
        ruleset = _in_force(comparison, _ruleset(comparison))
        for family in _FAMILIES:
            dropped = any(_drops(chain, ruleset) for chain in _inputs(ruleset, family))
            comparison.note(
                f"{family} input",
                "drop" if dropped else "accept",
                expected=model.policy,
                source=_COMMAND,
                path=("policy",),
                problem="" if dropped else f"{family}: what no rule accepts is let in",
            )
        if model.open is not None:
            _compare_ports(comparison, _ports(ruleset), model.open)


def _ruleset(comparison: Comparison) -> list[dict[str, Any]]:
    answer = comparison.script(_PATH + _COMMAND)
    if answer.exit_status == 127:
        raise CannotLookError(
            "nft is not installed", hint="apt-get install nftables   # on that host"
        )
    if not answer.ok:
        raise CannotLookError(
            f"{_COMMAND}: {answer.said}", hint="set sudo: true for this host in hosts.yaml"
        )
    try:
        found: list[dict[str, Any]] = json.loads(answer.text)["nftables"]
    except (ValueError, KeyError, TypeError):
        raise CannotLookError(f"{_COMMAND} printed no ruleset") from None
    return found


def _in_force(
    comparison: Comparison, ruleset: Sequence[Mapping[str, Any]]
) -> Sequence[Mapping[str, Any]]:
    """Leave out what belongs to tables that sleep (`flags dormant`)."""
    asleep = [
        (table["family"], table["name"])
        for one in ruleset
        if "flags" in (table := one.get("table", {})) and _sleeps(comparison, table)
    ]
    return [
        one
        for one in ruleset
        if all((part.get("family"), part.get("table")) not in asleep for part in one.values())
    ]


def _sleeps(comparison: Comparison, table: Mapping[str, Any]) -> bool:
    """Ask in words: as JSON, nft 1.0.6 writes the name of the table in place of its flags."""
    command = shlex.join(["nft", "list", "table", table["family"], table["name"]])
    answer = comparison.script(_PATH + command)
    if not answer.ok:
        raise CannotLookError(f"{command}: {answer.said}")
    return re.search(r"^\s*flags\b.*\bdormant\b", answer.text, re.MULTILINE) is not None


def _inputs(ruleset: Sequence[Mapping[str, Any]], family: str) -> Iterator[Mapping[str, Any]]:
    """Yield the base chains that packets of a family pass on their way in."""
    for one in ruleset:
        chain = one.get("chain", {})
        is_input = chain.get("hook") == "input" and chain.get("type") == "filter"
        if is_input and chain["family"] in (family, "inet"):
            yield chain


def _drops(chain: Mapping[str, Any], ruleset: Sequence[Mapping[str, Any]]) -> bool:
    """Whether a packet that comes to the end of a chain is not let in."""
    if chain.get("policy") == "drop":
        return True
    rules = [rule for rule in _rules(ruleset, chain) if rule["chain"] == chain["name"]]
    last = [next(iter(part)) for part in rules[-1]["expr"]] if rules else []
    return last[-1:] in (["drop"], ["reject"]) and {*last[:-1]} <= {"counter", "log"}


def _rules(ruleset: Sequence[Mapping[str, Any]], chain: Mapping[str, Any]) -> Iterator[Rule]:
    """Yield the rules of a chain's table, without those of chains with another hook."""
    same = {
        one["chain"]["name"]
        for one in ruleset
        if "chain" in one
        and (one["chain"]["family"], one["chain"]["table"]) == (chain["family"], chain["table"])
        and one["chain"].get("hook", "input") == "input"
    }
    for one in ruleset:
        rule = one.get("rule")
        table = (chain["family"], chain["table"])
        if rule and (rule["family"], rule["table"]) == table and rule["chain"] in same:
            yield rule


def _ports(ruleset: Sequence[Mapping[str, Any]]) -> set[str]:
    """Return what rules accept: `tcp:22`, `udp:1000-2000`; `everything` without a match."""
    found: set[str] = set()
    for family in _FAMILIES:
        for chain in _inputs(ruleset, family):
            for rule in _rules(ruleset, chain):
                for matches in _accepting(rule, ruleset):
                    found |= set(_accepted(matches))
    return found


def _accepting(rule: Rule, ruleset: Sequence[Mapping[str, Any]]) -> Iterator[Sequence[Match]]:
    """Yield all matches of a rule for each verdict in it that accepts; one in a map is a match."""
    matches = [part["match"] for part in rule["expr"] if "match" in part]
    for part in rule["expr"]:
        if "accept" in part:
            yield matches
        elif "vmap" in part:
            elements = _elements(part["vmap"]["data"], rule, ruleset)
            taken = [value for value, verdict in elements if "accept" in verdict]
            if taken:
                chosen = {"left": part["vmap"]["key"], "op": "==", "right": {"set": taken}}
                yield [*matches, chosen]


def _elements(data: Any, rule: Rule, ruleset: Sequence[Mapping[str, Any]]) -> Sequence[Any]:
    """Return pairs of value and verdict of a map that stands in a rule, or is named there."""
    if not isinstance(data, str):
        return list(data["set"])
    named = (rule["family"], rule["table"], data.removeprefix("@"))
    maps = [one["map"] for one in ruleset if "map" in one]
    found = next(one for one in maps if (one["family"], one["table"], one["name"]) == named)
    return list(found.get("elem", ()))


def _accepted(matches: Sequence[Match]) -> Iterator[str]:
    if not matches:
        yield "everything"
    elif not any(_is_narrow(match) for match in matches):
        yield "every port on a condition"
    for match in matches:
        payload = match["left"].get("payload", {}) if isinstance(match["left"], dict) else {}
        if payload.get("field") == "dport":
            protocol = {"th": "any"}.get(payload["protocol"], payload["protocol"])
            negated = "all but " if match["op"] == "!=" else ""
            for port in _values(match["right"]):
                yield f"{negated}{protocol}:{port}"


def _is_narrow(match: Mapping[str, Any]) -> bool:
    """Whether a match lets in less than every port: a port, an answer, this machine, ICMP."""
    left = match["left"] if isinstance(match["left"], dict) else {}
    values = {*_values(match["right"])}
    payload, meta = left.get("payload", {}), left.get("meta", {})
    if payload.get("field") == "dport" or payload.get("protocol") in ("icmp", "icmpv6"):
        return True
    if match["op"] == "!=":  # everything but that
        return False
    if left.get("ct", {}).get("key") == "state":
        return values.isdisjoint(("new", "untracked"))
    is_protocol = meta.get("key") == "l4proto" or payload.get("field") in ("protocol", "nexthdr")
    is_interface = meta.get("key") in ("iif", "iifname")
    return (is_interface and values == {"lo"}) or (is_protocol and values <= {*_ICMP})


def _values(right: object) -> Iterator[str]:
    if isinstance(right, dict) and "set" in right:
        right = right["set"]
    if isinstance(right, list):
        for each in right:
            yield from _values(each)
    elif isinstance(right, dict) and "range" in right:
        yield "-".join(str(each) for each in right["range"])
    else:
        yield str(right)


def _compare_ports(comparison: Comparison, observed: set[str], wanted: Sequence[str]) -> None:
    extra, missing = sorted(observed - set(wanted)), sorted(set(wanted) - observed)
    texts = [f"lets in {', '.join(extra)}"] if extra else []
    texts += [f"does not let in {', '.join(missing)}"] if missing else []
    comparison.note(
        "open",
        ", ".join(sorted(observed)) or "nothing",
        expected=", ".join(wanted) or "nothing",
        source=_COMMAND,
        path=("open",),
        problem="; ".join(texts),
    )
