"""From results to messages: rules, hosts that are down, suppression, groups, events."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from pytest_ddd.alerts import (
    Acknowledgement,
    Decision,
    Evaluation,
    Matcher,
    Phase,
    Silence,
    Suppression,
)
from pytest_ddd.baseline.sections.escalation import Escalation
from pytest_ddd.escalation.evaluation import Mode, Plan, evaluate
from pytest_ddd.escalation.memory import MemoryBook
from pytest_ddd.messages import Kind, Message, Severity
from pytest_ddd.results import CheckResult, Reading
from tests.support.results import SCENARIO, START, result, usage

RED = {"when": ["RED"], "notify": ["pager"]}


class Desk:
    """Evaluates runs with one rule, `r`, unless told otherwise."""

    def __init__(self, rule: dict[str, object] | None = None, **section: object) -> None:
        self.book = MemoryBook()
        given = {
            "channels": {"pager": {"kind": "syslog"}, "mail": {"kind": "syslog"}},
            "rules": {"r": {**RED, **(rule or {})}},
        }
        self.plan = Plan(
            escalation=Escalation.model_validate({**given, **section}),
            timezone="Europe/Zurich",
            mode=Mode.ON,
        )

    def run(self, *results: CheckResult, at: datetime | None = None, mode=Mode.ON) -> Evaluation:
        """Evaluate, a minute after the last result."""
        self.book.waiting = list(results)
        last = max((one.started_at for one in results), default=START)
        plan = replace(self.plan, mode=mode)
        return evaluate(self.book, plan, at or last + timedelta(minutes=1))

    @property
    def alert(self):
        (found,) = self.book.alerts().values()
        return found


def kinds(evaluation: Evaluation) -> list[Kind]:
    return [one.message.kind for one in evaluation.outgoing]


def only(evaluation: Evaluation) -> Message:
    (found,) = evaluation.outgoing
    return found.message


def decision(evaluation: Evaluation) -> Decision:
    (found,) = evaluation.decisions
    return found


def why(evaluation: Evaluation) -> tuple[Suppression | None, str]:
    found = decision(evaluation)
    return found.suppressed, found.reference


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


# Hosts that are down


def down(run: int = 0, outcome: str = "RED") -> CheckResult:
    return result(run, outcome, check="reachable", reason="no route to host")


def blocked(run: int = 0, entry: str = "") -> CheckResult:
    return result(run, "BLOCKED", entry=entry, blocked_by="reachable:web1")


def test_a_host_that_is_down_is_told_once_for_all_its_checks() -> None:
    """The rule watches the health checks; the host that blocks them is its business too."""
    desk = Desk({"check": "health_endpoints"})

    evaluation = desk.run(down(), blocked(entry="a"), blocked(entry="b"))

    assert only(evaluation).summary == "web1 RED: no route to host; 2 checks blocked"


def test_and_its_return_is_told_too() -> None:
    desk = Desk({"check": "health_endpoints"})
    desk.run(down(), blocked())

    assert kinds(desk.run(down(1, "GREEN"), result(1, "GREEN"))) == [Kind.RESOLVE]


def test_a_limit_is_not_exceeded_by_a_host_that_is_down() -> None:
    desk = Desk({"when": [], "above": "90%"})

    assert desk.run(down(), blocked()).outgoing == ()


def test_no_reminder_of_what_is_blocked() -> None:
    desk = Desk({"check": "health_endpoints", "remind": "1h"})
    desk.run(result(0))

    evaluation = desk.run(blocked(1))

    assert evaluation.outgoing == ()
    assert desk.run(result(2)).outgoing != ()


def test_parents_suppress_their_children_over_generations() -> None:
    desk = Desk(parents={"endpoint:shop": ["web1"], "web2": ["endpoint:shop"]})

    evaluation = desk.run(down(), result(0, target="endpoint:shop"), result(0, target="web2"))

    told = {one.key.target: (one.suppressed, one.reference) for one in evaluation.decisions}
    assert told == {
        "web1": (None, ""),
        "endpoint:shop": (Suppression.BLOCKED, "web1"),
        "web2": (Suppression.BLOCKED, "endpoint:shop"),
    }


def test_a_child_is_told_when_its_parent_is_back_and_it_is_not() -> None:
    desk = Desk(parents={"web2": ["web1"]})
    desk.run(down(), result(0, target="web2"))

    evaluation = desk.run(down(1, "GREEN"), result(1, target="web2"))

    assert {(one.message.target, one.message.kind) for one in evaluation.outgoing} == {
        ("web1", Kind.RESOLVE),
        ("web2", Kind.TRIGGER),
    }


def test_a_parent_with_a_lesser_trouble_hides_nobody() -> None:
    desk = Desk({"when": ["RED", "YELLOW"]}, parents={"web1": ["endpoint:shop"]})

    evaluation = desk.run(result(0, "YELLOW", target="endpoint:shop"), result(0))

    assert len(evaluation.outgoing) == 2


# Suppression


def silence(**matcher: str) -> Silence:
    return Silence(
        silence_id="s1",
        matcher=Matcher(**matcher),
        starts_at=START,
        ends_at=START + timedelta(hours=30),
        author="ann",
        reason="works",
    )


def test_a_silence_stops_the_message_and_not_the_state() -> None:
    desk = Desk()
    desk.book.silenced = [silence(target="web*")]

    evaluation = desk.run(result(0))

    assert why(evaluation) == (Suppression.SILENCE, "s1")
    assert evaluation.outgoing == ()
    assert desk.alert.phase is Phase.FIRING


def test_a_silence_of_others_stops_nothing() -> None:
    desk = Desk()
    desk.book.silenced = [silence(target="db*")]

    assert kinds(desk.run(result(0))) == [Kind.TRIGGER]


def test_when_the_silence_is_over_people_are_told_without_a_new_run() -> None:
    desk = Desk()
    desk.book.silenced = [silence()]
    desk.run(result(0))

    early = desk.run(at=START + timedelta(hours=29))
    late = desk.run(at=START + timedelta(hours=31))

    assert (kinds(early), early.decisions) == ([], ())
    assert kinds(late) == [Kind.TRIGGER]


def test_the_end_of_what_was_told_is_never_silenced() -> None:
    desk = Desk()
    desk.run(result(0))
    desk.book.silenced = [silence()]

    assert kinds(desk.run(result(1, "GREEN"))) == [Kind.RESOLVE]


def test_what_was_silenced_all_along_has_no_end_to_tell() -> None:
    desk = Desk()
    desk.book.silenced = [silence()]
    desk.run(result(0))

    assert desk.run(result(1, "GREEN")).decisions == ()


def test_a_window_in_local_time() -> None:
    desk = Desk(windows={"mondays": {"at": "Mon 08:00-09:00", "target": "web*"}})  # 07:00 UTC

    assert why(desk.run(result(0))) == (Suppression.WINDOW, "mondays")
    assert kinds(desk.run(result(1))) == [Kind.TRIGGER]


def test_a_window_of_its_own_time_zone() -> None:
    desk = Desk(windows={"utc": {"at": "Mon 08:00-09:00", "timezone": "UTC"}})

    assert kinds(desk.run(result(0))) == [Kind.TRIGGER]


def test_a_dry_run_stops_even_the_end_and_forgets_nothing() -> None:
    desk = Desk()
    desk.run(result(0))

    dry = desk.run(result(1, "GREEN"), mode=Mode.DRY_RUN)
    later = desk.run(result(2, "GREEN"))

    assert why(dry) == (Suppression.DRY_RUN, "")
    assert kinds(later) == [Kind.RESOLVE]


def acknowledged(desk: Desk, hours: int) -> None:
    desk.book.acknowledged = [
        Acknowledgement(
            key=desk.alert.key,
            episode=desk.alert.episode,
            severity=desk.alert.severity,
            until=START + timedelta(hours=hours),
            author="ann",
        )
    ]


def test_an_acknowledgement_stops_reminders_until_it_expires() -> None:
    desk = Desk({"remind": "1h"})
    desk.run(result(0))
    acknowledged(desk, hours=36)

    assert why(desk.run(result(1))) == (Suppression.ACKNOWLEDGED, "ann")
    assert kinds(desk.run(result(2))) == [Kind.REMIND]


def test_that_it_got_worse_is_told_all_the_same() -> None:
    desk = Desk({"when": ["RED", "YELLOW"]})
    desk.run(result(0, "YELLOW"))
    acknowledged(desk, hours=99)

    assert kinds(desk.run(result(1, "RED"))) == [Kind.TRIGGER]


def test_an_acknowledgement_ends_with_its_episode() -> None:
    desk = Desk()
    desk.run(result(0))
    acknowledged(desk, hours=999)
    desk.run(result(1, "GREEN"))

    assert kinds(desk.run(result(2))) == [Kind.TRIGGER]


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
