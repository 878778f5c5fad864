"""The summary: numbers that add up, and no green that is not one."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_ddd.evidence.facts import RunFacts, StepFacts
from pytest_ddd.evidence.summary import RunSummary, natural, summarize
from pytest_ddd.outcomes import Outcome
from pytest_ddd.results import NOT_DONE, CheckResult
from tests.unit.evidence.samples import FACTS, reachable, result

G, Y, R, U = Outcome.GREEN, Outcome.YELLOW, Outcome.RED, Outcome.UNKNOWN
B, W, N = Outcome.BLOCKED, Outcome.WAIVED, Outcome.NOT_APPLICABLE

results = st.lists(
    st.builds(
        result,
        st.sampled_from(Outcome),
        target=st.sampled_from(["web1", "web2", "db1"]),
        entry=st.sampled_from(["cpu", "memory", "disk:/var"]),
        look=st.integers(1, 3),
        blocked_by=st.sampled_from(["", "web1", "web2", "nobody"]),
        step=st.integers(0, 3),
    ),
    max_size=20,
)


@given(results)
@settings(max_examples=200)
def test_the_counts_add_up(found: list[CheckResult]) -> None:
    summary = summarize(FACTS, found)
    total = len(summary.checks)
    assert sum(number for _, number in summary.counts) == total
    assert sum(len(step.checks) for step in summary.steps) == total
    assert sum(n for target in summary.targets for _, n in target.counts) == total
    assert sum(len(check.looks) for check in summary.checks) == len(found)


@given(results)
@settings(max_examples=200)
def test_everything_that_needs_attention_is_shown_once(found: list[CheckResult]) -> None:
    summary = summarize(FACTS, found)
    shown = [cause.check.number for cause in summary.attention if cause.check]
    shown += [check.number for cause in summary.attention for check in cause.blocked]
    assert sorted(shown) == [c.number for c in summary.checks if c.outcome in (R, U, B, Y)]


@given(results)
@settings(max_examples=200)
def test_a_green_verdict_has_nothing_else_behind_it(found: list[CheckResult]) -> None:
    summary = summarize(FACTS, found)
    if summary.verdict.outcome is G:
        assert {check.outcome for check in summary.checks} <= {G, N}


@given(results, st.randoms())
@settings(max_examples=100)
def test_the_order_of_arrival_does_not_matter(
    found: list[CheckResult], chance: random.Random
) -> None:
    found = [replace(one, result_id=str(number)) for number, one in enumerate(found)]
    shuffled = chance.sample(found, len(found))
    assert summarize(FACTS, shuffled).counts == summarize(FACTS, found).counts


def verdict_of(*outcomes: Outcome, facts: RunFacts = FACTS) -> tuple[Outcome, str]:
    found = [result(outcome, target=f"web{n}") for n, outcome in enumerate(outcomes)]
    verdict = summarize(facts, found).verdict
    return verdict.outcome, verdict.words


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        ((G, G), (G, "All good")),
        ((G, Y), (Y, "Needs a look")),
        ((G, Y, R, U), (R, "Action needed")),
        ((G, U, Y), (U, "Not everything could be looked at")),
        ((G, B), (B, "Not everything could be looked at")),
        ((G, W), (W, "Good, with waivers")),
        ((N, N), (N, "Nothing was checked")),
        ((), (U, "Not everything could be looked at")),
    ],
)
def test_the_verdict_is_the_worst(
    outcomes: tuple[Outcome, ...], expected: tuple[Outcome, str]
) -> None:
    assert verdict_of(*outcomes) == expected


def test_what_was_held_back_was_not_done() -> None:
    held_back = result(B, target="web1", reason=f"{NOT_DONE}: other: it is RED")
    unseen = result(B, target="web2", reason="not looked at: web2: down")
    red = result(R, target="db1")

    assert summarize(FACTS, [result(), held_back]).verdict.words == "Not everything was done"
    both = summarize(FACTS, [held_back, unseen]).verdict
    assert both.words == "Not everything could be looked at"
    sentence = summarize(FACTS, [red, held_back, unseen]).verdict.sentence
    assert sentence == (
        "1 of 3 checks needs attention on db1; 1 more could not be looked at; 1 more was not done."
    )


def test_an_interrupted_run_is_not_green() -> None:
    interrupted = replace(FACTS, interrupted=True)
    assert verdict_of(G, facts=interrupted) == (U, "Stopped before the end")


def test_an_interrupted_run_with_a_fault_stays_red() -> None:
    assert verdict_of(R, facts=replace(FACTS, interrupted=True))[0] is R


def test_an_overrun_is_yellow() -> None:
    assert verdict_of(G, facts=replace(FACTS, used_s=901.0))[0] is Y


def test_a_run_without_a_budget_cannot_overrun() -> None:
    assert verdict_of(G, facts=replace(FACTS, used_s=901.0, budget_s=None))[0] is G


def test_the_wait_for_a_second_look_is_no_overrun() -> None:
    assert verdict_of(G, facts=replace(FACTS, waited_s=9000.0))[0] is G


def test_a_damaged_record_is_not_green() -> None:
    assert summarize(FACTS, [result()], ["results.jsonl:2: cut"]).verdict.outcome is U


def test_a_step_that_could_not_be_looked_at_is_told_though_it_has_no_result() -> None:
    step = StepFacts(number=3, title="Review logs", outcome=U, reason="journal is not readable")
    summary = summarize(replace(FACTS, steps=(step,)), [result()])
    assert summary.verdict.outcome is U
    assert summary.verdict.notes == ("Step 3, Review logs, is UNKNOWN: journal is not readable",)


def sentence(*found: CheckResult) -> str:
    return summarize(FACTS, found).verdict.sentence


def test_the_sentence_counts_and_names_the_most_urgent_first() -> None:
    found = [result(Y, target="db1"), result(R, target="web2"), result(target="web1")]
    assert sentence(*found) == "2 of 3 checks need attention on web2 and db1."


def test_the_sentence_of_one() -> None:
    assert sentence(result(R)) == "1 of 1 check needs attention on web1."


def test_the_sentence_names_three_at_most() -> None:
    found = [result(R, target=f"web{n}") for n in range(1, 6)]
    assert sentence(*found) == "5 of 5 checks need attention on web1, web2, web3 and 2 more."


def test_the_sentence_counts_what_is_blocked_apart() -> None:
    found = [reachable(R), result(B, blocked_by="web1"), result(target="web2")]
    assert sentence(*found) == (
        "1 of 3 checks needs attention on web1; 1 more could not be looked at."
    )


def test_the_sentence_of_all_green() -> None:
    found = [result(), result(target="web2")]
    assert sentence(*found) == "All 2 checks on 2 targets found what the baseline says."


def test_the_sentence_does_not_call_green_what_was_not_looked_at() -> None:
    assert sentence(result(N)) == "None of 1 check on 1 target had anything to look at."


def test_the_sentence_of_no_result() -> None:
    assert sentence() == "No check was run, so nothing can be said."


def recheck(*outcomes: Outcome) -> RunSummary:
    return summarize(FACTS, [result(o, look=n) for n, o in enumerate(outcomes, start=1)])


def test_the_last_look_decides() -> None:
    assert recheck(Y, G).checks[0].outcome is G


def test_a_later_look_can_be_worse() -> None:
    assert recheck(Y, R).verdict.outcome is R


def test_all_looks_are_kept_in_their_order() -> None:
    assert [look.outcome for look in recheck(Y, Y, G).checks[0].looks] == [Y, Y, G]


def test_the_time_to_resolve_is_between_first_and_last_look() -> None:
    assert recheck(Y, G).checks[0].settled_after_s == 60.0


def test_a_check_with_one_look_has_no_time_to_resolve() -> None:
    assert recheck(G).checks[0].settled_after_s is None


def test_two_results_of_one_look_are_two_checks() -> None:
    summary = summarize(FACTS, [result(R), result(G)])
    assert sorted(check.outcome for check in summary.checks) == [G, R]


@pytest.mark.parametrize("blocked_by", ["web1", "reachable", "reachable[web1]", "web1--1"])
def test_blocked_checks_stand_under_their_cause(blocked_by: str) -> None:
    summary = summarize(FACTS, [reachable(R), result(B, blocked_by=blocked_by)])
    assert [(c.outcome, len(c.blocked)) for c in summary.attention] == [(R, 1)]


def test_blocked_checks_without_a_recorded_cause_are_shown_under_its_name() -> None:
    summary = summarize(FACTS, [result(B, blocked_by="the window")])
    assert [(c.name, len(c.blocked)) for c in summary.attention] == [("the window", 1)]


def test_attention_goes_from_red_to_yellow() -> None:
    found = [result(o, target=f"web{n}") for n, o in enumerate((Y, B, U, R, G))]
    assert [cause.outcome for cause in summarize(FACTS, found).attention] == [R, U, B, Y]


def test_a_step_is_as_bad_as_its_worst_check() -> None:
    assert summarize(FACTS, [result(R)]).steps[1].outcome is R


def test_a_step_that_the_run_does_not_know_is_still_shown() -> None:
    summary = summarize(replace(FACTS, steps=()), [result(took_s=2.0)])
    assert [(s.facts.number, s.facts.used_s) for s in summary.steps] == [(2, 2.0)]


def test_a_step_without_results_is_still_shown() -> None:
    assert [len(step.checks) for step in summarize(FACTS, [result()]).steps] == [0, 1]


def test_a_target_says_whether_it_answers() -> None:
    summary = summarize(FACTS, [reachable(R), result(B), result(target="db1")])
    assert [(t.name, bool(t.reachable)) for t in summary.targets] == [
        ("db1", False),
        ("web1", True),
    ]


def test_names_with_numbers_sort_as_people_count() -> None:
    assert sorted(["web10", "web2", "db1", "web"], key=natural) == ["db1", "web", "web2", "web10"]
