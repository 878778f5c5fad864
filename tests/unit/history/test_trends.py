"""What judged readings were in the last runs: the lines beside them in the report."""

from __future__ import annotations

from dataclasses import replace

from pytest_ddd.history.store import Store
from pytest_ddd.history.trends import trends
from pytest_ddd.occurrences import Trend
from pytest_ddd.results import CheckResult
from tests.unit.history.samples import SCENARIO, remember, result, start


def _seen(day: int, *values: float, unit: str = "%") -> list[CheckResult]:
    """Return one look a value, at the same check of one run."""
    found = result(start(day))
    return [
        replace(
            found,
            result_id=f"{found.result_id}-{look}",
            look=look,
            readings=(replace(found.readings[0], value=value, unit=unit),),
        )
        for look, value in enumerate(values, start=1)
    ]


def _found(store: Store) -> tuple[Trend, ...]:
    with store.reading() as tx:
        return trends(tx, "prod", SCENARIO)


def test_the_values_of_the_last_runs_oldest_first(store: Store) -> None:
    for day, value in enumerate((41.0, 52.0, 47.0)):
        remember(store, start(day), _seen(day, value))

    [trend] = _found(store)

    assert (trend.target, trend.entry, trend.name, trend.unit) == (
        "web1",
        "disk:/var",
        "disk /var",
        "%",
    )
    assert trend.values == (41.0, 52.0, 47.0)


def test_the_last_look_of_a_run_counts(store: Store) -> None:
    remember(store, start(0), _seen(0, 85.0, 60.0))
    remember(store, start(1), _seen(1, 61.0))

    [trend] = _found(store)

    assert trend.values == (60.0, 61.0)


def test_one_run_is_no_trend(store: Store) -> None:
    remember(store, start(0), _seen(0, 41.0))

    assert _found(store) == ()


def test_values_of_another_unit_are_left_out(store: Store) -> None:
    """A limit that was changed from bytes to per cent makes no line with a cliff."""
    for day, unit in enumerate(("B", "%", "%")):
        remember(store, start(day), _seen(day, 41.0 + day, unit=unit))

    [trend] = _found(store)

    assert trend.values == (42.0, 43.0)


def test_other_environments_and_scenarios_are_left_out(store: Store) -> None:
    for day in range(2):
        other = start(day, environment="staging")
        remember(store, other, [replace(one, environment="staging") for one in _seen(day, 9.0)])

    assert _found(store) == ()
