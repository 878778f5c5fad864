"""The objectives that every site starts with."""

from __future__ import annotations

from pytest_ddd.analysis.objectives import Measure, Objective

_DAILY = ("morning-health-check", "end-of-day-validation", "daily-checks")
_QUARTER_DAYS, _YEAR_DAYS = 90, 365

OBJECTIVES = (
    Objective(
        name="daily-in-time",
        title="Daily: completed in less than 15 minutes",
        scenarios=_DAILY,
        measure=Measure.IN_TIME,
        limit=15 * 60,
        target=0.95,
        window_days=_QUARTER_DAYS,
    ),
    Objective(
        name="daily-no-escalation",
        title="Daily: no escalation needed",
        scenarios=_DAILY,
        measure=Measure.NO_ESCALATION,
        target=0.90,
        window_days=_QUARTER_DAYS,
    ),
    Objective(
        name="daily-all-green",
        title="Daily: all checks green",
        scenarios=_DAILY,
        measure=Measure.ALL_GREEN,
        target=0.80,
        window_days=_QUARTER_DAYS,
    ),
    Objective(
        name="daily-yellows",
        title="Daily: yellows resolved in less than 5 minutes",
        scenarios=("morning-health-check",),
        measure=Measure.YELLOWS,
        limit=5 * 60,
        target=0.80,
        window_days=_QUARTER_DAYS,
    ),
    Objective(
        name="weekly-in-window",
        title="Weekly: patched within the window of 2 hours",
        scenarios=("security-patch-tuesday",),
        measure=Measure.IN_WINDOW,
        limit=2 * 3600,
        target=0.95,
        window_days=_YEAR_DAYS,
    ),
    Objective(
        name="weekly-no-rollback",
        title="Weekly: no rollback needed",
        scenarios=("security-patch-tuesday",),
        measure=Measure.NO_ROLLBACK,
        target=0.90,
        window_days=_YEAR_DAYS,
    ),
    Objective(
        name="weekly-validations",
        title="Weekly: all validations pass",
        scenarios=("security-patch-tuesday",),
        measure=Measure.STEP,
        step=4,
        target=0.95,
        window_days=_YEAR_DAYS,
    ),
    Objective(
        name="monthly-capacity",
        title="Monthly: capacity predictions within ±10 %",
        scenarios=("capacity-planning-review",),
        measure=Measure.READING,
        reading="prediction error",
        limit=10.0,
        target=1.0,
        window_days=_YEAR_DAYS,
    ),
    Objective(
        name="monthly-audit-prep",
        title="Monthly: audit preparation in less than 2 hours",
        scenarios=("compliance-audit-prep",),
        measure=Measure.IN_TIME,
        limit=2 * 3600,
        target=1.0,
        window_days=_YEAR_DAYS,
    ),
    Objective(
        name="quarterly-recovery-time",
        title="Quarterly: disaster recovery within the RTO",
        scenarios=("disaster-recovery-test",),
        measure=Measure.STEP,
        step=4,
        target=1.0,
        window_days=2 * _YEAR_DAYS,
    ),
)
"""As the success metrics of the scenarios say them; a quarter of days, a year of weeks and
months, two years of quarters."""

READINGS = tuple(one.reading for one in OBJECTIVES if one.reading)
LONGEST_DAYS = max(one.window_days for one in OBJECTIVES)
