"""Write the messages and decisions that come of what is due."""

from __future__ import annotations

import shlex
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from pytest_ddd import clock
from pytest_ddd.alerts import Alert, AlertKey, Decision, Outgoing, Suppression, rank
from pytest_ddd.baseline.sections.escalation import Escalation, Rule
from pytest_ddd.escalation.bundling import Bundle
from pytest_ddd.escalation.watching import is_reachable
from pytest_ddd.messages import Kind, Message, Severity
from pytest_ddd.results import CheckResult, explain
from pytest_ddd.units import plural

GROUP_ABOVE = 5
"""More new alerts of one rule in one run than this are one message."""

MOST_MEMBERS = 100
"""How many alerts of a group are listed: PagerDuty takes 512 KB an event."""

LONGEST_SUMMARY = 1000
"""Characters; PagerDuty takes 1,024."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Composer:
    """Knows the rules, and what the results said."""

    section: Escalation
    now: datetime
    latest: Mapping[AlertKey, CheckResult]
    blocked: Mapping[str, int]
    expected_again: Mapping[str, datetime] = field(default_factory=dict)

    def channels(self, alert: Alert, kind: Kind) -> tuple[str, ...]:
        """Return who is told: of the end, those who were told of the beginning."""
        rule = self._rule(alert)
        if kind is Kind.RESOLVE or rule is None:
            return alert.channels
        return tuple(dict.fromkeys(rule.notify))

    def group_above(self, alert: Alert) -> int | None:
        """Return from how many new alerts on they are one message; None for never."""
        rule = self._rule(alert)
        if rule is None:
            return None
        kinds = {self.section.channels[name].kind for name in rule.notify}
        if "alertmanager" in kinds:  # it groups by itself, and needs the alerts one by one
            return None
        return rule.group_above or GROUP_ABOVE

    def decision(
        self,
        alert: Alert,
        kind: Kind,
        *,
        sent: Bundle | None = None,
        stopped: tuple[Suppression, str] | None = None,
    ) -> Decision:
        """Return what was decided about one alert: sent as part of a bundle, or stopped."""
        why, reference = stopped or (None, "")
        return Decision(
            key=alert.key,
            episode=alert.episode,
            run_id=self._run_id(alert),
            at=self.now,
            kind=kind,
            severity=_severity(alert),
            summary=_short(self._said(alert, kind)),
            suppressed=why,
            reference=reference,
            dedup_key=sent.dedup_key if sent else alert.announced_as or alert.key.dedup_key,
            channels=sent.channels if sent else (),
            command=self._command(alert) if kind is Kind.TRIGGER else (),
        )

    def outgoing(self, bundle: Bundle) -> list[Outgoing]:
        """Return the message of a bundle, once for each channel."""
        first = bundle.alerts[0]
        rule = self._rule(first)
        fallback = (rule.fallback if rule else None) or self.section.fallback
        others = fallback.notify if fallback is not None else []
        return [
            Outgoing(
                message=self._message(bundle, first, rule),
                channel=channel,
                fallback=tuple(name for name in others if name not in bundle.channels),
                fallback_after_s=fallback.after if fallback is not None else None,
            )
            for channel in bundle.channels
        ]

    def _message(self, bundle: Bundle, first: Alert, rule: Rule | None) -> Message:
        alone = not bundle.is_group
        result = self.latest.get(first.key)
        scenario = first.key.check_id.rpartition("/")[0]
        return Message(
            message_id=uuid.uuid4().hex,
            kind=bundle.kind,
            severity=max((_severity(one) for one in bundle.alerts), key=rank),
            dedup_key=bundle.dedup_key,
            summary=_short(self._summary(bundle)),
            environment=first.key.environment,
            scenario=scenario,
            check_id=first.key.check_id if alone else "",
            target=first.key.target if alone else "",
            entry=first.key.entry if alone else "",
            rule=first.key.rule,
            run_id=self._run_id(first),
            occurred_at=first.seen[-1].at if first.seen else self.now,
            expected_again_at=self.expected_again.get(scenario),
            runbook=rule.runbook if rule is not None else "",
            details=self._details(bundle, rule, result if alone else None),
            members=() if alone else self._members(bundle),
        )

    def _summary(self, bundle: Bundle) -> str:
        if not bundle.is_group:
            return self._said(bundle.alerts[0], bundle.kind)
        first = bundle.alerts[0].key
        targets = len({one.key.target for one in bundle.alerts})
        word = "resolved: " if bundle.kind is Kind.RESOLVE else ""
        count = plural(len(bundle.alerts), "alert")
        return f"{word}{first.environment}: {count} on {plural(targets, 'target')} ({first.rule})"

    def _members(self, bundle: Bundle) -> tuple[str, ...]:
        lines = [self._said(one, bundle.kind) for one in bundle.alerts[:MOST_MEMBERS]]
        more = len(bundle.alerts) - MOST_MEMBERS
        return tuple(
            _short(line) for line in (*lines, *([f"… and {more} more"] if more > 0 else ()))
        )

    def _details(
        self, bundle: Bundle, rule: Rule | None, result: CheckResult | None
    ) -> dict[str, str]:
        found = {"alert": bundle.alerts[0].key.dedup_key} if not bundle.is_group else {}
        if rule is not None and rule.runbook:
            found["runbook"] = runbook_text(rule.runbook)
        if result is not None:
            judged = [explain(one) for one in result.readings if one.threshold is not None]
            found |= {"reason": result.reason, "readings": "\n".join(judged)}
        if bundle.kind is Kind.TRIGGER:
            commands = dict.fromkeys(shlex.join(self._command(one)) for one in bundle.alerts)
            found["proposed command"] = "\n".join(text for text in commands if text)
        return {name: text for name, text in found.items() if text}

    def _said(self, alert: Alert, kind: Kind) -> str:
        """Say in one line what an alert is about: `web1 disk:/var RED: disk /var 93 % …`."""
        key = alert.key
        place = " ".join(part for part in (key.target, key.entry) if part)
        if kind is Kind.RESOLVE:
            if key.rule not in self.section.rules:
                return f"resolved: {place}: the rule {key.rule} is gone from the baseline"
            return f"resolved: {place}, it was {alert.reason}"
        since = ""
        if kind is Kind.REMIND and alert.notified_at is not None:
            since = f" (still; last told {clock.stamp(alert.notified_at)[:16]}Z)"
        count = self.blocked.get(key.target, 0) if is_reachable(key.check_id) else 0
        blocked = f"; {plural(count, 'check')} blocked" if count else ""
        return " ".join(f"{place} {alert.reason}{blocked}{since}".split())

    def _command(self, alert: Alert) -> tuple[str, ...]:
        rule = self._rule(alert)
        proposal = self.section.proposals.get(rule.propose) if rule is not None else None
        if proposal is None:
            return ()
        return tuple(
            word.replace("{target}", alert.key.target).replace("{entry}", alert.key.entry)
            for word in proposal.command
        )

    def _rule(self, alert: Alert) -> Rule | None:
        return self.section.rules.get(alert.key.rule)

    def _run_id(self, alert: Alert) -> str:
        return alert.seen[-1].run_id if alert.seen else ""


def runbook_text(runbook: str) -> str:
    """Return where to read on: a link as it is, `5.2` as `runbook section 5.2`."""
    is_section = runbook.replace(".", "").isdigit()
    return f"check runbook section {runbook}" if is_section else runbook


def _severity(alert: Alert) -> Severity:
    return alert.severity or alert.announced_severity or Severity.INFO


def _short(text: str) -> str:
    return text if len(text) <= LONGEST_SUMMARY else text[: LONGEST_SUMMARY - 1] + "…"
