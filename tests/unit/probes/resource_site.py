"""Hosts for tests of resources: this machine, and a corner of it with mounts of its own."""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pytest_ddd.baseline.model import Declaration
from pytest_ddd.baseline.sections.thresholds import Resource as Limits
from pytest_ddd.connections import Connections, ConnectionSpec
from pytest_ddd.outcomes import Outcome, worst
from pytest_ddd.probes.resources import Resource
from pytest_ddd.probes.usage.disks import Usage
from pytest_ddd.results import Origin, Reading, judge

ORIGIN = Origin(file="baselines/prod/thresholds.yaml", line=12)
_SILENT_FUSE = Path(__file__).with_name("silent_fuse.py")


class Corner:
    """A mount namespace; all of its mounts are gone when it is closed.

    Reached as a container is: through a stand-in for `podman` that enters it.
    """

    def __init__(self, scratch: Path, *, busybox: bool = False, shell_setup: str = "") -> None:
        self._daemons: list[subprocess.Popen[str]] = []
        self._holder = subprocess.Popen(
            shlex.split(
                "unshare --mount --propagation private sh -c 'echo ready && exec sleep 600'"
            ),
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._holder.stdout is not None
        assert self._holder.stdout.readline() == "ready\n"
        self.enter = ["nsenter", "-t", str(self._holder.pid), "-m", "--"]
        self.bin = scratch / "bin"
        self.bin.mkdir()
        inside = [*self.enter]
        if busybox:
            applets = scratch / "applets"
            applets.mkdir()
            subprocess.run(["busybox", "--install", "-s", str(applets)], check=True)
            (applets / "mount").unlink()  # the kernel's way in, not part of what is tested
            self.applets = applets
            self.do("mount", "--bind", "/bin/busybox", "/bin/sh")
            inside += ["env", f"PATH={applets}"]
        engine = self.bin / "podman"
        engine.write_text(f'#!/bin/bash\nshift 3\nexec {shlex.join(inside)} "$@"\n')
        engine.chmod(0o755)

    def do(self, *words: str) -> None:
        """Run a command in the corner."""
        subprocess.run([*self.enter, *words], check=True)

    def tmpfs(self, at: Path, options: str) -> None:
        """Mount a tmpfs."""
        at.mkdir(parents=True, exist_ok=True)
        self.do("mount", "-t", "tmpfs", "-o", options, "tmpfs", str(at))

    def hang(self, at: Path, how: Literal["deaf", "silent"]) -> None:
        """Mount a file system whose daemon never answers."""
        at.mkdir(parents=True, exist_ok=True)
        daemon = subprocess.Popen(
            [*self.enter, sys.executable, str(_SILENT_FUSE), str(at), how],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert daemon.stdout is not None
        self._daemons.append(daemon)
        assert daemon.stdout.readline() == "ready\n"

    def close(self) -> None:
        """End everything."""
        for process in (*self._daemons, self._holder):
            process.kill()
            process.wait()
            assert process.stdout is not None
            process.stdout.close()


def local() -> Connections:
    """Return this machine as `here`."""
    return Connections({"here": ConnectionSpec(name="here", kind="local", hostspec="local://")})


def remote() -> Connections:
    """Return `web1`, reached through whatever `podman` is."""
    spec = ConnectionSpec(name="web1", kind="podman", hostspec="podman://web1", address="web1")
    return Connections({"web1": spec})


def resource(
    connections: Connections,
    key: str,
    *,
    profile: Literal["day", "night"] = "day",
    **limits: object,
) -> Resource:
    """Return the resource of the only host, declared with `limits` (80 % and 90 % without)."""
    model = Limits.model_validate(limits or {"warn": "80%", "crit": "90%"})
    declaration = Declaration(section="thresholds", key=key, model=model, origins={(): ORIGIN})
    (host,) = connections.names
    return Resource(declaration, host=host, connections=connections, profile=profile)


def check(one: Resource) -> tuple[Outcome, Usage]:
    """Do what the shipped check does, and return its outcome with what was read."""
    usage = one.read()
    judged = [judge(reading, one.threshold) for reading in usage.readings]
    outcomes = [reading.outcome or Outcome.UNKNOWN for reading in judged]
    return worst([*outcomes, *([Outcome.RED] if usage.problems else [Outcome.GREEN])]), usage


def named(usage: Usage, name: str) -> Reading:
    """Return the reading of that name."""
    return next(reading for reading in usage.readings if reading.name == name)


def texts(usage: Usage) -> Sequence[str]:
    """Return the texts of all problems."""
    return [problem.text for problem in usage.problems]
