"""Services where no systemd runs; the cases of systemd are shown on hosts of the lab."""

from __future__ import annotations

import pytest

from pytest_ddd.errors import CannotLookError
from pytest_ddd.probes.drift.ways import Ways
from tests.unit.probes.drift.sandbox import BASELINE, Sandbox, item, problems

pytestmark = pytest.mark.needs("unshare")

SCRIPT = "#!/bin/sh\n### BEGIN INIT INFO\n# Provides: app\n### END INIT INFO\nexit {status}\n"


def install(sandbox: Sandbox, status: int) -> None:
    sandbox.do("tee", "/etc/init.d/app", stdin=SCRIPT.format(status=status))
    sandbox.do("chmod", "0755", "/etc/init.d/app")


def test_service_without_systemd_and_without_script_is_unknown(here: Ways) -> None:
    with pytest.raises(CannotLookError, match="systemd does not run on this host"):
        item(here, "service:nginx-that-is-nowhere").read()


def test_service_that_should_be_stopped_is_unknown_too(here: Ways) -> None:
    with pytest.raises(CannotLookError, match="systemd does not run on this host"):
        item(here, "service:nginx-that-is-nowhere", running=False, enabled=False).read()


def test_init_script_that_runs(sandbox: Sandbox) -> None:
    install(sandbox, 0)
    assert problems(sandbox.way, "service:app", enabled=None) == []


def test_init_script_that_is_stopped(sandbox: Sandbox) -> None:
    install(sandbox, 3)
    assert problems(sandbox.way, "service:app", running=True, enabled=None) == [
        f"running is False, expected True ({BASELINE}:2)"
    ]


def test_init_script_that_does_not_know_is_unknown(sandbox: Sandbox) -> None:
    install(sandbox, 4)
    with pytest.raises(CannotLookError, match="ended with 4"):
        item(sandbox.way, "service:app", enabled=None).read()


def test_init_script_of_no_runlevel_is_not_enabled(sandbox: Sandbox) -> None:
    install(sandbox, 0)
    assert problems(sandbox.way, "service:app", enabled=True) == [
        f"enabled is False, expected True ({BASELINE}:2)"
    ]


def test_init_script_of_a_runlevel_is_enabled(sandbox: Sandbox) -> None:
    install(sandbox, 0)
    sandbox.do("ln", "-s", "/etc/init.d/app", "/etc/rc5.d/S01app")
    assert problems(sandbox.way, "service:app", enabled=True) == []
