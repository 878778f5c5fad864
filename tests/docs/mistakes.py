"""The mistakes of a first hour, each as what is wrong with a site or host, and what is typed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

from tests.lab import faults
from tests.lab.host import LabHost

DAILY = "pytest -m daily --host=prod"
VALIDATE = "pytest-ddd validate prod"

CONFIGURATION = "configuration:\n  files:\n    /etc/hostname: {owner: root}\n"
HOSTS = """\
hosts:
  web1: {connection: "ssh://ops@web1", groups: [web]}
groups: {web: {}}
"""
CHECK = "import pytest\n\npytestmark = pytest.mark.daily\n\n\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """One mistake; `title` is its heading on the page, whose block shows what it leads to."""

    title: str
    command: str = DAILY
    files: Mapping[str, str] = field(default_factory=dict)
    """What the site holds in the place of what is right, by path."""
    status: int = 4
    folder: str = ""
    """Where in the site the command is typed."""
    wrapped: str = "{command}"
    """How the command is started, for what is wrong with the machine."""
    ssh: tuple[str, str] = ("", "")
    """What stands in the ssh configuration in the place of what is right."""
    fault: Callable[[LabHost], AbstractContextManager[None]] | None = None
    """What is wrong on the host."""


def _hosts(connection: str, more: str = "") -> dict[str, str]:
    return {"baselines/prod/hosts.yaml": HOSTS.replace('"ssh://ops@web1"', f'"{connection}"{more}')}


def _section(name: str, text: str) -> dict[str, str]:
    return {f"baselines/prod/{name}.yaml": text}


def _moved(path: str) -> Callable[[LabHost], AbstractContextManager[None]]:
    return lambda host: faults.changed(host, f"mv {path} {path}.away", f"mv {path}.away {path}")


def _own(text: str, name: str = "test_kernel") -> dict[str, str]:
    return {f"checks/daily/{name}.py": text}


COMMAND_LINE = (
    Mistake(title="Not in the site", command="pytest -m daily", folder="../elsewhere", status=5),
    Mistake(
        title="In a folder of the site without checks",
        command="pytest -m daily",
        folder="baselines",
        status=5,
    ),
    Mistake(title="A mistyped frequency", command="pytest -m dayly"),
    Mistake(title="A mistyped option", command="pytest -m daily --ddd-evidnce=off"),
    Mistake(title="The option of another plugin", command="pytest -m daily --hosts=prod"),
    Mistake(title="A mistyped group", command="pytest -m daily --host=wbe"),
    Mistake(title="An account in the place of a name", command="pytest -m daily --host=ops@web7"),
    Mistake(title="No such environment", command="pytest -m daily --host=production"),
    Mistake(title="A mistyped scenario", command="pytest --ddd-scenario=morning"),
    Mistake(title="Actions without a host", command="pytest -m weekly --ddd-apply"),
    Mistake(title="A duration without a unit", command="pytest -m daily --ddd-recheck=5"),
    Mistake(title="A mistyped verb", command="pytest-ddd vlaidate"),
    Mistake(title="A time zone that is none", command="pytest-ddd init --timezone=CEST"),
)

BASELINE = (
    Mistake(
        title="A tab in YAML",
        command=VALIDATE,
        files=_section("thresholds", "thresholds:\n\tdisk: {warn: 80%}\n"),
    ),
    Mistake(
        title="Wrong indentation",
        command=VALIDATE,
        files=_section("thresholds", "thresholds:\n    disk: {warn: 80%}\n  memory: {warn: 70%}\n"),
    ),
    Mistake(
        title="A mistyped key",
        command=VALIDATE,
        files=_section("thresholds", "thresholds:\n  disk: {warning: 80%}\n"),
    ),
    Mistake(
        title="A mistyped section",
        command=VALIDATE,
        files=_section("treshholds", "treshholds:\n  disk: {warn: 80%}\n"),
    ),
    Mistake(
        title="A limit without its unit",
        command=VALIDATE,
        files=_section("thresholds", "thresholds:\n  disk: {warn: 80, crit: 90}\n"),
    ),
    Mistake(
        title="Limits in the wrong order",
        command=VALIDATE,
        files=_section("thresholds", "thresholds:\n  disk: {warn: 90%, crit: 80%}\n"),
    ),
    Mistake(
        title="A group that no host is in",
        command=VALIDATE,
        files=_section("thresholds", "thresholds:\n  disk: {warn: 80%, applies_to: [wbe]}\n"),
    ),
    Mistake(
        title="A name that stands twice",
        command=VALIDATE,
        files=_section("thresholds", "thresholds:\n  disk: {warn: 80%}\n  disk: {warn: 90%}\n"),
    ),
    Mistake(
        title="A file mode without quotes",
        command=VALIDATE,
        files=_section("configuration", "configuration:\n  files:\n    /etc/motd: {mode: 0644}\n"),
    ),
    Mistake(
        title="A password in a file",
        command=VALIDATE,
        files=_section(
            "backups",
            "backups:\n  database:\n    kind: restic\n    repository: /srv/backup\n"
            "    password: hunter2\n",
        ),
    ),
    Mistake(title="A connection without its kind", command=VALIDATE, files=_hosts("web1")),
    Mistake(
        title="A key of ssh beside the connection",
        command=VALIDATE,
        files=_hosts("ssh://ops@web1", ", identity_file: ~/.ssh/web1"),
    ),
)

INSTALLING = (
    Mistake(
        title="A Python that is too old",
        command="pip install pytest-ddd",
        wrapped="{command} --no-index --no-deps --dry-run --target=. "
        "--only-binary=:all: --python-version=3.10 --find-links=$WHEELS",
        status=1,
    ),
)

SSH = (
    Mistake(
        title="No ssh on this machine",
        status=1,
        wrapped="PATH=$(dirname $(command -v pytest)) {command}",
    ),
    Mistake(
        title="A wrong key path",
        status=1,
        files=_hosts("ssh://ops@web1?ssh_identity_file=/home/me/.ssh/web1"),
        ssh=("IdentityFile .*", "IdentityFile none"),
    ),
    Mistake(
        title="A key that others can read",
        status=1,
        ssh=("IdentityFile .*", "IdentityFile {site}/key"),
    ),
    Mistake(
        title="No ssh agent",
        status=1,
        ssh=("IdentityFile .*", "IdentityFile none"),
        wrapped="env --unset=SSH_AUTH_SOCK {command}",
    ),
    Mistake(
        title="An agent without the key",
        status=1,
        ssh=("IdentityFile .*\n  IdentitiesOnly yes", "IdentityFile none"),
        wrapped="ssh-agent {command}",
    ),
    Mistake(
        title="A host key that is not known",
        status=1,
        ssh=("UserKnownHostsFile .*", "UserKnownHostsFile /home/me/.ssh/known_hosts"),
    ),
    Mistake(
        title="A host key that has changed",
        status=1,
        ssh=("UserKnownHostsFile .*", "UserKnownHostsFile {site}/known_hosts"),
    ),
    Mistake(
        title="A bad line in the ssh configuration",
        status=1,
        ssh=("Host web1", "Host web1\n  Usr ops"),
    ),
    Mistake(title="A resolver that does not answer", status=1, files=_hosts("ssh://ops@wbe1")),
    Mistake(title="A wrong port", status=1, files=_hosts("ssh://ops@web1:2222")),
    Mistake(title="A host that hangs", status=1, fault=faults.ssh_hangs),
    Mistake(
        title="An account without a shell",
        status=1,
        files=_hosts("ssh://ashuser@web1"),
        fault=lambda host: faults.changed(
            host, "usermod -s /usr/sbin/nologin ashuser", "usermod -s /bin/ash ashuser"
        ),
    ),
    Mistake(
        title="sudo asks for a password",
        status=1,
        files=_hosts("ssh://sudopw@web1", ", sudo: true"),
    ),
    Mistake(
        title="No sudo on the host",
        status=1,
        files=_hosts("ssh://ops@web1", ", sudo: true"),
        fault=_moved("/usr/bin/sudo"),
    ),
)

LOOKING = (
    Mistake(
        title="A log that only root may read",
        status=1,
        files=_section(
            "logs", "logs:\n  nginx: {path: /var/log/nginx/error.log, error: [error]}\n"
        ),
        fault=lambda host: faults.changed(
            host, "chmod 700 /var/log/nginx", "chmod 755 /var/log/nginx"
        ),
    ),
    Mistake(
        title="A file that only root may read",
        status=1,
        files=_section(
            "configuration", "configuration:\n  files:\n    /etc/shadow: {lacks: ['^ops::']}\n"
        ),
    ),
    Mistake(
        title="A secret that is not there",
        status=1,
        files=_section(
            "backups",
            "backups:\n  database:\n    kind: restic\n    repository: /srv/backup\n"
            "    password: {env: RESTIC_PASSWORD}\n",
        ),
    ),
)

CHECKS = (
    Mistake(
        title="A mistyped fixture",
        command="pytest -m daily",
        status=1,
        files=_own(f"{CHECK}def test_kernel(hots):\n    assert hots.run('true').rc == 0\n"),
    ),
    Mistake(
        title="A mistyped marker",
        command="pytest -m daily",
        status=2,
        files=_own("import pytest\n\n\n@pytest.mark.dayly\ndef test_kernel(host):\n    pass\n"),
    ),
    Mistake(
        title="A check without a frequency",
        command="pytest -m daily checks/daily/test_kernel.py",
        status=5,
        files=_own("def test_kernel(host):\n    assert host.run('true').rc == 0\n"),
    ),
    Mistake(
        title="A check that breaks",
        command="pytest -m daily",
        status=1,
        files=_own(
            f"{CHECK}def test_kernel(host):\n    assert int(host.run('uname -s').stdout) > 5\n"
        ),
    ),
    Mistake(
        title="`judge` without a limit",
        command="pytest -m daily",
        status=1,
        files=_own(
            f"{CHECK}def test_kernel(host, judge):\n    judge(host.run('uname -r').stdout, 5)\n"
        ),
    ),
)

HERE = (*INSTALLING, *COMMAND_LINE, *BASELINE, *CHECKS)
THERE = (*SSH, *LOOKING)
