"""Batch jobs of a real systemd, seen by ssh: each fault found, and healed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from pytest_ddd import clock
from tests.lab.host import LabHost
from tests.lab.lab import Lab
from tests.system.conftest import Prod, Run

pytestmark = pytest.mark.needs("lab")

HOSTS = """
    version: 1
    hosts: {{web1: {{connection: "ssh://ops@web1", ssh_config: {ssh}}}}}
"""
UNITS = {
    "good.service": "ExecStart=/bin/true",
    "bad.service": "ExecStart=/bin/sh -c 'test -e /run/job-may'",
    "hung.service": "ExecStart=/bin/sh -c 'test -e /run/job-may || exec sleep 600'",
    "never.service": "ExecStart=/bin/true",
    "loose.service": "ExecStart=/bin/true",
}
TIMERS = {"on": "good", "off": "good", "bad": "bad", "hung": "hung", "never": "never"}
TIMER = "[Timer]\nOnCalendar=yearly\nUnit={}.service\n"
JOBS = {
    "good": "systemd: good.service",
    "failed": "systemd: bad.service",
    "running": "systemd: hung.service, runtime: {crit: 1s}",
    "gone": "systemd: gone.service",
    "timed": "systemd: on.timer",
    "timer-off": "systemd: off.timer",
    "timer-gone": "systemd: gone.timer",
    "never": "systemd: never.service",
    "loose": "systemd: loose.service",
    "marker": "file: {path: /run/job-done}",
    "log": 'log: {path: /run/job.log, success: "job: done"}',
}


@pytest.fixture
def web1(lab_hosts: dict[str, LabHost]) -> Iterator[LabHost]:
    host = lab_hosts["web1"]
    for name, line in UNITS.items():
        host.write(f"/run/systemd/system/{name}", f"[Service]\nType=oneshot\n{line}\n")
    for name, service in TIMERS.items():
        host.write(f"/run/systemd/system/{name}.timer", TIMER.format(service))
    host.run("systemctl daemon-reload && systemctl start on.timer bad.timer hung.timer never.timer")
    host.run("systemctl start good.service loose.service; systemctl start bad.service || true")
    host.run("systemctl start --no-block hung.service; sleep 2")
    yield host
    units = [*(f"{name}.timer" for name in (*TIMERS, "gone")), *UNITS, "gone.service"]
    host.run(f"systemctl stop {' '.join(units)}; systemctl reset-failed")
    host.run(f"cd /run/systemd/system && rm -f {' '.join(units)} && systemctl daemon-reload")
    host.run("rm -f /run/job-may /run/job-done /run/job.log")


@pytest.fixture
def site(lab: Lab, web1: LabHost, tmp_path) -> Prod:
    made = Prod(tmp_path / "site", lab)
    made.baseline("hosts", HOSTS.format(ssh=lab.ssh_config))
    due = clock.now() - timedelta(minutes=5)
    common = f'schedule: "{due.minute} {due.hour} * * *", applies_to: [web1]'
    limits = {"late": ", late: {warn: 1m, crit: 1h}", "": ", late: {warn: 1h, crit: 2h}"}
    jobs = {name: f"{{{source}, {common}{limits['']}}}" for name, source in JOBS.items()}
    jobs["late"] = f"{{systemd: good.service, {common}{limits['late']}}}"
    made.baseline("jobs", "jobs:\n" + "".join(f"  {name}: {text}\n" for name, text in jobs.items()))
    return made


def look(site: Prod) -> Run:
    return site.run("--host=prod", "--ddd-scenario=end-of-day-validation")


def test_faults_of_jobs_are_found_and_healed(site: Prod, web1: LabHost) -> None:
    broken = look(site)
    found = {name: broken.of("web1", name) for name in (*JOBS, "late")}
    outcomes = {name: result.outcome.value for name, result in found.items()}

    assert outcomes == {
        "good": "GREEN", "failed": "RED", "running": "RED", "gone": "RED", "timed": "GREEN",
        "timer-off": "RED", "timer-gone": "RED", "never": "UNKNOWN", "loose": "UNKNOWN",
        "marker": "RED", "log": "UNKNOWN", "late": "YELLOW",
    }, broken.text  # fmt: skip
    assert "result exit-code, exit status 1" in found["failed"].reason
    assert "running runtime" in found["running"].reason
    assert "gone.service is not-found" in found["gone"].reason
    assert "off.timer is inactive: nobody will start the job" in found["timer-off"].reason
    assert "knows nothing from before" in found["never"].reason
    assert "systemd forgets how a service ended" in found["loose"].reason
    assert "Traceback" not in broken.text

    heal(web1)
    healed = look(site)
    assert healed.bad() == {("web1", "late"): "YELLOW"}, healed.text


def heal(web1: LabHost) -> None:
    web1.run('touch /run/job-may /run/job-done; echo "$(date -Is) job: done" >/run/job.log')
    web1.run("systemctl stop hung.service; systemctl reset-failed; true")
    remain = "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/true\n"
    web1.write("/run/systemd/system/loose.service", remain)
    web1.write("/run/systemd/system/gone.service", remain)
    web1.write("/run/systemd/system/gone.timer", TIMER.format("gone"))
    web1.run("systemctl daemon-reload && systemctl start off.timer gone.timer", check=True)
    services = "bad.service hung.service never.service loose.service gone.service"
    web1.run(f"systemctl start {services}", check=True)
