"""Writes `controls.csv`: which checks give evidence for which control, and how they went."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from pytest_ddd.evidence.summary import BY_URGENCY, Check, RunSummary, natural
from pytest_ddd.outcomes import Outcome, worst

NO_CONTROL = "(none)"
"""Checks that name no control are listed too: the numbers have to add up."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%")
"""Spreadsheets run a cell that begins like this."""

HEAD = (
    "control",
    "check",
    "what it checks",
    "worst",
    "checks",
    *(outcome.word for outcome in BY_URGENCY),
    "targets",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlSummary:
    """One control: how the checks that give evidence for it went."""

    name: str
    outcome: Outcome
    checks: int
    counts: tuple[tuple[Outcome, int], ...]


def controls_of(checks: Iterable[Check]) -> tuple[ControlSummary, ...]:
    """Return the controls that checks name, by name."""
    outcomes: dict[str, Counter[Outcome]] = {}
    for check in checks:
        for control in check.last.controls:
            outcomes.setdefault(control, Counter())[check.outcome] += 1
    return tuple(
        ControlSummary(
            name=name,
            outcome=worst(outcomes[name]),
            checks=outcomes[name].total(),
            counts=tuple((outcome, outcomes[name][outcome]) for outcome in BY_URGENCY),
        )
        for name in sorted(outcomes, key=natural)
    )


def controls_csv(summary: RunSummary) -> str:
    """Return the file."""
    out = io.StringIO()
    rows = csv.writer(out, lineterminator="\r\n")
    rows.writerow(HEAD)
    for row in _rows(summary.checks):
        rows.writerow([harmless(cell) for cell in row])
    return out.getvalue()


def harmless(cell: str) -> str:
    """Return a cell as text that no spreadsheet takes for a formula."""
    return f"'{cell}" if cell.lstrip(" ").startswith(_FORMULA) else cell


def _rows(checks: Sequence[Check]) -> Iterator[tuple[str, ...]]:
    groups: dict[tuple[str, str], list[Check]] = {}
    for check in checks:
        for control in check.last.controls or (NO_CONTROL,):
            groups.setdefault((control, check.last.check_id), []).append(check)
    for (control, check_id), group in sorted(groups.items()):
        counted = Counter(check.outcome for check in group)
        yield (
            control,
            check_id,
            group[0].last.title,
            worst(counted).word,
            str(len(group)),
            *(str(counted[outcome]) for outcome in BY_URGENCY),
            " ".join(dict.fromkeys(check.last.target for check in group)),
        )
