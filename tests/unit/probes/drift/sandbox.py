"""A private corner of this machine: its own /etc, mounts and network, and three ways into it."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Sequence
from pathlib import Path

import testinfra
from testinfra.backend.base import CommandResult
from testinfra.backend.local import LocalBackend
from testinfra.host import Host

from pytest_ddd.baseline.fields import Entry
from pytest_ddd.baseline.model import Declaration
from pytest_ddd.baseline.model import Path as Keys
from pytest_ddd.baseline.sections.configuration import (
    Cron,
    File,
    Listener,
    Mount,
    Package,
    Service,
    Sysctl,
    Unlisted,
    User,
    UserGroup,
)
from pytest_ddd.connections.answers import Completed
from pytest_ddd.errors import CommandTimeoutError
from pytest_ddd.probes.configuration import DriftItem
from pytest_ddd.probes.drift.ways import Ways
from pytest_ddd.results import Origin

NAME = "web1"
BASELINE = "baselines/prod/configuration.yaml"
MODELS: dict[str, type[Entry]] = {
    "cron": Cron,
    "file": File,
    "group": UserGroup,
    "listener": Listener,
    "mount": Mount,
    "package": Package,
    "service": Service,
    "sysctl": Sysctl,
    "unlisted": Unlisted,
    "user": User,
}


class _Backend(LocalBackend):  # type: ignore[misc]  # testinfra is untyped
    """testinfra's local backend, entered through a prefix such as nsenter."""

    def __init__(self, through: Sequence[str]) -> None:
        super().__init__()
        self.through = through

    def run(self, command: str, *args: str, **kwargs: object) -> CommandResult:
        words = [*self.through, "sh", "-c", self.get_command(command, *args)]
        return self.run_local(shlex.join(words))


class Way:
    """A way to this machine, with the two methods of Connections that probes use."""

    def __init__(self, *through: str) -> None:
        self.through = through
        self._backend = _Backend(through)
        self._host = Host(self._backend)
        self._backend.set_host(self._host)

    def reading_host(self, name: str) -> testinfra.host.Host:
        return self._host

    def session(self, name: str) -> Way:
        return self

    def run(self, command: str, *, timeout_s: float = 60, repeatable: bool = False) -> Completed:
        try:
            done = subprocess.run(
                [*self.through, "sh", "-c", command],
                capture_output=True,
                timeout=timeout_s,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise CommandTimeoutError(f"{command} did not end within {timeout_s:g} s") from None
        return Completed(
            command=command,
            exit_status=done.returncode,
            stdout=done.stdout,
            stderr=done.stderr,
            took_s=0.0,
        )


class Sandbox:
    """Namespaces of one sleeping process; all of it is gone when that process ends."""

    def __init__(self, scratch: Path) -> None:
        layers = [scratch / name for name in ("upper", "work")]
        for layer in layers:
            layer.mkdir()
        overlay = f"lowerdir=/etc,upperdir={layers[0]},workdir={layers[1]}"
        script = (
            f"mount -t overlay etc -o {shlex.quote(overlay)} /etc && mount -t tmpfs spool /var/spool"
            r" && sed -i -E '/^[^:]*:[^:]*:[1-9][0-9]{3}:/d' /etc/passwd"  # people of this machine
            " && ip link set lo up && echo ready && exec sleep 600"
        )
        self._holder = subprocess.Popen(
            ["unshare", "--mount", "--net", "--propagation", "private", "sh", "-c", script],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._holder.stdout is not None
        assert self._holder.stdout.readline() == "ready\n"
        self.enter = ("nsenter", "-t", str(self._holder.pid), "-m", "-n", "--")
        self.way = Way(*self.enter)
        nobody = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
        self.as_nobody = Way(*self.enter, *nobody)

    def do(self, *words: str, stdin: str = "") -> None:
        """Change something by hand."""
        done = subprocess.run(
            [*self.enter, *words], input=stdin, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr

    def close(self) -> None:
        self._holder.terminate()
        self._holder.wait()
        assert self._holder.stdout is not None
        self._holder.stdout.close()


def declared(key: str, /, **values: object) -> Declaration[Entry]:
    """A declaration whose attributes stand on the lines 2, 3, 4 … of the baseline."""
    model = MODELS[key.partition(":")[0]].model_validate(values)
    origins: dict[Keys, Origin] = {(): Origin(file=BASELINE, line=1)}
    for line, name in enumerate(values, start=2):
        origins[(name,)] = Origin(file=BASELINE, line=line)
    return Declaration(section="configuration", key=key, model=model, origins=origins)


def item(way: Ways, key: str, /, **values: object) -> DriftItem:
    """One drift item, to be looked at through `way`."""
    return beside((), way, key, **values)


def beside(
    listed: Sequence[Declaration[Entry]], way: Ways, key: str, /, **values: object
) -> DriftItem:
    """One drift item of a host whose baseline lists other things too."""
    declaration = declared(key, **values)
    return DriftItem(declaration=declaration, host=NAME, connections=way, listed=listed)


def problems(way: Ways, key: str, /, **values: object) -> list[str]:
    """What one look finds wrong, as the report prints it."""
    return [str(problem) for problem in item(way, key, **values).read().problems]
