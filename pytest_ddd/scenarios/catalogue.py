"""The seven routines: names, frequencies, budgets and ordered steps."""

from __future__ import annotations

from pytest_ddd.scenarios.model import Frequency, Scenario, Step

_MINUTE_S = 60.0
_HOUR_S = 3600.0


def _steps(*titles: str) -> tuple[Step, ...]:
    return tuple(Step(number=number, title=title) for number, title in enumerate(titles, start=1))


SCENARIOS: tuple[Scenario, ...] = (
    Scenario(
        name="morning-health-check",
        title="Morning Health Check",
        frequency=Frequency.DAILY,
        budget_s=15 * _MINUTE_S,
        trigger="Start of business day",
        actors=("Junior engineer", "Automated monitoring"),
        steps=_steps(
            "Check all service health endpoints",
            "Verify resource utilization",
            "Review overnight error logs",
            "Confirm backup completion",
            "Validate configuration drift",
        ),
    ),
    Scenario(
        name="end-of-day-validation",
        title="End-of-Day Validation",
        frequency=Frequency.DAILY,
        budget_s=10 * _MINUTE_S,
        trigger="End of business day",
        actors=("Operations team",),
        steps=_steps(
            "Verify all batch jobs completed",
            "Check queue depths",
            "Validate data synchronization",
            "Review performance metrics",
            "Set overnight monitoring thresholds",
        ),
    ),
    Scenario(
        name="security-patch-tuesday",
        title="Security Patch Tuesday",
        frequency=Frequency.WEEKLY,
        budget_s=2 * _HOUR_S,
        trigger="Weekly patch window",
        actors=("Operations team", "Security team (approval)"),
        steps=_steps(
            "Pre-maintenance health snapshot",
            "Create rollback point",
            "Apply security patches",
            "Validate services still functional",
            "Run security scan",
            "Update compliance log",
        ),
    ),
    Scenario(
        name="performance-review",
        title="Performance Review",
        frequency=Frequency.WEEKLY,
        budget_s=_HOUR_S,
        trigger="Weekly maintenance window",
        actors=("Senior engineer",),
        steps=_steps(
            "Analyze the week's performance metrics",
            "Identify degradation trends",
            "Tune identified bottlenecks",
            "Update monitoring thresholds",
            "Document changes",
        ),
    ),
    Scenario(
        name="capacity-planning-review",
        title="Capacity Planning Review",
        frequency=Frequency.MONTHLY,
        budget_s=4 * _HOUR_S,
        trigger="Monthly planning meeting",
        actors=("Operations team", "Architecture team", "Management"),
        steps=_steps(
            "Analyze growth trends",
            "Project 3-month capacity needs",
            "Identify scaling triggers",
            "Plan infrastructure changes",
            "Update runbooks",
        ),
    ),
    Scenario(
        name="compliance-audit-prep",
        title="Compliance Audit Prep",
        frequency=Frequency.MONTHLY,
        budget_s=2 * _HOUR_S,
        trigger="Monthly compliance check",
        actors=("Compliance team", "Operations team"),
        steps=_steps(
            "Generate audit reports",
            "Verify security configurations",
            "Check access logs",
            "Validate data retention",
            "Prepare evidence package",
        ),
    ),
    Scenario(
        name="disaster-recovery-test",
        title="Disaster Recovery Test",
        frequency=Frequency.QUARTERLY,
        budget_s=8 * _HOUR_S,
        trigger="Quarterly DR requirement",
        actors=("All teams",),
        steps=_steps(
            "Initiate failover procedure",
            "Validate data consistency",
            "Test all critical paths",
            "Measure recovery time",
            "Document lessons learned",
        ),
    ),
)

_OWN_CHECKS_BUDGET_S = {
    Frequency.DAILY: 15 * _MINUTE_S,
    Frequency.WEEKLY: 2 * _HOUR_S,
    Frequency.MONTHLY: 4 * _HOUR_S,
    Frequency.QUARTERLY: 8 * _HOUR_S,
}
"""A site's own checks may take as long as the longest routine of the same frequency."""


def names() -> tuple[str, ...]:
    """Return the names of all routines, in the order in which they are listed."""
    return tuple(scenario.name for scenario in SCENARIOS)


def find(name: str, frequency: Frequency) -> Scenario:
    """Return a routine by name; of any other name, a routine of the site's own."""
    for scenario in SCENARIOS:
        if scenario.name == name:
            return scenario
    title = name.replace("-", " ").capitalize()
    budget_s = _OWN_CHECKS_BUDGET_S[frequency]
    return Scenario(name=name, title=title, frequency=frequency, budget_s=budget_s)


def frequency_of(name: str) -> Frequency:
    """Return how often a routine is done, of those that a baseline can name."""
    for scenario in SCENARIOS:
        if scenario.name == name:
            return scenario.frequency
    return Frequency(name.removesuffix("-checks"))


def own_checks(frequency: Frequency) -> str:
    """Return the routine that a check without a scenario belongs to: `daily-checks`."""
    return f"{frequency.value}-checks"


def position(name: str) -> int:
    """Return where a routine stands in the list; a site's own come last."""
    return next(
        (index for index, scenario in enumerate(SCENARIOS) if scenario.name == name),
        len(SCENARIOS),
    )
