"""What is written for systemd, cron, Kubernetes and GitHub, held against their own tools."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from datetime import UTC, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import kubernetes_validate
import pytest
import yaml
from cronsim import CronSim
from hypothesis import given, settings

from pytest_ddd.errors import UsageError
from pytest_ddd.scenarios.schedule import Schedule
from pytest_ddd.scenarios.timers import cron, github, kubernetes, systemd
from pytest_ddd.scenarios.timers.job import File, Job, Site
from tests.unit.scenarios.schedules import schedule, systemd_says, utc
from tests.unit.scenarios.test_schedule import ZONES, made_schedules

START, YEARS = utc("2026-01-01"), timedelta(days=3 * 366)

DAYS = {
    "daily": "daily",
    "weekdays": ["Mon", "Thu"],
    "one": "Tue",
    "business": "business",
    "second": "second Tue",
    "last weekday": "last Fri",
    "first": "first day",
    "15th": "15th day",
    "last": "last day",
}


def job(made: Schedule, options: tuple[str, ...] = ()) -> Job:
    return Job(
        environment="prod",
        title="Morning Health Check",
        schedule=made,
        limit_s=2400,
        options=options,
    )


def site(where: Path, **more: str) -> Site:
    words = {"program": sys.executable, "user": "root", "image": "registry.example/checks:1"}
    return Site(environment="prod", directory=str(where), **(words | more))


def written(files: list[File], where: Path) -> list[Path]:
    where.mkdir(parents=True, exist_ok=True)
    for file in files:
        (where / file.name).write_text(file.text)
    return [where / file.name for file in files]


@pytest.mark.needs("systemd-analyze")
@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("days", DAYS.values(), ids=DAYS)
def test_systemd_counts_the_same_for_three_years(days: object, zone: str) -> None:
    made = schedule(at="02:30", days=days, zone=zone)
    ours = list(made.between(START, START + YEARS))

    (expression,) = systemd.on_calendar(made)

    assert systemd_says(expression, START, len(ours)) == ours


@pytest.mark.needs("systemd-analyze")
@pytest.mark.parametrize("at", ["00:00", "00:30", "01:30", "02:00", "02:59", "03:00", "23:30"])
@pytest.mark.parametrize("zone", ["Europe/Zurich", "America/New_York", "Africa/Cairo"])
def test_systemd_counts_the_same_at_every_edge_of_a_change(at: str, zone: str) -> None:
    made = schedule(at=at, zone=zone)
    ours = list(made.between(START, START + YEARS))

    assert systemd_says(systemd.on_calendar(made)[0], START, len(ours)) == ours


@pytest.mark.needs("systemd-analyze")
@pytest.mark.parametrize("days", ["first business day", "last business day", "business"])
def test_systemd_fires_at_least_when_business_is_due(days: str) -> None:
    made = schedule(days=days, holiday=lambda day: "x" if day.day in (1, 25, 31) else "")

    fired = systemd_says(systemd.on_calendar(made)[0], START, 800)

    assert set(made.between(START, fired[-1])) <= set(fired)


@pytest.mark.needs("systemd-analyze")
def test_systemd_accepts_the_units(tmp_path: Path) -> None:
    patching = replace(schedule(days="last Fri", months=("Jan",)), scenario="patching")
    jobs = [job(schedule(["07:30", "19:00"])), job(patching, options=("--ddd-apply",))]
    strange = tmp_path / "100% odd dir"
    strange.mkdir()

    paths = written(systemd.files(jobs, site(strange)), tmp_path / "units")
    done = subprocess.run(
        ["systemd-analyze", "verify", *paths], capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stderr) == (0, "")


def test_systemd_words_keep_what_is_special(tmp_path: Path) -> None:
    made = systemd.files([job(schedule())], site(tmp_path, program="/opt/a b/$x/50%/pytest-ddd"))

    assert 'ExecStart="/opt/a b/$$x/50%%/pytest-ddd" schedule run' in made[0].text


def test_a_service_pages_people_and_is_stopped_when_it_hangs(tmp_path: Path) -> None:
    text = systemd.files([job(schedule())], site(tmp_path))[0].text

    assert "\nEnvironment=DDD_ESCALATE=on\n" in text
    assert "\nTimeoutStartSec=2400\n" in text


def test_every_environment_may_have_any_name(tmp_path: Path) -> None:
    odd = Job(environment="Prod.EU_1", title="x", schedule=schedule(), limit_s=1)

    assert odd.name == "pytest-ddd-prod-eu-1-morning-health-check"


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        ("daily", "30 7 * * *"),
        ("business", "30 7 * * 1,2,3,4,5"),
        ("second Tue", "30 7 * * 2"),
        ("15th day", "30 7 15 * *"),
        ("last day", "30 7 28,29,30,31 * *"),
        (["Sun"], "30 7 * * 0"),
    ],
)
def test_cron_takes_one_kind_of_day(days: object, expected: str) -> None:
    assert cron.expressions(schedule(days=days)) == [expected]


def test_cron_in_another_zone_fires_at_both_offsets() -> None:
    made = schedule("00:30", days="Tue")

    summer, winter = cron.expressions(made, ZoneInfo("UTC"))

    assert summer == "30 22 * 3,4,5,6,7,8,9,10 1"
    assert winter == "30 23 * 1,2,3,10,11,12 1"


def test_a_crontab_may_be_written_for_a_machine_in_utc(tmp_path: Path) -> None:
    (file,) = cron.files([job(schedule())], site(tmp_path, zone="UTC"))

    assert "CRON_TZ=UTC\n" in file.text
    assert "\n30 5 * 3,4,5,6,7,8,9,10 * " in file.text


@settings(max_examples=30)
@given(made=made_schedules)
def test_cron_fires_at_least_when_something_is_due(made: Schedule) -> None:
    fired = set()
    for expression in cron.expressions(made):
        there = CronSim(expression, START.astimezone(made.zone))
        for moment in there:
            if moment.astimezone(UTC) > START + timedelta(days=100):
                break
            fired.add(moment.astimezone(UTC))

    missing = set(made.between(START + timedelta(days=1), START + timedelta(days=100))) - fired
    assert missing == set()


def test_a_percent_sign_is_no_new_line_to_cron(tmp_path: Path) -> None:
    (file,) = cron.files([job(schedule())], site(Path("/srv/50%")))

    assert "cd '/srv/50\\%'" in file.text or "cd /srv/50\\%" in file.text


def test_kubernetes_accepts_the_cron_jobs(tmp_path: Path) -> None:
    made = schedule(["07:30", "19:15"])
    paths = written(kubernetes.files([job(made)], site(tmp_path)), tmp_path)
    found = [each for path in paths for each in yaml.safe_load_all(path.read_text())]

    for document in found:
        kubernetes_validate.validate(document, "1.30", strict=True)

    names = [each["metadata"]["name"] for each in found]
    assert names == [
        "pytest-ddd-prod-morning-health-check-1",
        "pytest-ddd-prod-morning-health-check-2",
        "pytest-ddd-prod-tick",
    ]
    assert found[0]["spec"]["timeZone"] == "Europe/Zurich"


@pytest.mark.parametrize(
    ("environment", "image", "said"),
    [("p" * 40, "x", "too long for a CronJob"), ("prod", "", "needs an image")],
)
def test_kubernetes_names_what_cannot_be(environment, image, said, tmp_path: Path) -> None:
    made = Job(environment=environment, title="x", schedule=schedule(), limit_s=1)

    with pytest.raises(UsageError, match=said):
        kubernetes.files([made], site(tmp_path, image=image))


def test_github_accepts_the_workflows(tmp_path: Path) -> None:
    jobs = [job(schedule(["07:30", "19:15"]), options=("--ddd-apply",))]
    paths = written(github.files(jobs, site(tmp_path)), tmp_path)

    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "check_jsonschema",
            "--builtin-schema",
            "vendor.github-workflows",
            *paths,
        ],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout


def test_a_red_check_makes_a_workflow_red_and_a_timer_not_fail(tmp_path: Path) -> None:
    jobs = [replace(job(schedule()), red_ok=True)]

    assert "--red-ok" not in github.files(jobs, site(tmp_path))[0].text
    assert "--red-ok" in systemd.files(jobs, site(tmp_path))[0].text


def test_without_rules_a_red_check_fails_its_timer(tmp_path: Path) -> None:
    assert "--red-ok" not in systemd.files([job(schedule())], site(tmp_path))[0].text
