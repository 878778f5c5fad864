"""Lines of the system's crontabs, in the sandbox's own /etc."""

from __future__ import annotations

import pytest

from pytest_ddd.errors import CannotLookError
from tests.unit.probes.drift.sandbox import BASELINE, Sandbox, item, problems

pytestmark = pytest.mark.needs("unshare")

JOB = {"user": "system", "schedule": "0 2 * * *", "command": "/usr/bin/backup --all"}


def write(sandbox: Sandbox, text: str, *, name: str = "backup") -> None:
    sandbox.do("mkdir", "-p", "/etc/cron.d")
    sandbox.do("tee", f"/etc/cron.d/{name}", stdin=text)


def test_job_that_is_there(sandbox: Sandbox) -> None:
    write(sandbox, "MAILTO=ops\n0 2\t* * *   root  /usr/bin/backup  --all\n")
    assert problems(sandbox.way, "cron:backup", **JOB) == []


def test_job_by_a_name_of_its_schedule(sandbox: Sandbox) -> None:
    write(sandbox, "@daily root /usr/bin/backup --all\n")
    assert problems(sandbox.way, "cron:backup", **JOB | {"schedule": "@daily"}) == []


def test_missing_job(sandbox: Sandbox) -> None:
    write(sandbox, "0 2 * * * root /usr/bin/other\n")
    assert problems(sandbox.way, "cron:backup", **JOB) == [
        "no line runs `/usr/bin/backup --all` in /etc/crontab, /etc/cron.d/*, "
        f"expected 0 2 * * * ({BASELINE}:4)"
    ]


def test_job_at_another_time(sandbox: Sandbox) -> None:
    write(sandbox, "0 3 * * * root /usr/bin/backup --all\n")
    assert problems(sandbox.way, "cron:backup", **JOB) == [
        f"runs at 0 3 * * * in /etc/cron.d/backup, expected 0 2 * * * ({BASELINE}:3)"
    ]


def test_job_that_is_commented_out(sandbox: Sandbox) -> None:
    write(sandbox, "# 0 2 * * * root /usr/bin/backup --all\n")
    assert problems(sandbox.way, "cron:backup", **JOB) == [
        "is never run: 0 2 * * * in /etc/cron.d/backup (commented out), "
        f"expected 0 2 * * * ({BASELINE}:3)"
    ]


def test_job_in_a_file_that_cron_ignores(sandbox: Sandbox) -> None:
    write(sandbox, "0 2 * * * root /usr/bin/backup --all\n", name="backup.dpkg-old")
    [found] = problems(sandbox.way, "cron:backup", **JOB)
    assert "(cron ignores files of that name)" in found


def test_closed_directory_is_unknown(sandbox: Sandbox) -> None:
    write(sandbox, "0 2 * * * root /usr/bin/backup --all\n")
    sandbox.do("chmod", "0700", "/etc/cron.d")
    with pytest.raises(CannotLookError, match="Permission denied"):
        item(sandbox.as_nobody, "cron:backup", **JOB).read()


def test_closed_file_is_unknown(sandbox: Sandbox) -> None:
    write(sandbox, "0 2 * * * root /usr/bin/backup --all\n")
    sandbox.do("chmod", "0600", "/etc/cron.d/backup")
    with pytest.raises(CannotLookError, match="Permission denied"):
        item(sandbox.as_nobody, "cron:backup", **JOB).read()


def test_host_without_crontab_is_unknown(sandbox: Sandbox, tmp_path: object) -> None:
    sandbox.do("mkdir", "-p", "/etc/cron.d")
    with pytest.raises(CannotLookError, match="crontab"):
        item(sandbox.as_nobody, "cron:backup", **JOB | {"user": "root"}).read()
