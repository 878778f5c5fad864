"""What callers hand to the history; what they get back is in `pytest_ddd.occurrences`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar

from pytest_ddd.occurrences import Kind
from pytest_ddd.outcomes import Outcome

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T", bound="DataclassInstance")


def copied(kind: type[T], facts: object, **more: object) -> T:
    """Return a record of what something else, a run's facts, has under the same names."""
    names = [one.name for one in fields(kind) if hasattr(facts, one.name)]
    return kind(**{name: getattr(facts, name) for name in names} | more)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStart:
    """What is known of the run of one scenario before its first result."""

    run_id: str
    environment: str
    scenario: str
    frequency: str = ""
    kind: Kind = "ad-hoc"
    due_at: datetime | None = None
    started_at: datetime
    process: str = ""
    operator: str = ""
    controller: str = ""
    command_line: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    profile: str = ""
    budget_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEnd:
    """What is known of the run of one scenario at its end."""

    finished_at: datetime
    interrupted: bool = False
    kind: Kind = "ad-hoc"
    """Known for sure only now: a run that was narrowed is ad hoc."""
    used_s: float = 0.0
    waited_s: float = 0.0
    outcome: Outcome
    narrowed: bool = False
    """Whether only a part of the scenario's checks was asked for."""
