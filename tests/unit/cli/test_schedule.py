"""`pytest-ddd schedule`: what is written, what is due, and what a timer starts."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from pytest_ddd.cli.main import main
from tests.support.http_service import Reply, http_service
from tests.unit.cli.schedule_site import SCENARIOS, TELL, WEDNESDAY, Time, history, remember_run

pytestmark = pytest.mark.usefixtures("site")


def told(site: Path):
    return json.loads((site / "told.json").read_text())


def start(*more: str) -> int:
    return main(["schedule", "run", "morning-health-check", "--host=prod", *more])


def test_a_timer_starts_what_is_due_and_says_for_when(site: Path) -> None:
    assert start() == 0

    said = told(site)
    assert said["DDD_SCHEDULED"] == "2026-11-25T06:30:00.000000Z"
    assert said["argv"] == [
        "-m=daily",
        "--ddd-scenario=morning-health-check",
        "--ddd-host=prod",
    ]


def test_options_go_to_pytest(site: Path) -> None:
    assert start("--option=--ddd-fail-on=yellow") == 0

    assert "--ddd-fail-on=yellow" in told(site)["argv"]


def test_a_history_that_is_named_is_pytests_too(site: Path) -> None:
    assert start("--history=off") == 0

    assert told(site)["DDD_HISTORY"] == "off"


@pytest.mark.parametrize(("options", "status"), [([], 1), (["--red-ok"], 0)])
def test_red_is_pytests_own_status_unless_a_timer_asks(
    options: list[str], status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RED", "1")

    assert start(*options) == status


def test_what_could_not_run_is_never_ok(site: Path) -> None:
    (site / "checks/test_morning.py").write_text("def broken(:\n")

    assert start("--red-ok") not in (0, 1)


def test_nothing_starts_after_the_grace(
    site: Path, time: Time, capsys: pytest.CaptureFixture[str]
) -> None:
    time.pass_(hours=1)

    assert start() == 0
    assert not (site / "told.json").exists()
    said = "morning-health-check: nothing may start now; next: Fri 2026-11-27 07:30 CET"
    assert said in capsys.readouterr().out


def test_nothing_starts_on_a_holiday(
    site: Path, time: Time, capsys: pytest.CaptureFixture[str]
) -> None:
    time.pass_(days=1)

    assert start() == 0
    assert not (site / "told.json").exists()
    assert "2026-11-26 is a day off of this environment" in capsys.readouterr().out


def test_an_occurrence_runs_once(
    site: Path, time: Time, capsys: pytest.CaptureFixture[str]
) -> None:
    remember_run(time, WEDNESDAY - timedelta(minutes=5))

    assert start() == 0
    assert not (site / "told.json").exists()
    assert "has been" in capsys.readouterr().out


def test_a_run_that_died_may_be_done_once_more(site: Path, time: Time) -> None:
    remember_run(time, WEDNESDAY - timedelta(minutes=5), ends=False)
    time.pass_(minutes=10)

    assert start() == 0
    assert told(site)["DDD_SCHEDULED"] == "2026-11-25T06:30:00.000000Z"


def test_a_history_that_is_away_keeps_no_run_from_taking_place(
    site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nobody would look at the hosts on the day on which the database is down."""
    (site / ".pytest-ddd").write_text("a file where the directory should be")

    assert start() == 76
    assert told(site)["DDD_SCHEDULED"] == "2026-11-25T06:30:00.000000Z"
    said = capsys.readouterr().err
    assert "the history cannot be opened" in said
    assert "whether it is running already is not known" in said


def test_two_timers_do_not_run_at_once(
    site: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (site / "conftest.py").write_text(
        TELL + "    import subprocess\n"
        "    if 'INNER' not in os.environ:\n"
        "        os.environ['INNER'] = '1'\n"
        "        from pytest_ddd.cli.scheduling.run import _alone\n"
        "        with _alone('prod-morning-health-check') as alone:\n"
        "            open('inner', 'w').write(str(alone))\n"
    )

    assert start() == 0

    assert (site / "inner").read_text() == "False"


def test_a_routine_that_is_not_due_at_any_time_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schedule", "run", "morning-helth-check", "--host=prod"]) == 4
    assert "does not say when morning-helth-check is due" in capsys.readouterr().err


def test_a_baseline_without_schedules_says_what_to_write(
    site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (site / "baselines/local.yaml").write_text('hosts: {web1: {connection: "local://"}}\n')

    assert main(["schedule", "due"]) == 4
    assert 'due: {at: "07:30", days: business}' in capsys.readouterr().err


def test_due_tells_what_became_of_each_occurrence(
    time: Time, capsys: pytest.CaptureFixture[str]
) -> None:
    remember_run(time, WEDNESDAY - timedelta(minutes=5))
    time.pass_(days=2)  # the day between is a holiday
    main(["schedule", "due", "--host=prod"])
    capsys.readouterr()
    time.pass_(hours=1)

    assert main(["schedule", "due", "--host=prod"]) == 1

    assert [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()] == [
        "· disaster-recovery-test Sun 2026-11-22 02:30 CET excused: before anybody remembered this schedule",
        "✓ morning-health-check Wed 2026-11-25 07:30 CET done, GREEN",
        "✗ morning-health-check Fri 2026-11-27 07:30 CET missed",
        "· morning-health-check next: Mon 2026-11-30 07:30 CET",
        "· disaster-recovery-test next: Sun 2026-11-29 02:30 CET",
    ]


def test_days_without_anybody_are_missed_when_somebody_looks_again(
    time: Time, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["schedule", "due", "--host=prod"])
    time.pass_(days=7)

    assert main(["schedule", "due", "--host=prod", "--since=30d"]) == 1

    said = capsys.readouterr().out
    assert said.count("missed") == 5  # Wednesday, Friday, Sunday, Monday, Tuesday
    assert "11-26" not in said


def test_nobody_misses_what_was_due_before_there_was_a_schedule(time: Time) -> None:
    time.pass_(hours=2)

    assert main(["schedule", "due", "--host=prod"]) == 0


def test_due_works_without_a_history(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schedule", "due", "--host=prod", "--history=off"]) == 0
    assert "next: Fri 2026-11-27 07:30 CET" in capsys.readouterr().out


def test_a_run_that_died_is_told(time: Time, capsys: pytest.CaptureFixture[str]) -> None:
    remember_run(time, WEDNESDAY - timedelta(minutes=5), ends=False)
    time.pass_(hours=1)

    assert main(["schedule", "due", "--host=prod"]) == 1
    assert "aborted" in capsys.readouterr().out


def excuse(when: str = "2026-11-25 07:30", reason: str = "move of the data centre") -> int:
    words = ["schedule", "excuse", "morning-health-check", when, "--host=prod"]
    return main([*words, f"--reason={reason}"])


@pytest.mark.parametrize("first", [True, False], ids=["known", "not known"])
def test_what_is_excused_is_not_missed(
    time: Time, capsys: pytest.CaptureFixture[str], first: bool
) -> None:
    with history():
        pass
    if first:
        main(["schedule", "due", "--host=prod"])

    assert excuse() == 0

    time.pass_(hours=1)
    assert main(["schedule", "due", "--host=prod"]) == 0
    assert "excused: move of the data centre" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("when", "reason", "said"),
    [
        ("2026-11-25 08:30", "x", "is not due at 2026-11-25 08:30; next: 2026-11-27 07:30"),
        ("2026-11-26 07:30", "x", "is not due at"),
        ("yesterday", "x", "not a time: 'yesterday'"),
        ("2026-11-25 07:30", " ", "an excuse needs a reason"),
    ],
)
def test_what_cannot_be_excused_is_named(
    when: str, reason: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert excuse(when, reason) == 4
    assert said in capsys.readouterr().err


def test_what_has_run_is_not_excused(time: Time, capsys: pytest.CaptureFixture[str]) -> None:
    remember_run(time, WEDNESDAY - timedelta(minutes=5))

    assert excuse() == 4
    assert "what has run is not excused" in capsys.readouterr().err


def test_a_duration_that_is_none_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schedule", "due", "--host=prod", "--since=soon"]) == 4
    assert "--since: not a duration" in capsys.readouterr().err


def ping(site: Path, rules: str = "") -> None:
    text = SCENARIOS.replace('"07:30"', '"07:30", ping: {env: PING_URL}')
    (site / "baselines/prod.yaml").write_text(text + rules)


RULE = """\
escalation:
  channels: {log: {kind: syslog}}
  rules: {red: {when: [RED], notify: [log]}}
"""


@pytest.mark.parametrize(
    ("red", "rules", "last"),
    [("", "", "/0"), ("1", RULE, "/0"), ("1", "", "/1")],
    ids=["green", "red and told", "red and nobody told"],
)
def test_who_waits_hears_of_the_start_and_of_the_end(
    site: Path, monkeypatch: pytest.MonkeyPatch, red: str, rules: str, last: str
) -> None:
    if red:
        monkeypatch.setenv("RED", red)
    with http_service(lambda _: Reply(body=b"OK")) as service:
        monkeypatch.setenv("PING_URL", f"{service.url}/5f0a-secret")
        ping(site, rules)
        start()

    heard = [asked.path.removeprefix("/5f0a-secret").partition("?rid=") for asked in service.asked]
    assert [way for way, _, _ in heard] == ["/start", last]
    assert len({rid for _, _, rid in heard}) == 1


def test_who_waits_hears_that_a_run_did_not_do_its_work(
    site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (site / "checks/test_morning.py").write_text("def broken(:\n")
    with http_service(lambda _: Reply(body=b"OK")) as service:
        monkeypatch.setenv("PING_URL", service.url)
        ping(site)
        status = start()

    assert status > 1
    assert service.asked[-1].path.startswith(f"/{status}?rid=")


def test_who_waits_hears_of_a_run_that_could_not_begin(
    site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*words: object, **more: object) -> None:
        raise OSError("no more processes")

    with http_service(lambda _: Reply(body=b"OK")) as service:
        monkeypatch.setenv("PING_URL", service.url)
        ping(site)
        monkeypatch.setattr("subprocess.Popen", refuse)
        with pytest.raises(OSError, match="no more processes"):
            start()

    assert service.asked[-1].path.startswith("/fail?rid=")


def test_a_ping_that_fails_holds_nothing_up_and_tells_no_secret(
    site: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PING_URL", "http://127.0.0.1:9/5f0a-secret")
    ping(site)

    assert start() == 0
    said = capsys.readouterr().err
    assert "! dead-man ping: cannot be reached" in said
    assert "5f0a" not in said


def test_what_is_written_can_be_checked(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write = ["schedule", "write", "--host=prod", "--format=systemd"]
    assert main(write) == 0
    assert main([*write, "--check"]) == 0
    (site / "baselines/prod.yaml").write_text(SCENARIOS.replace("07:30", "08:30"))
    (site / "schedules/systemd/pytest-ddd-prod-tick.timer").unlink()

    assert main([*write, "--check"]) == 1

    said = capsys.readouterr().err
    assert "morning-health-check.timer: not what the baseline says" in said
    assert "tick.timer: missing" in said


def test_a_night_that_leaves_a_time_out_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    main(["schedule", "write", "--host=prod", "--format=cron"])

    said = capsys.readouterr().err
    assert "disaster-recovery-test: 2027-03-28 02:30 does not exist in Europe/Zurich" in said


@pytest.mark.parametrize(("rules", "count"), [("", 1), (RULE, 0)], ids=["nobody", "somebody"])
def test_it_says_when_nobody_hears_of_a_missed_run(
    site: Path, capsys: pytest.CaptureFixture[str], rules: str, count: int
) -> None:
    (site / "baselines/prod.yaml").write_text(SCENARIOS + rules)

    main(["schedule", "write", "--host=prod", "--format=cron"])

    assert capsys.readouterr().err.count("nobody is told of a missed run") == count


def test_only_routines_that_are_named_may_change_hosts(site: Path) -> None:
    write = ["schedule", "write", "--host=prod", "--format=systemd"]
    main([*write, "--apply=disaster-recovery-test"])

    units = site / "schedules/systemd"
    applying = [path.name for path in units.iterdir() if "--ddd-apply" in path.read_text()]
    assert applying == ["pytest-ddd-prod-disaster-recovery-test.service"]


def test_what_is_set_for_the_night_is_taken_back_at_its_end(site: Path) -> None:
    text = SCENARIOS.replace("disaster-recovery-test", "end-of-day-validation")
    (site / "baselines/prod.yaml").write_text(text)

    main(["schedule", "write", "--host=prod", "--format=systemd", "--apply=end-of-day-validation"])

    units = site / "schedules/systemd"
    timer = (units / "pytest-ddd-prod-day-profile.timer").read_text()
    assert "OnCalendar=*-*-* 06:00:00 Europe/Zurich\n" in timer
    service = (units / "pytest-ddd-prod-day-profile.service").read_text()
    assert "pytest-ddd action undo --host=prod\n" in service


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--apply=patching"], "does not say when patching is due"),
        (["--zone=Mars/Olympus"], "no time zone 'Mars/Olympus'"),
        (["--format=kubernetes"], "needs an image"),
        (["--format=at"], "there is no 'at'"),
        (["--host=nowhere"], "nowhere"),
    ],
)
def test_what_cannot_be_written_is_named(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        status = main(["schedule", "write", "--host=prod", "--format=cron", *words])
    except SystemExit as ended:
        status = int(str(ended.code))

    assert status == 4
    assert said in capsys.readouterr().err
