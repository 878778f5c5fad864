"""The state machine: examples of its table, and what holds for every history."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_ddd.alerts import Alert, AlertKey, Phase, Sighting
from pytest_ddd.escalation.machine import Policy, advance, due, told
from pytest_ddd.messages import Kind, Severity

START = datetime(2026, 11, 23, 7, 30, tzinfo=UTC)
KEY = AlertKey(environment="prod", target="web1", check_id="m/h", entry="", rule="r")
BAD, WORSE, GOOD = Severity.WARNING, Severity.CRITICAL, None


def sighting(number: int, severity: Severity | None) -> Sighting:
    return Sighting(at=START + timedelta(hours=number), run_id=f"run{number}", severity=severity)


def played(
    severities: list[Severity | None], policy: Policy, *, alert: Alert | None = None
) -> tuple[Alert, list[Kind | None]]:
    """Feed one sighting an hour; nothing is suppressed."""
    alert = alert or Alert(key=KEY)
    kinds: list[Kind | None] = []
    for number, severity in enumerate(severities):
        one = sighting(number, severity)
        alert = advance(alert, one, policy)
        kind = due(alert, policy, one.at)
        kinds.append(kind)
        if kind is not None:
            alert = told(alert, kind, one.at, dedup_key="" if policy.event else "k")
    return alert, kinds


@pytest.mark.parametrize(
    ("policy", "severities", "phase", "kinds"),
    [
        (Policy(), [GOOD], Phase.OK, [None]),
        (Policy(runs=3), [BAD, BAD], Phase.SOFT, [None, None]),
        (Policy(runs=3), [BAD, BAD, GOOD], Phase.OK, [None, None, None]),
        (Policy(runs=3), [BAD, BAD, BAD], Phase.FIRING, [None, None, Kind.TRIGGER]),
        (Policy(), [BAD, WORSE], Phase.FIRING, [Kind.TRIGGER, Kind.TRIGGER]),
        (Policy(), [WORSE, BAD], Phase.FIRING, [Kind.TRIGGER, None]),
        (Policy(), [BAD, GOOD], Phase.OK, [Kind.TRIGGER, Kind.RESOLVE]),
        (Policy(recover=2), [BAD, GOOD], Phase.RECOVERING, [Kind.TRIGGER, None]),
        (Policy(recover=2), [BAD, GOOD, BAD], Phase.FIRING, [Kind.TRIGGER, None, None]),
        (Policy(recover=2), [BAD, GOOD, GOOD], Phase.OK, [Kind.TRIGGER, None, Kind.RESOLVE]),
        (Policy(runs=2, of=3), [BAD, GOOD, BAD], Phase.FIRING, [None, None, Kind.TRIGGER]),
        (
            Policy(runs=2, of=3),
            [BAD, BAD, GOOD, GOOD],
            Phase.OK,
            [None, Kind.TRIGGER, None, Kind.RESOLVE],
        ),
        (
            Policy(remind=timedelta(hours=2)),
            [BAD, BAD, BAD, BAD],
            Phase.FIRING,
            [Kind.TRIGGER, None, Kind.REMIND, None],
        ),
        (
            Policy(event=True, remind=timedelta(hours=2)),
            [BAD, BAD, BAD, GOOD],
            Phase.OK,
            [Kind.TRIGGER, None, Kind.TRIGGER, None],
        ),
    ],
)
def test_table(
    policy: Policy, severities: list[Severity | None], phase: Phase, kinds: list[Kind | None]
) -> None:
    alert, found = played(severities, policy)

    assert (alert.phase, found) == (phase, kinds)


def test_each_incident_is_an_episode_of_its_own() -> None:
    alert, _ = played([BAD, BAD, GOOD, BAD], Policy())

    assert alert.episode == 2


def test_a_new_episode_does_not_inherit_how_bad_the_last_one_was() -> None:
    alert, kinds = played([WORSE, GOOD, BAD], Policy())

    assert alert.severity is BAD
    assert kinds[-1] is Kind.TRIGGER


def test_what_recovers_and_was_never_told_is_not_told_now() -> None:
    policy, alert = Policy(recover=2), Alert(key=KEY)
    for number, severity in enumerate([BAD, GOOD]):
        alert = advance(alert, sighting(number, severity), policy)

    assert alert.phase is Phase.RECOVERING
    assert due(alert, policy, START + timedelta(hours=3)) is None


def test_an_event_is_not_told_again_without_a_new_line() -> None:
    policy = Policy(event=True, remind=timedelta(hours=1))
    alert, _ = played([BAD], policy)

    assert due(alert, policy, START + timedelta(days=3)) is None


policies = st.builds(
    Policy,
    runs=st.integers(1, 4),
    of=st.none(),
    recover=st.integers(1, 4),
    remind=st.sampled_from([None, timedelta(hours=2)]),
) | st.integers(1, 3).flatmap(
    lambda runs: st.builds(
        Policy, runs=st.just(runs), of=st.integers(runs, runs + 4), recover=st.integers(1, 3)
    )
)

severities = st.one_of(
    st.lists(st.sampled_from([GOOD, BAD, WORSE]), max_size=30),
    st.lists(st.booleans(), max_size=15).map(  # alternating: where incidents open and close
        lambda flags: [one for flag in flags for one in ((BAD, GOOD) if flag else (WORSE, GOOD))]
    ),
    st.lists(st.integers(1, 4), max_size=8).map(  # bursts as long as policies ask for
        lambda bursts: [
            BAD if turn % 2 == 0 else GOOD
            for turn, count in enumerate(bursts)
            for _ in range(count)
        ]
    ),
)

histories = severities.flatmap(
    lambda found: st.tuples(
        st.just(found), st.lists(st.booleans(), min_size=len(found), max_size=len(found))
    )
)
"""Severities, and whether a message would be suppressed then."""


def heard(
    history: tuple[list[Severity | None], list[bool]], policy: Policy
) -> tuple[Alert, list[tuple[int, Kind]]]:
    """Feed a history, under suppression; a resolve is never suppressed."""
    alert, messages = Alert(key=KEY), []
    for number, (severity, suppressed) in enumerate(zip(*history, strict=True)):
        one = sighting(number, severity)
        alert = advance(alert, one, policy)
        kind = due(alert, policy, one.at)
        if kind is not None and (kind is Kind.RESOLVE or not suppressed):
            messages.append((number, kind))
            alert = told(alert, kind, one.at, dedup_key="" if policy.event else "k")
    return alert, messages


@settings(max_examples=400)
@given(histories, policies)
def test_an_incident_is_opened_before_it_is_closed(
    history: tuple[list[Severity | None], list[bool]], policy: Policy
) -> None:
    _, messages = heard(history, policy)

    is_open = False
    for _, kind in messages:
        assert is_open or kind is Kind.TRIGGER
        is_open = kind is not Kind.RESOLVE


@settings(max_examples=400)
@given(histories, policies)
def test_a_second_trigger_only_ever_raises(
    history: tuple[list[Severity | None], list[bool]], policy: Policy
) -> None:
    alert, opened_with = Alert(key=KEY), None
    for number, severity in enumerate(history[0]):
        one = sighting(number, severity)
        alert = advance(alert, one, policy)
        kind = due(alert, policy, one.at)
        if kind is Kind.TRIGGER:
            assert opened_with is None or (opened_with, alert.severity) == (BAD, WORSE)
            opened_with = alert.severity
        if kind is Kind.RESOLVE:
            opened_with = None
        if kind is not None:
            alert = told(alert, kind, one.at, dedup_key="k")


@settings(max_examples=400)
@given(histories, policies)
def test_what_is_bad_often_enough_is_announced_unless_suppressed(
    history: tuple[list[Severity | None], list[bool]], policy: Policy
) -> None:
    found, _ = history
    found = [*found, *[BAD] * policy.memory]

    alert, _ = heard((found, [True] * (len(found) - 1) + [False]), policy)

    assert alert.phase is Phase.FIRING
    assert alert.announced_as == "k"


@settings(max_examples=400)
@given(histories, policies)
def test_a_long_recovery_closes_what_is_open(
    history: tuple[list[Severity | None], list[bool]], policy: Policy
) -> None:
    found = [*history[0], *[GOOD] * (2 * policy.memory)]

    alert, _ = heard((found, [*history[1], *[True] * 2 * policy.memory]), policy)

    assert (alert.phase, alert.announced_as) == (Phase.OK, "")


@settings(max_examples=400)
@given(histories, policies)
def test_suppression_never_touches_the_phase(
    history: tuple[list[Severity | None], list[bool]], policy: Policy
) -> None:
    free, _ = heard((history[0], [False] * len(history[0])), policy)
    suppressed, _ = heard((history[0], [True] * len(history[0])), policy)

    assert (free.phase, free.episode, free.severity) == (
        suppressed.phase,
        suppressed.episode,
        suppressed.severity,
    )


@settings(max_examples=400)
@given(histories, policies, st.data())
def test_what_was_heard_before_changes_nothing(
    history: tuple[list[Severity | None], list[bool]], policy: Policy, data: st.DataObject
) -> None:
    alert, _ = heard(history, policy)
    if history[0]:
        number = data.draw(st.integers(0, len(history[0]) - 1))

        assert advance(alert, sighting(number, history[0][number]), policy) == alert


@settings(max_examples=400)
@given(severities, policies, st.randoms(use_true_random=False))
def test_the_order_in_which_runs_are_heard_does_not_change_what_is_remembered(
    found: list[Severity | None], policy: Policy, random: object
) -> None:
    """Two runs at once: what decides is when they looked, not who ended first."""
    sightings = [sighting(number, severity) for number, severity in enumerate(found)]
    for start in range(0, len(sightings) - 1, 2):
        if random.random() < 0.5:  # type: ignore[attr-defined]
            sightings[start : start + 2] = reversed(sightings[start : start + 2])
    in_order, shuffled = Alert(key=KEY), Alert(key=KEY)
    for number, severity in enumerate(found):
        in_order = advance(in_order, sighting(number, severity), policy)
    for one in sightings:
        shuffled = advance(shuffled, one, policy)

    assert shuffled.seen == in_order.seen


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_two_runs_at_once_fire_whichever_ends_first(order: tuple[int, int]) -> None:
    policy, alert = Policy(runs=2), Alert(key=KEY)
    for number in order:
        alert = advance(alert, sighting(number, BAD), policy)

    assert (alert.phase, alert.episode) == (Phase.FIRING, 1)


def test_looking_again_clears_what_blocked_it() -> None:
    blocked = replace(Alert(key=KEY), blocked_by="web1")

    assert advance(blocked, sighting(0, GOOD), Policy()).blocked_by == ""
