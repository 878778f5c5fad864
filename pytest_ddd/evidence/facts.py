"""What is true of a run as a whole: who, when, how long, with what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from pytest_ddd.baseline.model import BaselineFile
from pytest_ddd.evidence.compliance import Entered
from pytest_ddd.occurrences import ObjectiveStanding, Trend
from pytest_ddd.outcomes import Outcome
from pytest_ddd.snapshots import Comparison


@dataclass(frozen=True, slots=True, kw_only=True)
class StepFacts:
    """How one step of the scenario went; `count` is the number of its results."""

    number: int
    title: str
    outcome: Outcome
    used_s: float = 0.0
    count: int = 0
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockState:
    """What the kernel said of its clock: in step with a time source, and how far off at most."""

    synchronized: Literal["yes", "no", "unknown"] = "unknown"
    error_s: float | None = None
    zone: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckFile:
    """One file of checks as it was when the run began."""

    path: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """Who ran it on whose behalf, by which clock, and with which version of the site.

    `key` is the fingerprint of the key that is to sign, `change` the change that the run belongs
    to, `dirty` whether files of the site differ from `commit`; `automation` names the job that
    ran it, if one did.
    """

    login: str = ""
    uid: int | None = None
    key: str = ""
    change: str = ""
    clock: ClockState = ClockState()
    commit: str = ""
    dirty: Literal["yes", "no", "unknown"] = "unknown"
    check_files: tuple[CheckFile, ...] = ()
    automation: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a run set out to do for one scenario, by nodeid.

    `left_out` are checks of the scenario that were collected and not chosen, `unreadable` files
    that could not be collected, `hosts` the chosen ones of `inventory` in all.
    """

    checks: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    unreadable: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    inventory: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One check that is not as it was in the previous run, or still is bad."""

    name: str
    check_id: str
    before: Outcome | None
    """None: the previous run did not look at it."""
    now: Outcome | None
    """None: this run did not look at it."""
    since: datetime | None = None
    """Since when it has been bad without a break, as far as history knows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What changed since the previous run of the same scenario."""

    previous_run_id: str
    previous_at: datetime
    new: tuple[Change, ...] = ()
    """Bad now, and not bad before."""
    fixed: tuple[Change, ...] = ()
    """Green now, and bad before."""
    still: tuple[Change, ...] = ()
    """Bad now and before."""
    lost: tuple[Change, ...] = ()
    """Bad before, and not looked at now, not applicable or waived: not known to be fixed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFacts:
    """Everything about a run that its results do not say.

    `used_s` counts against `budget_s` (None: there is none); `waited_s`, the time between two
    looks, does not. `operator` is who ran it, `controller` the machine it ran on.
    A field that is added here needs a default: older packages do not have it.
    """

    run_id: str
    environment: str
    scenario: str
    title: str
    frequency: str = ""
    operator: str = ""
    controller: str = ""
    started_at: datetime
    finished_at: datetime
    budget_s: float | None = None
    used_s: float = 0.0
    waited_s: float = 0.0
    kind: Literal["ad-hoc", "scheduled", "gate"] = "ad-hoc"
    due_at: datetime | None = None
    """When a scheduled run should have begun."""
    narrowed: bool = False
    """Whether only a part of the scenario's checks was asked for."""
    interrupted: bool = False
    command_line: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    baseline_files: tuple[BaselineFile, ...] = ()
    profile: Literal["day", "night"] = "day"
    steps: tuple[StepFacts, ...] = ()
    changes: Changes | None = None
    """None: there is no previous run, or no history."""
    objectives: tuple[ObjectiveStanding, ...] = ()
    """How the objectives of this scenario stand, this run included."""
    provenance: Provenance = Provenance()
    plan: Plan | None = None
    """None when nobody knows what was planned: such a run is never complete."""
    trends: tuple[Trend, ...] = ()
    comparison: Comparison | None = None
    """Before and after a change; None when there is nothing to compare with."""
    entered: Entered | None = None
    """What went into the compliance log; None when nothing was ever changed."""
