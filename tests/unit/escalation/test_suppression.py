"""What stops a message and never the state: hosts that are down, silences, windows, dry runs."""

from __future__ import annotations

from datetime import timedelta

from pytest_ddd.alerts import (
    Acknowledgement,
    Matcher,
    Phase,
    Silence,
    Suppression,
)
from pytest_ddd.escalation.evaluation import Mode
from pytest_ddd.messages import Kind
from pytest_ddd.results import CheckResult
from tests.support.desk import Desk, kinds, only, why
from tests.support.results import START, result

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
