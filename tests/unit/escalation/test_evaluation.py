"""From results to messages: rules, groups, events."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from pytest_ddd.alerts import (
    Phase,
)
from pytest_ddd.baseline.sections.escalation import Escalation
from pytest_ddd.escalation.evaluation import Mode
from pytest_ddd.messages import Kind, Severity
from pytest_ddd.results import CheckResult, Reading
from tests.support.desk import RED, Desk, decision, kinds, only
from tests.support.results import SCENARIO, START, result, usage


@pytest.mark.parametrize(
    ("rule", "outcome", "bad"),
    [
        ({}, "RED", True),
        ({}, "YELLOW", False),
        ({}, "UNKNOWN", False),
        ({"when": ["UNKNOWN"]}, "UNKNOWN", True),
        ({"when": ["RED", "YELLOW"]}, "YELLOW", True),
        ({"check": "health_*"}, "RED", True),
        ({"check": f"{SCENARIO}/health_endpoints"}, "RED", True),
        ({"check": "resource*"}, "RED", False),
        ({"scenario": "end-of-day-validation"}, "RED", False),
        ({"target": "web*"}, "RED", True),
        ({"target": "db*"}, "RED", False),
        ({"entry": "x"}, "RED", False),
    ],
)
def test_what_a_rule_calls_bad(rule: dict[str, object], outcome: str, bad: bool) -> None:
    assert bool(Desk(rule).run(result(0, outcome)).outgoing) == bad


@pytest.mark.parametrize(
    ("value", "outcome", "bad"),
    [
        (90.0, "RED", False),  # "more than 90 %" is more than 90 %
        (90.1, "YELLOW", True),
        (95.0, "GREEN", True),
        (95.0, "UNKNOWN", True),  # one mount hangs, and another one is full
    ],
)
def test_above_asks_the_reading_and_not_the_outcome(value: float, outcome: str, bad: bool) -> None:
    desk = Desk({"when": [], "above": "90%"})

    assert bool(desk.run(result(0, outcome, readings=(usage(value),))).outgoing) == bad


def test_above_passes_over_readings_of_another_unit_or_name() -> None:
    desk = Desk({"when": [], "above": "90%", "reading": "disk *"})
    readings = (usage(99, unit="bytes"), usage(99, name="cpu"))

    assert desk.run(result(0, "RED", readings=readings)).outgoing == ()
    assert desk.book.alerts() == {}


@pytest.mark.parametrize("outcome", ["UNKNOWN", "BLOCKED", "NOT_APPLICABLE"])
def test_what_could_not_be_looked_at_resolves_nothing(outcome: str) -> None:
    desk = Desk()
    desk.run(result(0))

    assert desk.run(result(1, outcome)).outgoing == ()
    assert desk.alert.phase is Phase.FIRING
    assert kinds(desk.run(result(2, "GREEN"))) == [Kind.RESOLVE]


def test_a_waiver_ends_it() -> None:
    desk = Desk()
    desk.run(result(0))

    assert kinds(desk.run(result(1, "WAIVED"))) == [Kind.RESOLVE]


def test_the_last_look_decides() -> None:
    desk = Desk()

    assert desk.run(result(0, "RED"), result(0, "GREEN", look=2)).outgoing == ()


def test_of_checks_with_one_identity_the_worst_decides() -> None:
    desk = Desk()
    other = replace(result(0, "GREEN"), nodeid="another")

    assert kinds(desk.run(result(0, "RED"), other)) == [Kind.TRIGGER]


def test_severity_follows_the_outcome_and_a_rise_is_told() -> None:
    desk = Desk({"when": ["RED", "YELLOW"]})

    first, second = desk.run(result(0, "YELLOW")), desk.run(result(1, "RED"))

    assert (only(first).severity, only(second).severity) == (Severity.WARNING, Severity.CRITICAL)
    assert only(first).dedup_key == only(second).dedup_key


def test_a_message_says_what_where_and_where_to_read_on() -> None:
    desk = Desk({"runbook": "5.2"})
    message = only(desk.run(result(0, entry="shop", readings=(usage(93),))))

    assert message.summary == "web1 shop RED: it is bad"
    assert message.dedup_key == f"ddd/prod/web1/{SCENARIO}/health_endpoints/shop/r"
    assert message.runbook == "5.2"
    assert message.details["runbook"] == "check runbook section 5.2"
    assert (message.scenario, message.run_id) == (SCENARIO, "run0")


def test_when_silence_means_neither_good_nor_bad() -> None:
    desk = Desk()
    due = START + timedelta(days=1)
    desk.plan = replace(desk.plan, expected_again={SCENARIO: due})

    assert only(desk.run(result())).expected_again_at == due


def test_a_rule_that_is_gone_closes_what_it_opened() -> None:
    desk = Desk()
    desk.run(result(0))
    desk.plan = replace(desk.plan, escalation=Escalation())

    evaluation = desk.run()

    assert kinds(evaluation) == [Kind.RESOLVE]
    assert evaluation.outgoing[0].channel == "pager"
    assert desk.alert.announced_as == ""


def test_the_end_is_told_to_those_who_heard_of_the_beginning() -> None:
    desk = Desk()
    desk.run(result(0))
    rules = {"r": {**RED, "notify": ["mail"]}}
    changed = {"channels": {"mail": {"kind": "syslog"}}, "rules": rules}
    desk.plan = replace(desk.plan, escalation=Escalation.model_validate(changed))

    assert [one.channel for one in desk.run(result(1, "GREEN")).outgoing] == ["pager"]


def test_results_that_come_again_say_nothing_new() -> None:
    desk, one = Desk({"runs": 2}), result(0)
    desk.run(one)

    evaluation = desk.run(one)

    assert (evaluation.outgoing, evaluation.transitions) == ((), ())


def test_runs_that_interleave_end_alike_whoever_is_heard_first() -> None:
    """Two runs at once look at 50 hosts each; in order, reversed, and both in one evaluation."""
    first = [result(0, target=f"web{n}") for n in range(9)]
    second = [result(1, target=f"web{n}") for n in range(9)]
    orders = ([first, second], [second, first], [[*first, *second]])
    found = []
    for order in orders:
        desk = Desk({"runs": 2, "group_above": 99})
        messages = [
            (one.message.kind, one.message.dedup_key, one.message.summary)
            for results in order
            for one in desk.run(*results).outgoing
        ]
        alerts = {
            key: (one.phase, one.episode, one.seen) for key, one in desk.book.alerts().items()
        }
        found.append((messages, alerts))

    assert found[0] == found[1] == found[2]
    assert len(found[0][0]) == 9


def test_off_covers_and_says_nothing() -> None:
    desk = Desk()
    evaluation = desk.run(result(0), mode=Mode.OFF)

    assert len(evaluation.result_ids) == 1
    assert desk.book.alerts() == {}


# Groups


def many(run: int, outcome: str = "RED", count: int = 6) -> list[CheckResult]:
    return [result(run, outcome, target=f"web{number}") for number in range(count)]


def test_more_than_a_few_at_once_are_one_message() -> None:
    message = only(Desk().run(*many(0)))

    assert message.summary == "prod: 6 alerts on 6 targets (r)"
    assert len(message.members) == 6
    assert message.dedup_key.startswith("ddd/prod/r/group/")


def test_a_few_are_told_one_by_one() -> None:
    assert len(Desk().run(*many(0, count=5)).outgoing) == 5


def test_a_group_ends_with_its_last_member() -> None:
    desk = Desk()
    opened = only(desk.run(*many(0)))

    half = desk.run(*many(1, "GREEN")[:3], *many(1)[3:])
    rest = desk.run(*many(2, "GREEN"))

    assert half.outgoing == ()
    assert (only(rest).kind, only(rest).dedup_key) == (Kind.RESOLVE, opened.dedup_key)


def test_who_falls_ill_again_while_the_group_is_open_is_no_news() -> None:
    desk = Desk()
    desk.run(*many(0))
    desk.run(*many(1, "GREEN")[:3], *many(1)[3:])

    assert desk.run(*many(2)).outgoing == ()


def test_reminders_of_a_group_are_one_message() -> None:
    desk = Desk({"remind": "1h"})
    desk.run(*many(0))

    assert only(desk.run(*many(1))).kind is Kind.REMIND


def test_alertmanager_groups_by_itself() -> None:
    channels = {"pager": {"kind": "alertmanager", "url": "http://127.0.0.1:9093"}}

    assert len(Desk(channels=channels).run(*many(0)).outgoing) == 6


def test_a_thousand_members_are_not_all_listed() -> None:
    message = only(Desk().run(*many(0, count=1000)))

    assert len(message.members) == 101
    assert message.members[-1] == "… and 900 more"


# Events


def logged(run: int, line: str) -> CheckResult:
    readings = (
        Reading(name="critical app", value=1, at=START, detail=line),
        Reading(name="errors app", value=0, at=START),
    )
    return result(run, "RED", check="overnight_error_logs", readings=readings)


EVENT = {"when": [], "event": True, "above": 0, "reading": "critical *"}


def test_an_event_has_no_end() -> None:
    desk = Desk(EVENT)
    first = desk.run(logged(0, "12: disk failure at 0x1f"))
    quiet = desk.run(
        result(1, "GREEN", check="overnight_error_logs", readings=(usage(0, "critical app", ""),))
    )

    assert kinds(first) == [Kind.TRIGGER]
    assert kinds(quiet) == []


def test_the_same_event_is_told_once_however_its_numbers_differ() -> None:
    desk = Desk({**EVENT, "remind": "3d"})
    desk.run(logged(0, "12: disk failure at 0x1f"))

    assert desk.run(logged(1, "99: disk failure at 0x2e")).outgoing == ()
    assert kinds(desk.run(logged(4, "7: disk failure at 0x30"))) == [Kind.TRIGGER]


def test_another_event_is_news() -> None:
    desk = Desk({**EVENT, "remind": "3d"})
    desk.run(logged(0, "12: disk failure"))

    evaluation = desk.run(logged(1, "13: out of memory"))

    assert kinds(evaluation) == [Kind.TRIGGER]
    assert len(desk.book.alerts()) == 2


def test_a_fallback_and_a_proposal_travel_with_the_message() -> None:
    desk = Desk(
        {"fallback": {"notify": ["mail"]}, "propose": "scale"},
        proposals={"scale": {"command": ["scale", "{target}", "--replicas=6"]}},
    )

    evaluation = desk.run(result(0))

    assert evaluation.outgoing[0].fallback == ("mail",)
    assert decision(evaluation).command == ("scale", "web1", "--replicas=6")
    assert only(evaluation).details["proposed command"] == "scale web1 --replicas=6"


def test_a_rule_of_a_scenario_that_ran_and_watches_nothing_is_idle() -> None:
    desk = Desk({"scenario": SCENARIO, "check": "helth_endpoints"})

    assert desk.run(result(0, "GREEN")).idle_rules == ("r",)
