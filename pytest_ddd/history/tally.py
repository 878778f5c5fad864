"""Counts the results of a run, so that nobody has to go through them later."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from pytest_ddd.outcomes import Outcome, worst
from pytest_ddd.results import tells_plan

_Last: TypeAlias = tuple[int, int, str, str]
"""Look, step, outcome and reason."""


@dataclass(slots=True)
class Tally:
    """The last look of each check of a run."""

    _last: dict[tuple[str, ...], list[_Last]] = field(default_factory=dict)

    def add(self, row: Mapping[str, Any]) -> None:
        """Count a row of `results`; of two looks at one check the later one stays."""
        key = (row["check_id"], row["target"], row["entry"], row["nodeid"])
        seen = (row["look"], row["step"], row["outcome"], row["reason"])
        before = self._last.get(key)
        if before is None or before[0][0] < seen[0]:
            self._last[key] = [seen]
        elif before[0][0] == seen[0]:  # two checks that nobody can tell apart
            before.append(seen)

    @property
    def outcome(self) -> Outcome:
        """The worst outcome."""
        return worst(Outcome(outcome) for _, _, outcome, _ in self._all())

    def columns(self) -> dict[str, object]:
        """Return the columns of `runs` that say what the results say."""
        every = self._all()
        steps: dict[int, set[str]] = {}
        for _, step, outcome, _ in every:
            steps.setdefault(step, set()).add(outcome)
        return {
            "counts": dict(Counter(outcome for _, _, outcome, _ in every)),
            "steps": {str(step): worst(map(Outcome, steps[step])).value for step in sorted(steps)},
            "planned_only": any(tells_plan(outcome, reason) for _, _, outcome, reason in every),
        }

    def _all(self) -> list[_Last]:
        return [one for group in self._last.values() for one in group]
