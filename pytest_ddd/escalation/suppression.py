"""Why a message that is due does not leave: asked for the message, never for the state."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from pytest_ddd.alerts import (
    Acknowledgement,
    Alert,
    AlertKey,
    Matcher,
    Phase,
    Silence,
    Suppression,
    rank,
)
from pytest_ddd.baseline.sections.escalation import Quiet
from pytest_ddd.escalation.watching import is_reachable
from pytest_ddd.messages import Kind, Severity
from pytest_ddd.windows import parse_window

ENDPOINT = "endpoint:"

Reason = tuple[Suppression, str]
"""Why, and the name of the silence, window, parent or person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Suppressor:
    """Everything that may stop a message at one moment.

    A resolve of what people were told is stopped by a dry run only, and then is still due.
    """

    now: datetime
    dry_run: bool
    timezone: str
    silences: Sequence[Silence] = ()
    windows: Mapping[str, Quiet] = field(default_factory=dict)
    parents: Mapping[str, Sequence[str]] = field(default_factory=dict)
    down: frozenset[str] = frozenset()
    """Targets that cannot be reached or do not answer."""
    acknowledgements: Mapping[AlertKey, Acknowledgement] = field(default_factory=dict)

    def reason(self, alert: Alert, kind: Kind) -> Reason | None:
        """Return why nobody is told now, or None."""
        if self.dry_run:
            return (Suppression.DRY_RUN, "")
        if kind is Kind.RESOLVE:
            return None
        return (
            self._silenced(alert.key)
            or self._in_window(alert.key)
            or self._blocked(alert)
            or self._acknowledged(alert)
        )

    def _silenced(self, key: AlertKey) -> Reason | None:
        for silence in self.silences:
            if silence.starts_at <= self.now < silence.ends_at and silence.matcher.matches(key):
                return (Suppression.SILENCE, silence.silence_id)
        return None

    def _in_window(self, key: AlertKey) -> Reason | None:
        for name, quiet in self.windows.items():
            matcher = Matcher(
                target=quiet.target, check=quiet.check, entry=quiet.entry, rule=quiet.rule
            )
            window = parse_window(quiet.at, quiet.timezone or self.timezone)
            if matcher.matches(key) and window.begun(self.now) is not None:
                return (Suppression.WINDOW, name)
        return None

    def _blocked(self, alert: Alert) -> Reason | None:
        if alert.blocked_by:
            return (Suppression.BLOCKED, alert.blocked_by)
        waiting, asked = list(self.parents.get(alert.key.target, ())), {alert.key.target}
        while waiting:
            parent = waiting.pop(0)
            if parent in self.down:
                return (Suppression.BLOCKED, parent)
            if parent not in asked:
                asked.add(parent)
                waiting += self.parents.get(parent, ())
        return None

    def _acknowledged(self, alert: Alert) -> Reason | None:
        """Find who works on it; that it got worse is still said."""
        found = self.acknowledgements.get(alert.key)
        if found is None or found.until <= self.now or found.episode != alert.episode:
            return None
        if rank(alert.severity) > rank(found.severity):
            return None
        return (Suppression.ACKNOWLEDGED, found.author)


def down_targets(alerts: Iterable[Alert]) -> frozenset[str]:
    """Return hosts that cannot be reached and endpoints that do not answer, by their alerts.

    Only what a rule watches counts, and of an endpoint only what is critical: a child is never
    silent for a parent that nobody tells of, or whose certificate ends in three weeks.
    """
    return frozenset(alert.key.target for alert in alerts if _is_down(alert))


def _is_down(alert: Alert) -> bool:
    if alert.phase is Phase.OK or not alert.seen:
        return False
    if is_reachable(alert.key.check_id):
        return True
    is_critical = alert.seen[-1].severity is Severity.CRITICAL
    return is_critical and alert.key.target.startswith(ENDPOINT)
