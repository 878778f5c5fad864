"""Probe what this kernel allows, by doing it once in a throw-away namespace."""

from __future__ import annotations

import os
import subprocess
import tempfile
from functools import cache
from pathlib import Path

PROBE_TIMEOUT_S = 20
DEVICES = {"tun": "/dev/net/tun", "fuse": "/dev/fuse"}


def _works(*argv: str) -> bool:
    try:
        done = subprocess.run(argv, capture_output=True, timeout=PROBE_TIMEOUT_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def _overlay() -> bool:
    with tempfile.TemporaryDirectory(prefix="dddlab-probe-", dir="/var/tmp") as base:
        for name in ("l", "u", "w", "m"):
            Path(base, name).mkdir()
        options = f"lowerdir={base}/l,upperdir={base}/u,workdir={base}/w"
        script = f"mount -t overlay probe -o {options} {base}/m && touch {base}/m/x"
        return _works("unshare", "-m", "sh", "-c", script)


def cgroup_roots() -> list[Path]:
    """The mounted cgroup hierarchies a lab host gets a directory in (v1 by name, v2 at its mount point)."""
    wanted = {"systemd", "unified", "memory", "pids", "cpu", "cpuacct"}
    roots: list[Path] = []
    for line in Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines():
        _, target, kind, *_ = line.split()
        if kind == "cgroup2" or (kind == "cgroup" and wanted & set(Path(target).name.split(","))):
            path = Path(target)
            if path not in roots:
                roots.append(path)
    return roots


def _cgroup() -> bool:
    roots = cgroup_roots()
    if not roots:
        return False
    probe = roots[0] / f"dddlab-probe-{os.getpid()}"
    try:
        probe.mkdir()
        probe.rmdir()
    except OSError:
        return False
    return True


def _opens(device: str) -> bool:
    # The device node can be there without a driver behind it, so open it.
    try:
        os.close(os.open(device, os.O_RDWR))
    except OSError:
        return False
    return True


@cache
def has(feature: str) -> bool:
    """Whether this machine allows one feature named in packages.toml."""
    if feature == "root":
        return os.geteuid() == 0
    if feature == "netns":
        return _works("unshare", "-n", "true")
    if feature == "veth":
        return _works(
            "unshare", "-n", "ip", "link", "add", "a0", "type", "veth", "peer", "name", "b0"
        )
    if feature == "overlay":
        return _overlay()
    if feature == "cgroup":
        return _cgroup()
    if feature in DEVICES:
        return _opens(DEVICES[feature])
    raise KeyError(f"no probe for kernel feature {feature!r}")


def lacking(features: frozenset[str]) -> list[str]:
    """The features of the set that are not there, sorted."""
    return sorted(feature for feature in features if not has(feature))
