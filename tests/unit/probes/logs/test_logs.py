"""Logs: what is counted, what a review says, and that nothing hides a line."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_ddd.connections import Connections, parse_hostspec
from pytest_ddd.errors import CannotLookError
from pytest_ddd.outcomes import Outcome
from pytest_ddd.results import explain, judge
from tests.support.sshd import needs
from tests.unit.probes.logs.site import BASELINE, Logs, Way

pytestmark = needs("busybox")


def test_one_critical_line_is_red(logs: Logs) -> None:
    logs.write(logs.line("INFO fine", hours=3) + logs.line("CRITICAL disk gone", hours=2))
    log = logs.log()
    judged = judge(log.read().critical, log.critical)
    assert judged.outcome is Outcome.RED


def test_a_red_line_names_the_line_of_the_baseline(logs: Logs) -> None:
    logs.write(logs.line("CRITICAL disk gone", hours=2))
    log = logs.log()
    judged = judge(log.read().critical, log.critical)
    assert explain(judged) == f"critical lines in shop 1 >= crit 1 ({BASELINE}:4)"


def test_a_quiet_log_is_green(logs: Logs) -> None:
    logs.write(logs.line("INFO fine", hours=3) * 100)
    log = logs.log()
    review = log.read()
    assert judge(review.critical, log.critical).outcome is Outcome.GREEN
    assert judge(review.errors, log.errors).outcome is Outcome.GREEN
    assert review.problems == ()


def test_errors_are_held_against_their_limits(logs: Logs) -> None:
    logs.write(logs.line("ERROR retry", hours=1) * 7)
    log = logs.log(errors={"warn": 5, "crit": 50})
    assert judge(log.read().errors, log.errors).outcome is Outcome.YELLOW


def test_a_line_that_is_both_counts_as_critical(logs: Logs) -> None:
    logs.write(logs.line("ERROR and CRITICAL", hours=1))
    assert logs.counts() == (1, 0)


def test_ignored_lines_do_not_count(logs: Logs) -> None:
    logs.write(logs.line("ERROR known noise", hours=1) * 3 + logs.line("ERROR new", hours=1))
    assert logs.counts(ignore=["known noise$"]) == (0, 1)


def test_ignored_lines_hide_no_other_critical_line(logs: Logs) -> None:
    noise = logs.line("CRITICAL probe by scanner", hours=1) * 6000
    logs.write(noise + logs.line("CRITICAL disk", hours=1) + noise)
    assert logs.counts(ignore=["scanner"]) == (1, 0)


def test_anchors_mean_the_line_of_the_log(logs: Logs) -> None:
    logs.write("PANIC: now\nnot PANIC: now\nERROR end\nERROR end not\n")
    assert logs.counts(critical=["^PANIC"], error=["end$"], ignore=["^not"]) == (1, 1)


def test_only_critical_patterns_are_enough(logs: Logs) -> None:
    logs.write("CRITICAL\nERROR\n")
    assert logs.counts(error=[]) == (1, 0)


def test_only_error_patterns_are_enough(logs: Logs) -> None:
    logs.write("CRITICAL\nERROR\n")
    assert logs.counts(critical=[]) == (0, 1)


def test_the_second_look_still_finds_the_line(logs: Logs) -> None:
    logs.write(logs.line("CRITICAL disk", hours=1))
    log = logs.log()
    first = log.read().critical.value
    log.forget()
    assert (first, log.read().critical.value) == (1, 1)


def test_the_sample_names_file_and_line(logs: Logs) -> None:
    logs.write("INFO\n" * 41 + "CRITICAL disk gone\n")
    assert logs.review().critical.detail == "shop.log:42: CRITICAL disk gone"


def test_the_sample_holds_the_first_and_the_last_lines(logs: Logs) -> None:
    logs.write("".join(f"ERROR number {n}\n" for n in range(1, 1001)))
    shown = [line.split()[-1] for line in logs.review().errors.detail.splitlines()]
    assert shown == ["1", "2", "3", "4", "5", "…", "996", "997", "998", "999", "1000"]


def test_the_sample_stays_small(logs: Logs) -> None:
    logs.write(f"ERROR {'é' * 20_000}\n".encode() * 100)
    detail = logs.review().errors.detail
    assert len(detail.encode()) <= 8 * 1024
    assert all(len(line.encode()) <= 500 for line in detail.splitlines())


def test_control_characters_of_the_log_do_not_reach_the_terminal(logs: Logs) -> None:
    logs.write(b"CRITICAL \x1b]0;owned\x07 \xff\n")
    detail = logs.review().critical.detail
    assert detail.isprintable()


def test_since_of_the_entry_wins_over_the_night(logs: Logs) -> None:
    logs.write(logs.line("CRITICAL", hours=20) + logs.line("INFO", hours=1), hours=1)
    assert logs.counts() == (0, 0)
    assert logs.counts(since="1d") == (1, 0)


def test_what_was_read_is_told(logs: Logs) -> None:
    path = logs.write("INFO\n" * 1000)
    told = {reading.name: reading.value for reading in logs.review().readings}
    assert told["files read of shop"] == 1
    assert told["bytes read of shop"] == path.stat().st_size


def test_the_source_can_be_typed_by_a_person(logs: Logs) -> None:
    logs.write("CRITICAL\n")
    source = logs.review(path=str(logs.path)).critical.source
    assert source == f"LC_ALL=C grep -naE -e CRITICAL -e ERROR {logs.path}"


def test_a_backslash_in_brackets_is_a_backslash(logs: Logs) -> None:
    logs.write("a\\d\n")
    assert logs.counts(critical=[r"a[\d]d"]) == (1, 0)


def test_a_broken_pattern_is_unknown(logs: Logs) -> None:
    logs.write("fine\n")
    assert "status 2" in logs.blind(critical=["a{99999}"])


def test_a_local_session_reads_the_same(logs: Logs) -> None:
    logs.write(logs.line("CRITICAL disk gone", hours=2) + logs.line("ERROR x", hours=1))
    connections = Connections({"web1": parse_hostspec("local://", name="web1")})
    try:
        assert Logs(logs.directory, connections).counts() == (1, 1)
    finally:
        connections.close()


def test_only_what_could_not_be_seen_has_another_attempt(tmp_path: Path) -> None:
    flag = tmp_path / "seen"
    once_blind = f'[ -e {flag} ] && exec sh -c "$3"; : >{flag} #'
    logs = Logs(tmp_path, Way("sh", "-c", once_blind, "sh"))
    logs.write("CRITICAL\n")
    critical = logs.review(attempts={"count": 3, "interval": "0s"}).critical
    assert (critical.value, critical.attempt) == (1, 2)


def test_a_log_that_was_not_written_says_so(logs: Logs) -> None:
    logs.write("CRITICAL\n", hours=20)
    critical = logs.review().critical
    assert (critical.value, "was not written since" in critical.detail) == (0, True)


def test_a_slow_log_ends_at_its_timeout(logs: Logs) -> None:
    with logs.path.open("wb") as huge:
        huge.truncate(1 << 40)
    with pytest.raises(CannotLookError):
        logs.review(max_bytes="2048GiB", max_line="20GiB", timeout="1s")
