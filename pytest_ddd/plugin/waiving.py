"""Applies the waivers of the baseline to results, and reports on the waivers at the end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from pytest_ddd import login
from pytest_ddd.plugin import narrowing
from pytest_ddd.plugin.site import SITE_KEY, run_started_at
from pytest_ddd.plugin.verdict import Verdict
from pytest_ddd.results import CheckResult
from pytest_ddd.scenarios.model import Frequency, Scenario

if TYPE_CHECKING:
    from pytest_ddd.evidence.waivers import Waivers

_WAIVERS_KEY = pytest.StashKey["Waivers"]()
_SEEN_KEY = pytest.StashKey[dict[str, list[CheckResult]]]()
_SCENARIOS_KEY = pytest.StashKey[dict[str, Scenario]]()


def applied(item: pytest.Item, result: CheckResult, verdict: Verdict) -> CheckResult:
    """Return the result as WAIVED if a waiver accepts what the check found."""
    waivers = _waivers(item.config)
    if waivers is None:
        return result
    waived = waivers.apply(result, wrong=verdict.wrong, blind=verdict.is_blind)
    verdict.waiver = waived.waiver
    return waived


def findings(
    config: pytest.Config, *, interrupted: bool
) -> Iterator[tuple[CheckResult, Frequency]]:
    """Yield the results of the waivers themselves, once all checks have ended."""
    waivers = _waivers(config)
    if waivers is None:
        return
    for name, results in config.stash.get(_SEEN_KEY, {}).items():
        scenario = config.stash[_SCENARIOS_KEY][name]
        whole = not interrupted and not narrowing.is_narrowed(config, name)
        for one in waivers.findings(scenario, results, whole=whole):
            yield one, scenario.frequency


def pytest_ddd_scenario_started(scenario: Scenario, config: pytest.Config) -> None:
    """Note the scenario: the results of its waivers belong to it."""
    config.stash.setdefault(_SCENARIOS_KEY, {})[scenario.name] = scenario


def pytest_ddd_result(result: CheckResult, config: pytest.Config) -> None:
    """Keep the results until it is known which waivers they needed."""
    if config.stash[SITE_KEY].baseline.waivers and not result.check_id.endswith("/waiver"):
        config.stash.setdefault(_SEEN_KEY, {}).setdefault(result.scenario, []).append(result)


def _waivers(config: pytest.Config) -> Waivers | None:
    """Return the waivers of this run, made at the first call; None when there are none."""
    baseline = config.stash[SITE_KEY].baseline if SITE_KEY in config.stash else None
    if baseline is None or not baseline.waivers:
        return None
    if _WAIVERS_KEY not in config.stash:
        from pytest_ddd.evidence.waivers import Operator, Waivers

        here = config.stash[SITE_KEY]
        names = (login.name(), *filter(None, (here.settings.operator,)))
        operator = Operator(names=names, key=here.key)
        config.stash[_WAIVERS_KEY] = Waivers(baseline, at=run_started_at(config), operator=operator)
    return config.stash[_WAIVERS_KEY]
