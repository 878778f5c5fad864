"""Our markers: registered, documented and checked for wrong arguments."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from pytest_ddd.scenarios import catalogue
from pytest_ddd.scenarios.model import Frequency, Scenario

MARKERS = (
    "daily: a check that is done every day",
    "weekly: a check that is done every week",
    "monthly: a check that is done every month",
    "quarterly: a check that is done every three months",
    "scenario(name): the routine that a check belongs to",
    "step(number): the step of the routine that a check does",
    "action: a check that may change things, with --ddd-apply only",
    "control(id, ...): compliance controls that a check gives evidence for",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a check belongs: its scenario, step and controls, and whether it is an action."""

    scenario: Scenario
    step: int
    controls: tuple[str, ...]
    acts: bool
    """Whether it may change things."""

    @property
    def order(self) -> tuple[int, int, str, int]:
        """Sort key: frequency, routine, step."""
        frequencies = list(Frequency)
        frequency = frequencies.index(self.scenario.frequency)
        return (frequency, catalogue.position(self.scenario.name), self.scenario.name, self.step)


def pytest_configure(config: pytest.Config) -> None:
    """Register the markers, so that strict runs know them."""
    for marker in MARKERS:
        config.addinivalue_line("markers", marker)


_FREQUENCIES = tuple((one.value, one) for one in Frequency)
_PLACE = pytest.StashKey["Place"]()
_PLACES = pytest.StashKey["dict[tuple[object, ...], Place]"]()
"""The places of functions, as a function may have thousands of items."""


def is_check(item: pytest.Item) -> bool:
    """Whether an item has a frequency marker."""
    return _PLACE in item.stash or any(item.get_closest_marker(name) for name, _ in _FREQUENCIES)


def place(item: pytest.Item) -> Place:
    """Return where a check belongs.

    Raises:
        pytest.UsageError: a marker has wrong arguments.
    """
    found = item.stash.get(_PLACE, None)
    if found is None:
        places = item.config.stash.setdefault(_PLACES, {})
        key = (item.parent, *map(_Same, item.own_markers))
        if (found := places.get(key)) is None:
            found = places[key] = _place(item)
        item.stash[_PLACE] = found
    return found


class _Same:
    """A marker as a key: equal to itself only, as its arguments may be anything."""

    __slots__ = ("_marker",)

    def __init__(self, marker: pytest.Mark) -> None:
        self._marker = marker

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self._marker is other._marker

    def __hash__(self) -> int:
        return id(self._marker)


def _place(item: pytest.Item) -> Place:
    frequencies = [one for name, one in _FREQUENCIES if item.get_closest_marker(name) is not None]
    if len(frequencies) != 1:
        names = " and ".join(frequencies)
        raise pytest.UsageError(f"{item.nodeid}: one frequency, not {names}: remove a marker")
    frequency = frequencies[0]
    name = _scenario_name(item) or catalogue.own_checks(frequency)
    scenario = catalogue.find(name, frequency)
    if scenario.frequency is not frequency:
        raise pytest.UsageError(
            f"{item.nodeid}: {name} is a {scenario.frequency.value} routine, "
            f"but the check is marked {frequency.value}"
        )
    step = _step_number(item)
    if scenario.steps and step > len(scenario.steps):
        raise pytest.UsageError(
            f"{item.nodeid}: {scenario.title} has {len(scenario.steps)} steps, not {step}"
        )
    acts = item.get_closest_marker("action") is not None
    return Place(scenario=scenario, step=step, controls=_controls(item), acts=acts)


def _scenario_name(item: pytest.Item) -> str:
    marker = item.get_closest_marker("scenario")
    if marker is None:
        return ""
    if marker.kwargs or len(marker.args) != 1 or not isinstance(marker.args[0], str):
        raise pytest.UsageError(f'{item.nodeid}: write @pytest.mark.scenario("name")')
    return marker.args[0]


def _step_number(item: pytest.Item) -> int:
    marker = item.get_closest_marker("step")
    if marker is None:
        return 1
    number = marker.args[0] if len(marker.args) == 1 and not marker.kwargs else None
    if not isinstance(number, int) or isinstance(number, bool) or number < 1:
        raise pytest.UsageError(f"{item.nodeid}: write @pytest.mark.step(1), a number from 1")
    return number


def _controls(item: pytest.Item) -> tuple[str, ...]:
    controls: list[str] = []
    for marker in item.iter_markers("control"):
        if marker.kwargs or not marker.args or not all(isinstance(a, str) for a in marker.args):
            raise pytest.UsageError(f'{item.nodeid}: write @pytest.mark.control("ISO A.8.9", …)')
        controls.extend(marker.args)
    return tuple(dict.fromkeys(controls))
