"""Stamps of log lines: what is before the night is left out, what is unclear never is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_ddd import clock
from tests.support.sshd import needs
from tests.unit.probes.logs.site import Logs, Way

pytestmark = needs("busybox")

FORMATS = {
    "iso zulu": "%Y-%m-%dT%H:%M:%SZ CRITICAL",
    "iso fraction": "%Y-%m-%dT%H:%M:%S.123456Z CRITICAL",
    "iso offset": "%Y-%m-%dT%H:%M:%S+00:00 CRITICAL",
    "iso short offset": "%Y-%m-%dT%H:%M:%S+0000 CRITICAL",
    "iso bracketed": "[%Y-%m-%d %H:%M:%S] CRITICAL",
    "python": "%Y-%m-%d %H:%M:%S,123 CRITICAL",
    "postgres": "%Y-%m-%d %H:%M:%S.123 UTC [7] CRITICAL",
    "nginx": "%Y/%m/%d %H:%M:%S [crit] CRITICAL",
    "syslog": "%b %e %H:%M:%S web1 CRITICAL",
    "syslog priority": "<13>%b %e %H:%M:%S web1 CRITICAL",
    "rfc 5424": "<13>1 %Y-%m-%dT%H:%M:%SZ web1 CRITICAL",
    "apache error": "[%a %b %d %H:%M:%S.123456 %Y] [core:crit] CRITICAL",
    "access": '10.0.0.1 - - [%d/%b/%Y:%H:%M:%S +0000] "GET /CRITICAL"',
    "access by user": '10.0.0.1 - Jo Doe [%d/%b/%Y:%H:%M:%S +0000] "GET /CRITICAL"',
    "epoch": "%s CRITICAL",
    "epoch fraction": "%s.123 CRITICAL",
    "epoch milliseconds": "%s123 CRITICAL",
    "json": '{"level": "CRITICAL", "time": "%Y-%m-%dT%H:%M:%SZ"}',
    "json timestamp": '{"@timestamp":"%Y-%m-%dT%H:%M:%S.123Z","m":"CRITICAL"}',
    "json epoch": '{"ts":%s.123,"m":"CRITICAL"}',
    "after a hole": "<hole>%Y-%m-%dT%H:%M:%SZ CRITICAL",
}


def stamped(pattern: str, moment: datetime) -> str:
    """Return a line; `%s` is the epoch."""
    text = pattern.replace("%s", str(int(moment.timestamp())))
    line = moment.astimezone(UTC).strftime(text.replace("%e", f"{moment.day:2}")) + "\n"
    return line.replace("<hole>", "\0" * 100)


@pytest.mark.parametrize("name", FORMATS)
def test_a_line_from_before_the_night_does_not_count(logs: Logs, name: str) -> None:
    old = stamped(FORMATS[name], logs.at(hours=13))
    new = stamped(FORMATS[name], logs.at(hours=11))
    logs.write(old * 3 + new, hours=11)
    assert logs.counts() == (1, 0)


def with_clock(logs: Logs, seconds: str) -> Logs:
    """Return the same logs on a host whose clock shows what this shell word says."""
    assert isinstance(logs.way, Way)
    tools = logs.directory / "tools"
    tools.mkdir()
    date = tools / "date"
    date.write_text(
        f'#!/bin/sh\ncase $* in "+%s") echo {seconds} ;; *) exec /bin/date "$@" ;; esac\n'
    )
    date.chmod(0o755)
    return Logs(logs.directory, logs.way.with_tools(tools))


@pytest.fixture
def in_june(logs: Logs, monkeypatch: pytest.MonkeyPatch) -> Logs:
    """The logs in the middle of a year: what says no year is then of this one."""
    june = clock.now().replace(month=6, day=15)
    monkeypatch.setattr(clock, "now", lambda: june)
    return with_clock(logs, str(int(june.timestamp())))


@pytest.mark.parametrize("name", FORMATS)
def test_a_line_from_the_future_counts_and_is_told(in_june: Logs, name: str) -> None:
    logs = in_june
    logs.write(stamped(FORMATS[name], logs.at(days=-2)))
    review = logs.review()
    assert (review.critical.value, review.from_the_future.value) == (1, 1)
    assert "from the future" in review.problems[0].text


def test_a_clock_that_is_a_little_ahead_is_no_problem(logs: Logs) -> None:
    logs.write(logs.line("CRITICAL", minutes=-4))
    review = logs.review()
    assert (review.critical.value, review.from_the_future.value, review.problems) == (1, 0, ())


def test_a_last_line_from_the_future_is_told_though_it_matches_nothing(logs: Logs) -> None:
    logs.write("INFO\n" + logs.line("INFO", hours=-1))
    review = logs.review()
    assert review.critical.value == 0
    assert [str(problem) for problem in review.problems] == [
        f"the last line of {logs.path} is from the future (baselines/prod/logs.yaml:2)"
    ]


def test_a_line_without_stamp_counts(logs: Logs) -> None:
    logs.write("CRITICAL\n  at CRITICAL.java:7\n")
    assert logs.counts() == (2, 0)


@pytest.mark.parametrize(
    "line",
    [
        "CRITICAL backup of 2020-01-01T00:00:00Z is broken",
        "1400000000 orders are lost CRITICAL",
        "2026-13-45 99:99:99 CRITICAL",
        "Foo 23 07:24:51 CRITICAL",
        '{"order": {"date": "2020-01-01T00:00:00Z"}, "time": "%s", "m": "CRITICAL"}',
        '{"m": "CRITICAL \\"time\\": \\"x"}',
        '9.9.9.9 - [01/Jan/2020:00:00:00 +0000] [%a] "GET /CRITICAL"',
    ],
)
def test_a_date_inside_a_message_makes_no_line_old(logs: Logs, line: str) -> None:
    line = line.replace("%s", logs.at(hours=1).strftime("%Y-%m-%dT%H:%M:%SZ"))
    line = line.replace("%a", logs.at(hours=1).strftime("%d/%b/%Y:%H:%M:%S +0000"))
    logs.write(line + "\n")
    assert logs.counts() == (1, 0)


def zoned(logs: Logs, zone: str) -> Logs:
    """The same logs on a host with another zone (POSIX: `XXX-9` is nine hours east)."""
    return Logs(logs.directory, Way(env={"TZ": zone}))


@pytest.mark.parametrize(("zone", "hours"), [("XXX-9", 9), ("XXX+5", -5), ("XXX-5:30", 5.5)])
def test_a_stamp_without_zone_is_local_to_the_host(logs: Logs, zone: str, hours: float) -> None:
    local = zoned(logs, zone)
    lines = [
        f"{(local.at(hours=ago) + timedelta(hours=hours)):%Y-%m-%d %H:%M:%S} CRITICAL {ago}\n"
        for ago in (14, 13, 11, 1)
    ]
    local.write("".join(lines), hours=1)
    review = local.review()
    assert (review.critical.value, review.from_the_future.value) == (2, 0)


@pytest.mark.parametrize("zone", ["XXX-9", "XXX+5"])
def test_a_program_that_logs_in_utc_is_not_hidden(logs: Logs, zone: str) -> None:
    local = zoned(logs, zone)
    local.write(f"{local.at(hours=11):%Y-%m-%d %H:%M:%S} CRITICAL\n", hours=11)
    assert local.review().critical.value == 1


def test_a_program_that_logs_in_another_zone_than_its_host(logs: Logs) -> None:
    """Five hours behind: found out because its last line was written when the file was."""
    lines = [f"{logs.at(hours=ago + 5):%Y-%m-%d %H:%M:%S} CRITICAL\n" for ago in (20, 11, 1)]
    logs.write("".join(lines), hours=1)
    assert logs.counts() == (2, 0)


def test_lines_of_last_year_do_not_count(logs: Logs) -> None:
    first = logs.now + timedelta(days=40)
    syslog = "%b %e %H:%M:%S web1 CRITICAL"
    lines = stamped(syslog, first) * 2 + stamped(syslog, logs.at(hours=1))
    logs.write(lines, hours=1)
    review = logs.review()
    assert (review.critical.value, review.from_the_future.value) == (1, 0)


def test_a_clock_that_jumped_ahead_hides_nothing_without_years(in_june: Logs) -> None:
    logs = in_june
    syslog = "%b %e %H:%M:%S web1 CRITICAL"
    lines = stamped(syslog, logs.at(hours=2)) + stamped(syslog, logs.now + timedelta(days=60))
    logs.write(lines + stamped(syslog, logs.at(hours=1)), hours=1)
    review = logs.review()
    assert (review.critical.value, review.from_the_future.value) == (3, 1)


@pytest.mark.parametrize(("skew_s", "word"), [(7200, "ahead of ours"), (-7200, "behind ours")])
def test_a_host_with_a_wrong_clock_is_told_and_hides_nothing(
    logs: Logs, skew_s: int, word: str
) -> None:
    logs.write("")
    host = with_clock(logs, f"$(($(/bin/date +%s) + {skew_s}))")
    stamp = host.at(hours=11, minutes=50) + timedelta(seconds=skew_s)
    host.write(f"{stamp:%Y-%m-%dT%H:%M:%SZ} CRITICAL\n", seconds=-skew_s)
    review = host.review()
    assert review.critical.value == 1
    assert word in " ".join(problem.text for problem in review.problems)


MOMENTS = st.datetimes(min_value=datetime(2026, 1, 1), max_value=datetime(2027, 12, 31))  # noqa: DTZ001


@settings(max_examples=40, suppress_health_check=list(HealthCheck))
@given(moments=st.lists(MOMENTS, min_size=1, max_size=200), hours=st.integers(-12, 14))
def test_any_moment_in_any_zone_is_read_as_python_reads_it(
    logs: Logs, moments: list[datetime], hours: int
) -> None:
    since = clock.now().replace(microsecond=0) - timedelta(days=3)
    sign, offset = ("+" if hours >= 0 else "-"), timedelta(hours=hours)
    aware = [moment.replace(tzinfo=UTC, microsecond=0) for moment in moments]
    lines = [f"{at + offset:%Y-%m-%dT%H:%M:%S}{sign}{abs(hours):02}:00 CRITICAL\n" for at in aware]
    logs.write("".join(lines))
    ahead = clock.now().timestamp() + 300
    review = logs.review(night=since)
    assert review.critical.value == sum(at >= since for at in aware)
    assert review.from_the_future.value == sum(at.timestamp() > ahead for at in aware)
