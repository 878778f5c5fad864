"""Find what is on a host, by the looks that `unlisted` takes: names only, no values."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping

from pytest_ddd.baseline.model import Declaration
from pytest_ddd.baseline.sections.configuration import Unlisted
from pytest_ddd.baseline.tree import some
from pytest_ddd.connections import Connections
from pytest_ddd.errors import CannotLookError, UnreachableError
from pytest_ddd.probes.capture.interface import Candidate, Values
from pytest_ddd.probes.drift import cron, unlisted
from pytest_ddd.probes.drift.accounts import all_accounts
from pytest_ddd.probes.drift.comparison import Comparison
from pytest_ddd.probes.drift.setuid import setuid_files
from pytest_ddd.probes.drift.sockets import WILDCARDS, listeners
from pytest_ddd.probes.usage.file_systems import (
    TABLE,
    TMPFS_OF_THE_SYSTEM,
    parse_mounts,
    real_file_systems,
)

_CHOSEN = (
    "apt-mark showmanual | xargs -r dpkg-query -W"
    r" -f '${Package}|${Priority}|${Section}\n' 2>/dev/null"
)
"""What somebody installed, as opposed to what came with it."""

_OF_EVERY_SYSTEM = ("required", "important", "standard")
_LIBRARIES = ("libs", "oldlibs")

_FILES = (
    "/etc/crontab", "/etc/fstab", "/etc/group", "/etc/gshadow", "/etc/hosts.allow",
    "/etc/hosts.deny", "/etc/login.defs", "/etc/nsswitch.conf", "/etc/passwd", "/etc/shadow",
    "/etc/ssh/sshd_config", "/etc/sudoers", "/etc/sysctl.conf",
)  # fmt: skip
"""Files that say who may do what on a host; those that are there are captured."""

_DIRECTORIES = ("/etc/cron.d", "/etc/ssh/sshd_config.d", "/etc/sudoers.d", "/etc/sysctl.d")
"""All files in them are captured, and so are those below /etc/NAME of a service that runs."""

MOST_FILES = 300
SUDO = "let this host's connection use sudo: `sudo: true` in hosts.yaml"
_CLOSED = re.compile(r"^find: .(/.*).: Permission denied$", re.MULTILINE)
_SPOOLS = "/var/spool/cron/crontabs /var/spool/cron"

_PATH = re.compile(r"/[\w./-]*\w;?")

_SCHEDULE = re.compile(r"@[a-z]+|([0-9*][0-9*,/-]*|[A-Za-z]{3}[A-Za-z,-]*)( \S+){4}")
"""What tells a job from `NAME = value` in a crontab."""

_SYSCTL = (
    "fs.protected_hardlinks", "fs.protected_symlinks", "fs.suid_dumpable",
    "kernel.dmesg_restrict", "kernel.kptr_restrict", "kernel.randomize_va_space",
    "net.ipv4.conf.all.accept_redirects", "net.ipv4.conf.all.accept_source_route",
    "net.ipv4.conf.all.rp_filter", "net.ipv4.conf.all.send_redirects", "net.ipv4.ip_forward",
    "net.ipv4.tcp_syncookies", "net.ipv6.conf.all.accept_redirects",
    "net.ipv6.conf.all.forwarding", "vm.overcommit_memory", "vm.swappiness",
)  # fmt: skip
"""Settings that guides to hardening name, and two that databases depend on."""

_SYSCTL_FILES = "cat /etc/sysctl.conf /etc/sysctl.d/*.conf 2>/dev/null"
_SYSCTL_LINE = re.compile(r"^\s*-?([a-z][\w./-]*)\s*=", re.MULTILINE)
_POWERFUL = ("adm", "disk", "docker", "lxd", "root", "shadow", "sudo", "wheel")
"""Groups whose members can do what root can, or read what is not theirs."""


def look_at(connections: Connections, host: str) -> Comparison:
    """Return what the looks below work on: a host, and no statement about it."""
    nothing = Declaration(section="configuration", key="unlisted:", model=Unlisted(), origins={})
    return Comparison(
        declaration=nothing,
        host=connections.reading_host(host),
        shell=connections.session(host),
    )


def _packages(look: Comparison) -> Iterator[Candidate]:
    manager = unlisted.package_manager(look)
    if manager != "DebianPackage":
        hint = "name them: pytest-ddd capture packages:NAME"
        raise CannotLookError(
            f"{manager} does not tell what was chosen from what came along", hint=hint
        )
    answer = look.script(f"LC_ALL=C; export LC_ALL; {_CHOSEN}")
    if not answer.text.strip():
        raise CannotLookError(answer.error_text.strip() or "apt-mark names no package")
    for line in answer.text.splitlines():
        name, _, rest = line.partition("|")
        priority, _, section = rest.partition("|")
        if priority not in _OF_EVERY_SYSTEM and section.rpartition("/")[2] not in _LIBRARIES:
            yield Candidate(kind="packages", name=name)


def _services(look: Comparison) -> Iterator[Candidate]:
    for unit in unlisted.running_services(look):
        if not unlisted.comes_and_goes(unit):
            yield Candidate(kind="services", name=unit.removesuffix(".service"))


def _files(look: Comparison) -> Iterator[Candidate]:
    words = shlex.join([*_FILES, *dict.fromkeys([*_DIRECTORIES, *_of_services(look)])])
    answer = look.script(f"LC_ALL=C find {words} -xdev -type f")
    names = sorted({name for name in answer.text.splitlines() if name.isprintable()})
    if not names:
        raise CannotLookError("none of the usual files can be seen")
    for name in names[:MOST_FILES]:
        yield Candidate(kind="files", name=name)
    closed = _CLOSED.findall(answer.error_text)
    if closed:
        raise CannotLookError(f"{some(closed)} cannot be read", hint=SUDO)
    if len(names) > MOST_FILES:
        text = f"{len(names) - MOST_FILES} of {len(names)} are too many"
        raise CannotLookError(text, hint=f"name what matters: files:{names[MOST_FILES]}")


def _of_services(look: Comparison) -> list[str]:
    """Return where running services keep their configuration, as far as systemd tells."""
    try:
        units = unlisted.running_services(look)
    except UnreachableError:
        raise
    except CannotLookError:
        return []  # without systemd there are the usual files still
    names = (unit.removesuffix(".service") for unit in units)
    return [f"/etc/{name}" for name in names if "/" not in name]


def _sysctl(look: Comparison) -> Iterator[Candidate]:
    own = _SYSCTL_LINE.findall(look.script(_SYSCTL_FILES).text)
    paths = " ".join(_path(name) for name in _SYSCTL)
    there = set(look.script(f"LC_ALL=C ls -d -- {paths} 2>/dev/null").text.splitlines())
    names = {name for name in _SYSCTL if _path(name) in there}
    for name in sorted(names | {each.replace("/", ".") for each in own}):
        yield Candidate(kind="sysctl", name=name)


def _path(name: str) -> str:
    return f"/proc/sys/{name.replace('.', '/')}"


def _users(look: Comparison) -> Iterator[Candidate]:
    for account in all_accounts(look):
        if account.name == "root" or unlisted.is_person(account):
            yield Candidate(kind="users", name=account.name)


def _groups(look: Comparison) -> Iterator[Candidate]:
    answer = look.run("getent", "group", *_POWERFUL)
    for line in answer.text.splitlines():
        yield Candidate(kind="groups", name=line.partition(":")[0])


def _listeners(look: Comparison) -> Iterator[Candidate]:
    found, _ = listeners(look)
    lasting = [one for one in sorted(found) if not unlisted.is_ephemeral(one)]
    everywhere = {(one.protocol, one.port) for one in lasting if one.address in WILDCARDS}
    for protocol, port in sorted(everywhere):
        yield Candidate(kind="listeners", name=f"{protocol}:{port}")
    for one in lasting:
        if (one.protocol, one.port) not in everywhere:
            yield Candidate(kind="listeners", name=str(one))


def _mounts(look: Comparison) -> Iterator[Candidate]:
    answer = look.run("cat", TABLE)
    for one in real_file_systems(parse_mounts(answer.text)):
        if not f"{one.mount}/".startswith(TMPFS_OF_THE_SYSTEM):
            yield Candidate(kind="mounts", name=one.mount)


def _cron(look: Comparison) -> Iterator[Candidate]:
    taken: set[str] = set()
    spool = look.script(f"LC_ALL=C ls -A {_SPOOLS}")
    owners = spool.text.split()
    accounts = {account.name for account in all_accounts(look)}
    for user in ["system", *sorted(accounts & set(owners))]:
        jobs = cron.system_jobs(look) if user == "system" else cron.user_jobs(look, user)
        for job in jobs:
            if job.ignored or not _SCHEDULE.fullmatch(job.schedule):
                continue
            name = _job_name(job.command, taken)
            taken.add(name)
            values = {"user": user, "schedule": job.schedule, "command": job.command}
            yield Candidate(kind="cron", name=name, values=values)
    if "ermission denied" in spool.error_text:
        raise CannotLookError("the crontabs of users cannot be read", hint=SUDO)


def _job_name(command: str, taken: Iterable[str]) -> str:
    """Return the name of the program or of what it is given, numbered when it is taken."""
    words = command.split()
    paths = [word for word in words[1:] if _PATH.fullmatch(word)]
    program = words[0] if "/" in words[0] or not paths else paths[-1]
    base = re.sub(r"[^A-Za-z0-9._-]+", "-", program.rpartition("/")[2]).strip("-.") or "job"
    name, number = base, 1
    while name in taken:
        number += 1
        name = f"{base}-{number}"
    return name


def _unlisted(look: Comparison) -> Iterator[Candidate]:
    for name in ("listeners", "users"):
        yield Candidate(kind="unlisted", name=name, values={name: "red"})
    files = setuid_files(look, Unlisted().setuid_paths)
    values: Values = {"setuid": "red", "setuid_files": [*files]}
    yield Candidate(kind="unlisted", name="setuid", values=values)


DISCOVER: Mapping[str, Callable[[Comparison], Iterable[Candidate]]] = {
    "packages": _packages,
    "services": _services,
    "files": _files,
    "sysctl": _sysctl,
    "users": _users,
    "groups": _groups,
    "listeners": _listeners,
    "mounts": _mounts,
    "cron": _cron,
    "unlisted": _unlisted,
}
"""Kind, as `configuration` writes it -> what of it is on a host."""
