"""How each kind of configuration is asked about, so that what is written holds.

Nothing is read here in a way of its own: the host is compared with a statement, by the code that
the check uses, and what was observed becomes the entry. A statement that can only be true or false
is tried until one holds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pytest_ddd.baseline.sections.configuration import (
    Cron,
    File,
    Listener,
    Mount,
    Package,
    Service,
    Sysctl,
    User,
    UserGroup,
)
from pytest_ddd.baseline.tree import Plain
from pytest_ddd.errors import CannotLookError
from pytest_ddd.probes.capture.interface import Candidate, Inquiry, Values
from pytest_ddd.probes.drift.comparison import Drift
from pytest_ddd.results import Value

_NOT_A_NAME = "-"
"""No account, shell, device or file system is called so."""

_NO_DIGEST = "0" * 64
_READABLE_BY_ALL = 0o004
_NOT_SECRET = ("/etc/sudoers", "/etc/sudoers.d/", "/etc/cron.d/", "/etc/crontab")
"""Closed files whose digest may be known all the same: rules and times, no passwords."""

_CHANGED_BY_TOOLS = ("/etc/passwd", "/etc/group")
"""Every new account changes them; what matters in them, `users` and `groups` say."""

_RENEWED = (".cer", ".crt", ".pem", ".pub")
"""Certificates and keys are another on each host, and renewed; `endpoints` look at certificates."""

_MOUNT_OPTIONS = ["ro", "rw", "noexec", "nosuid", "nodev"]
"""Options that matter to security; others differ from kernel to kernel."""

_UNSTABLE_DEVICES = ("/dev/sd", "/dev/vd", "/dev/nvme", "/dev/xvd", "/dev/hd")
"""Numbered as the kernel finds them: another name after the next boot is no fault."""


def _package(about: Candidate) -> Inquiry:
    seen = about.seen((yield Package(version=_NOT_A_NAME)))
    if seen.get("installed") != "installed":
        raise CannotLookError(f"is {seen.get('installed', 'unknown')}")
    versions = set(str(seen["version"]).split(", "))
    return {"version": _pattern(versions.pop())} if len(versions) == 1 else {}


def _pattern(version: str) -> str:
    """Leave the packager's revision open: security updates change it and nothing else."""
    upstream, dash, _ = version.rpartition("-")
    return f"{upstream}-*" if dash else version


def _service(about: Candidate) -> Inquiry:
    """Say of a service only what is well: one that failed is mended, not written down."""
    drift = yield Service(enabled=None)
    running = not drift.problems
    state = str(about.seen(drift).get("running", "unknown"))
    if not running:
        if not state.startswith("inactive"):
            raise CannotLookError("; ".join(problem.text for problem in drift.problems))
        drift = yield Service(running=False, enabled=None)
        _refuse(drift)
    for enabled in (True, False):
        if not (yield Service(running=running, enabled=enabled)).problems:
            return {"running": running, "enabled": enabled}
    raise CannotLookError("is neither enabled nor disabled")


def _file(about: Candidate) -> Inquiry:
    seen = about.seen((yield _accessed("file")))
    state = str(seen.get("state", "unknown"))
    if state == "symlink":
        return {"state": state, "target": str(about.seen((yield _link()))["target"])}
    if state == "directory":
        seen = about.seen((yield _accessed("directory")))
    elif state != "file":
        raise CannotLookError(f"is {state}: files, directories and links are captured")
    values: Values = {} if state == "file" else {"state": state}
    values |= {name: str(seen[name]) for name in ("owner", "group", "mode")}
    if state == "file" and _may_be_known(about.name, str(seen["mode"])):
        values["sha256"] = str(about.seen((yield File(sha256=_NO_DIGEST)))["sha256"])
    return values


def _accessed(state: str) -> File:
    return File.model_validate(
        {"state": state, "owner": _NOT_A_NAME, "group": _NOT_A_NAME, "mode": "0000"}
    )


def _link() -> File:
    return File(state="symlink", target=_NOT_A_NAME)


def _may_be_known(path: str, mode: str) -> bool:
    """Return whether a digest says something, and gives nothing away: of a password it would."""
    if path in _CHANGED_BY_TOOLS or path.endswith(_RENEWED):
        return False
    return bool(int(mode, 8) & _READABLE_BY_ALL) or path.startswith(_NOT_SECRET)


def _sysctl(about: Candidate) -> Inquiry:
    drift = yield Sysctl(value=_NOT_A_NAME)
    value = str(about.seen(drift)["value"])
    if value == "unknown to this kernel":
        raise CannotLookError(f"is {value}")
    return {"value": int(value) if value.isdecimal() and len(value) < 18 else value}


def _user(about: Candidate) -> Inquiry:
    question = User(uid=0, gid=0, shell=_NOT_A_NAME, home=_NOT_A_NAME, groups=[])
    seen = about.seen((yield question))
    if seen.get("exists") is not True:
        raise CannotLookError("no such account")
    groups = _listed(seen["groups"])
    return {
        **{name: _number(seen[name]) for name in ("uid", "gid")},
        **{name: str(seen[name]) for name in ("shell", "home")},
        "groups": groups,
    }


def _group(about: Candidate) -> Inquiry:
    seen = about.seen((yield UserGroup(gid=0, members=[])))
    if seen.get("exists") is not True:
        raise CannotLookError("no such group")
    return {"gid": _number(seen["gid"]), "members": _listed(seen["members"])}


def _listener(about: Candidate) -> Inquiry:
    _refuse((yield Listener()))
    return {}


def _mount(about: Candidate) -> Inquiry:
    drift = yield Mount(device=_NOT_A_NAME, filesystem=_NOT_A_NAME, options=_MOUNT_OPTIONS)
    seen = about.seen(drift)
    if seen.get("mounted") is not True:
        raise CannotLookError("nothing is mounted there")
    options: list[Plain] = [one for one in _MOUNT_OPTIONS if seen.get(f"option {one}") is True]
    device = str(seen["device"])
    values: Values = {"filesystem": str(seen["filesystem"]), "options": options}
    stable = device.startswith("/dev/") and not device.startswith(_UNSTABLE_DEVICES)
    return {"device": device, **values} if stable or ":/" in device else values


def _cron(about: Candidate) -> Inquiry:
    if about.values is None:
        raise CannotLookError("a line of a crontab has no name of its own: use --discover cron")
    _refuse((yield Cron.model_validate(about.values)))
    return dict(about.values)


def _refuse(drift: Drift) -> None:
    """Raise what does not hold.

    Raises:
        CannotLookError: there is a problem; its text says which.
    """
    if drift.problems:
        raise CannotLookError("; ".join(problem.text for problem in drift.problems))


def _listed(value: Value) -> list[Plain]:
    return [] if value == "none" else [*str(value).split(", ")]


def _number(value: Value) -> int:
    return int(str(value))


INQUIRIES: Mapping[str, Callable[[Candidate], Inquiry]] = {
    "packages": _package,
    "services": _service,
    "files": _file,
    "sysctl": _sysctl,
    "users": _user,
    "groups": _group,
    "listeners": _listener,
    "mounts": _mount,
    "cron": _cron,
}
"""Kind, as `configuration` writes it -> how it is asked about."""
