"""What is proposed for thresholds, and how jobs open their backup repositories."""

from __future__ import annotations

import pytest

from pytest_ddd import clock
from pytest_ddd.baseline.placing import Statement
from pytest_ddd.probes.capture.interface import LeftOut
from pytest_ddd.probes.capture.logs import patterns_of
from pytest_ddd.probes.capture.repositories import ways_in
from pytest_ddd.probes.capture.thresholds import propose
from pytest_ddd.results import Reading

STEPS = ((80, 90), (90, 95), (95, 98))


def reading(value: float | None) -> Reading:
    return Reading(name="disk /var", value=value, unit="%", at=clock.now(), error="it hangs")


@pytest.mark.parametrize(
    ("value", "limits"),
    [(0, ("80%", "90%")), (79.9, ("80%", "90%")), (80, ("90%", "95%")), (94, ("95%", "98%"))],
)
def test_the_narrowest_limits_that_hold(value: float, limits: tuple[str, str]) -> None:
    found = propose("web1", "disk:/var", reading(value), STEPS)

    assert isinstance(found, Statement)
    assert (found.values["warn"], found.values["crit"]) == limits


def test_wider_limits_say_why() -> None:
    found = propose("web1", "disk:/var", reading(85), STEPS)

    assert isinstance(found, Statement)
    assert found.values["description"] == "It was at 85 % when this was captured"


@pytest.mark.parametrize(
    ("value", "why"),
    [(95, "95 % is too much to call it as it should be"), (None, "it hangs")],
)
def test_what_is_no_state_to_keep_is_left_out(value: float | None, why: str) -> None:
    found = propose("web1", "disk:/var", reading(value), STEPS)

    assert isinstance(found, LeftOut)
    assert (found.name, found.why) == ("thresholds:disk:/var", why)


@pytest.mark.parametrize(
    ("line", "way"),
    [
        ("RESTIC_PASSWORD_FILE=/etc/pw", ("RESTIC_PASSWORD_FILE", "/etc/pw")),
        ('RESTIC_PASSWORD_FILE="/etc/my pw"', ("RESTIC_PASSWORD_FILE", "/etc/my pw")),
        ("RESTIC_PASSWORD_FILE=/etc/pw restic backup", ("RESTIC_PASSWORD_FILE", "/etc/pw")),
        ('RESTIC_PASSWORD_FILE=/etc/pw"', ("RESTIC_PASSWORD_FILE", "/etc/pw")),
        ("--password-file /etc/pw backup /srv", ("RESTIC_PASSWORD_FILE", "/etc/pw")),
        ("--password-file=/etc/pw", ("RESTIC_PASSWORD_FILE", "/etc/pw")),
        ("BORG_PASSCOMMAND='cat /etc/pw'", ("BORG_PASSCOMMAND", "cat /etc/pw")),
    ],
)
def test_how_jobs_open_repositories(line: str, way: tuple[str, str]) -> None:
    assert ways_in(f"{line}\n{line}\n") == [way]


def test_a_password_itself_is_no_way() -> None:
    assert ways_in("RESTIC_PASSWORD=hunter2\nBORG_PASSPHRASE=hunter2\n") == []


@pytest.mark.parametrize(
    ("unit", "error"),
    [("nginx", "[[]error[]]"), ("postgresql", "(ERROR|FATAL):"), ("shop", "(^|[^A-Za-z])(ERROR")],
)
def test_each_service_has_the_words_of_its_manual(unit: str, error: str) -> None:
    found = patterns_of(unit)["error"]

    assert isinstance(found, list)
    assert str(found[0]).startswith(error)
