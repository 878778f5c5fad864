"""One evaluation: new results move alerts, and alerts decide who is told what."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from pytest_ddd.alerts import Alert, AlertKey, Decision, Evaluation, Outgoing
from pytest_ddd.baseline.sections.escalation import Escalation
from pytest_ddd.escalation.book import Book
from pytest_ddd.escalation.bundling import Bundle, Due, bundle
from pytest_ddd.escalation.composing import Composer
from pytest_ddd.escalation.hearing import Heard, hear
from pytest_ddd.escalation.machine import due, told
from pytest_ddd.escalation.suppression import Suppressor, down_targets
from pytest_ddd.escalation.watching import policy_of
from pytest_ddd.messages import Kind


class Mode(StrEnum):
    """What `--ddd-escalate` asks for."""

    OFF = "off"
    """Results are covered, and nobody will be told of them later."""
    DRY_RUN = "dry-run"
    """Alerts move and everything is decided, and nothing leaves."""
    ON = "on"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What an evaluation holds results against."""

    escalation: Escalation
    timezone: str
    mode: Mode
    expected_again: Mapping[str, datetime] = field(default_factory=dict)
    """Scenario -> when its next run is due."""


def evaluate(book: Book, plan: Plan, now: datetime) -> Evaluation:
    """Look at all results that no evaluation has covered, decide, and save what came of it.

    Without new results it only asks what has become due since: a silence has ended, say.

    Args:
        book: the alerts of one environment, inside of one transaction.
        plan: rules and what else the baseline says.
        now: when messages leave.
    """
    before = book.alerts()
    if plan.mode is Mode.OFF:
        evaluation = Evaluation(result_ids=book.pass_over(), counts=False)
    elif not plan.escalation.rules and not before:  # nobody watches
        evaluation = Evaluation(result_ids=book.pass_over(), counts=plan.mode is Mode.ON)
    else:
        results = list(book.unevaluated())
        heard = hear(results, plan.escalation.rules, before)
        decided = _decide(book, plan, heard, now)
        changed = (one for key, one in decided.alerts.items() if before.get(key) != one)
        evaluation = Evaluation(
            result_ids=tuple(one.result_id for one in results),
            alerts=tuple(changed),
            transitions=heard.transitions,
            decisions=tuple(decided.decisions),
            outgoing=tuple(decided.outgoing),
            idle_rules=heard.idle,
            counts=plan.mode is Mode.ON,
        )
    book.save(evaluation, now)
    return evaluation


@dataclass(kw_only=True)
class _Decided:
    """Alerts after people were told, what was decided, and what leaves."""

    alerts: dict[AlertKey, Alert]
    decisions: list[Decision] = field(default_factory=list)
    outgoing: list[Outgoing] = field(default_factory=list)


def _decide(book: Book, plan: Plan, heard: Heard, now: datetime) -> _Decided:
    """Ask each alert what people should hear, and what stops it."""
    decided = _Decided(alerts=dict(heard.alerts))
    suppressor = _suppressor(book, plan, heard.alerts, now)
    composer = Composer(
        section=plan.escalation,
        now=now,
        latest=heard.latest,
        blocked=heard.blocked,
        expected_again=plan.expected_again,
    )
    wanted: list[Due] = []
    for alert, kind in _due(plan, heard.alerts, now):
        found = suppressor.reason(alert, kind)
        if found is None:
            channels = composer.channels(alert, kind)
            group_above = composer.group_above(alert)
            wanted.append(Due(alert=alert, kind=kind, channels=channels, group_above=group_above))
        elif alert.key in heard.latest:  # said once for each run, not whenever somebody asks
            decided.decisions.append(composer.decision(alert, kind, stopped=found))
    for one in bundle(wanted, heard.alerts.values()):
        _tell(decided, composer, plan, one, now)
    return decided


def _due(
    plan: Plan, alerts: Mapping[AlertKey, Alert], now: datetime
) -> Iterator[tuple[Alert, Kind]]:
    for key in sorted(alerts):
        alert, rule = alerts[key], plan.escalation.rules.get(key.rule)
        if rule is not None:
            kind = due(alert, policy_of(rule), now)
        else:  # nobody will ever hear of it again: close what it opened
            kind = Kind.RESOLVE if alert.announced_as else None
        if kind is not None:
            yield alert, kind


def _suppressor(
    book: Book, plan: Plan, alerts: Mapping[AlertKey, Alert], now: datetime
) -> Suppressor:
    return Suppressor(
        now=now,
        dry_run=plan.mode is not Mode.ON,
        timezone=plan.timezone,
        silences=book.silences(now),
        windows=plan.escalation.windows,
        parents=plan.escalation.parents,
        down=down_targets(alerts.values()),
        acknowledgements={one.key: one for one in book.acknowledgements(now)},
    )


def _tell(decided: _Decided, composer: Composer, plan: Plan, one: Bundle, now: datetime) -> None:
    decided.outgoing += composer.outgoing(one)
    for alert in one.alerts:
        rule = plan.escalation.rules.get(alert.key.rule)
        opens = rule is not None and not rule.event
        decided.decisions.append(composer.decision(alert, one.kind, sent=one))
        decided.alerts[alert.key] = told(
            alert,
            one.kind,
            now,
            dedup_key=one.dedup_key if opens else "",
            channels=one.channels,
        )
