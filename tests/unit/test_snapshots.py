"""What is said of a check that was looked at before and after a change."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_ddd.outcomes import Outcome
from pytest_ddd.results import CheckResult, Limit, Threshold, judge
from pytest_ddd.snapshots import Comparison, Kind, compare, pairs
from tests.support.results import START, result, usage

G, Y, R, U, B, N, W = (
    "GREEN", "YELLOW", "RED", "UNKNOWN", "BLOCKED", "NOT_APPLICABLE", "WAIVED",
)  # fmt: skip
TABLE: dict[tuple[str, str], tuple[Kind, bool]] = {
    (G, G): (Kind.SAME, True),
    (G, Y): (Kind.REGRESSED, False),
    (G, R): (Kind.REGRESSED, False),
    (Y, R): (Kind.REGRESSED, False),
    (Y, G): (Kind.FIXED, True),
    (R, G): (Kind.FIXED, True),
    (R, R): (Kind.SAME, True),
    (R, Y): (Kind.SAME, True),
    (W, W): (Kind.SAME, True),
    (W, R): (Kind.REGRESSED, False),
    (W, G): (Kind.FIXED, True),
    (R, W): (Kind.NOT_COMPARABLE, True),
    (U, G): (Kind.NOT_COMPARABLE, True),
    (U, R): (Kind.NOT_COMPARABLE, False),
    (U, Y): (Kind.NOT_COMPARABLE, False),
    (U, U): (Kind.NOT_COMPARABLE, False),
    (G, U): (Kind.NOT_COMPARABLE, False),
    (R, U): (Kind.NOT_COMPARABLE, False),
    (G, B): (Kind.NOT_COMPARABLE, False),
    (G, N): (Kind.NOT_COMPARABLE, False),
    (N, G): (Kind.NOT_COMPARABLE, True),
    (N, R): (Kind.NOT_COMPARABLE, False),
}


def both(before: CheckResult | None, now: CheckResult | None) -> Comparison:
    compared = compare([before] if before else [], [now] if now else [])
    return Comparison(run_id="r", taken_at=START, compared=compared, is_gate=True)


@pytest.mark.parametrize(
    ("outcomes", "expected"), TABLE.items(), ids=lambda v: "-".join(map(str, v))
)
def test_kinds(outcomes: tuple[str, str], expected: tuple[Kind, bool]) -> None:
    """Only what is known on both sides is compared; UNKNOWN never passes."""
    found = both(result(outcome=outcomes[0]), result(outcome=outcomes[1]))

    [one] = found.compared
    assert (one.kind, one.passes) == expected


@pytest.mark.parametrize(("outcome", "passes"), [(G, True), (Y, False), (R, False), (U, False)])
def test_a_new_check_passes_only_when_green(outcome: str, passes: bool) -> None:
    """What nobody looked at before may have been good."""
    [one] = both(None, result(outcome=outcome)).compared

    assert (one.kind, one.passes) == (Kind.NOT_COMPARABLE, passes)


def test_a_lost_check_never_passes() -> None:
    """What is not looked at any more may be broken."""
    [one] = both(result(outcome=G), None).compared

    assert (one.kind, one.passes, one.why) == (Kind.NOT_COMPARABLE, False, "not looked at now")


def test_what_never_applied_is_left_out() -> None:
    """It was nothing, and is nothing."""
    assert both(result(outcome=N), result(outcome=N)).compared == ()
    assert both(result(outcome=N), None).compared == ()


def test_nothing_to_compare_is_no_pass() -> None:
    """A gate that saw nothing says so."""
    assert both(None, result(outcome=G)).obstacles == ("nothing could be compared",)
    assert both(result(outcome=G), result(outcome=G)).obstacles == ()


def test_what_never_applied_says_nothing() -> None:
    """It neither passes nor stops the other scenarios."""
    empty = both(result(outcome=N), result(outcome=N))

    assert (empty.is_empty, empty.obstacles) == (True, ())
    assert not both(None, result(outcome=G)).is_empty


def test_red_for_another_reason_regressed() -> None:
    """A fault that was there does not hide a new one in the same check."""
    [one] = both(
        result(reason="nginx is failed"), result(reason="nginx is failed; cron is failed")
    ).compared

    assert one.kind is Kind.REGRESSED
    assert one.why == "bad before, and now also: cron is failed"


@pytest.mark.parametrize(
    ("then", "now", "kind"),
    [
        ("pid 812 is stopped", "pid 97 is stopped", Kind.SAME),
        ("took 3s", "took 12s", Kind.SAME),
        ("/data1 is missing", "/data2 is missing", Kind.REGRESSED),
        ("web1 is down", "web2 is down", Kind.REGRESSED),
        ("tcp:80 is closed", "tcp:443 is closed", Kind.REGRESSED),
    ],
)
def test_measured_values_are_no_names(then: str, now: str, kind: Kind) -> None:
    """A number by itself may differ; one in a name is another thing."""
    [one] = both(result(reason=then), result(reason=now)).compared

    assert one.kind is kind


def judged(name: str, value: float) -> CheckResult:
    limits = Threshold(warn=Limit(value=80), crit=Limit(value=90), unit="%")
    reading = judge(usage(value, name), limits)
    assert reading.outcome is not None
    told = replace(result(outcome=reading.outcome.value), readings=(reading,))
    from pytest_ddd.results import explain

    return replace(told, reason=explain(reading))


def test_the_same_disk_a_little_fuller_is_the_same() -> None:
    """Both beyond the same limit."""
    [one] = both(judged("disk /var", 93), judged("disk /var", 94.5)).compared

    assert one.kind is Kind.SAME


def test_another_disk_in_the_same_check_regressed() -> None:
    """The name of the reading counts, not that something was red."""
    [one] = both(judged("disk /var", 93), judged("disk /srv", 93)).compared

    assert one.kind is Kind.REGRESSED


def test_a_reading_that_got_worse_behind_a_red_one_regressed() -> None:
    """Yellow to red behind something that was red already."""
    limits = Threshold(warn=Limit(value=80), crit=Limit(value=90), unit="%")
    then = (judge(usage(95, "a"), limits), judge(usage(85, "b"), limits))
    now = (judge(usage(95, "a"), limits), judge(usage(92, "b"), limits))

    [one] = both(result(reason="", readings=then), result(reason="", readings=now)).compared

    assert (one.kind, one.why) == (Kind.REGRESSED, "bad before, and now also: b")


def test_pairs_of_names_are_compared() -> None:
    """`x_after` with `x_before`, of the same target and entry; the worst comes first."""
    results = [
        result(outcome=G, check="x_before"),
        result(outcome=G, check="x_after", entry="other"),
        result(outcome=R, check="x_after"),
        result(outcome=G, check="scan"),
    ]

    found = compare(*pairs(results))

    assert [(one.kind, one.check, one.entry) for one in found] == [
        (Kind.REGRESSED, "morning-health-check/x", ""),
        (Kind.NOT_COMPARABLE, "morning-health-check/x", "other"),
    ]


def test_the_last_look_decides() -> None:
    """A yellow that was green at its second look is green."""
    now = [result(outcome=Y), result(outcome=G, look=2)]

    [one] = compare([result(outcome=G)], now)

    assert one.kind is Kind.SAME


def test_of_two_checks_with_one_name_the_worst_counts() -> None:
    """They share their identity, not their nodeid."""
    now = [result(outcome=R), replace(result(outcome=G), nodeid="another")]

    [one] = compare([result(outcome=G)], now)

    assert (one.kind, one.now) == (Kind.REGRESSED, Outcome.RED)
