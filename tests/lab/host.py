"""One real Debian host: systemd as PID 1 in its own namespaces, on an overlay of the shared image."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tests.lab.image import Image
from tests.lab.kernel import cgroup_roots
from tests.lab.net import Net, answers, run
from tests.lab.proc import Proc, run_to_end, signal_pid, wait_for
from tests.lab.reap import Ledger
from tests.lab.svc.tls import Authority

BOOT_DEADLINE_S = 180.0
STOP_DEADLINE_S = 20.0
RUN_TIMEOUT_S = 300.0
LAUNCHER = Path(__file__).with_name("launch.sh")
USERS = ("root", "ops", "sudopw", "noisy", "dashuser", "ashuser", "cshuser", "fishuser")


def _children(pid: int) -> list[int]:
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="utf-8")
    except OSError:
        return []
    return [int(word) for word in text.split()]


@dataclass(frozen=True, slots=True, kw_only=True)
class Disk:
    """Where a host's own files are: the top layer, and below it the snapshots."""

    base: Path

    @property
    def upper(self) -> Path:
        """What the host wrote since its last snapshot."""
        return self.base / "upper"

    @property
    def layers(self) -> Path:
        """Directory of the snapshots."""
        return self.base / "layers"

    def create(self) -> None:
        """Make the empty directories."""
        for path in (self.upper, self.layers, self.base / "root"):
            path.mkdir(parents=True)

    def fresh_work(self) -> Path:
        """A new work directory for the next mount."""
        work = self.base / "work"
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir()
        return work

    def lower(self, image: Image) -> str:
        """The overlay's lower directories, newest snapshot first."""
        kept = sorted(self.layers.iterdir(), reverse=True)
        return ":".join(str(path) for path in [*kept, image.root])

    def layer(self, name: str) -> Path | None:
        """The directory of a named snapshot."""
        return next(
            (path for path in self.layers.iterdir() if path.name.partition("-")[2] == name), None
        )


class LabHost:
    """A host of the lab. Make one with `Lab.host()`; use it by ssh, or from inside with `run()`."""

    def __init__(
        self, ledger: Ledger, net: Net, image: Image, name: str, authority: Authority
    ) -> None:
        """Lay the host's disk and cable; `up()` boots it."""
        self.name = name
        self.ssh_config: Path = ledger.dir / "ssh_config"
        self.disk = Disk(base=ledger.dir / "hosts" / name)
        self.ledger, self.net, self._image = ledger, net, image
        self._launcher: Proc | None = None
        self._halting = False
        self.disk.create()
        self.port = net.attach(name)
        self._seed(authority)

    @property
    def address(self) -> str:
        """IPv4 address on the lab's bridge."""
        return self.port.address

    @property
    def netns(self) -> str:
        """Name of the host's network namespace."""
        return self.port.netns

    @property
    def key(self) -> Path:
        """Private ssh key that every user of the host accepts."""
        return self._image.key

    @property
    def host_key(self) -> str:
        """The host's public ssh key, as known_hosts wants it."""
        return self._host_key

    def _seed(self, authority: Authority) -> None:
        etc = self.disk.upper / "etc"
        (etc / "ssh").mkdir(parents=True)
        (etc / "nginx/tls").mkdir(parents=True)
        run(
            "ssh-keygen",
            "-q",
            "-t",
            "ed25519",
            "-N",
            "",
            "-C",
            self.name,
            "-f",
            str(etc / "ssh/ssh_host_ed25519_key"),
        )
        public = (etc / "ssh/ssh_host_ed25519_key.pub").read_text(encoding="utf-8")
        self._host_key = " ".join(public.split()[:2])
        pair = authority.issue(self.name, sans=[self.name, f"{self.name}.lab.test", self.address])
        shutil.copy(pair.cert, etc / "nginx/tls/server.crt")
        shutil.copy(pair.key, etc / "nginx/tls/server.key")
        (etc / "hosts").write_text(
            f"127.0.0.1 localhost\n{self.address} {self.name}.lab.test {self.name}\n"
        )
        (etc / "hostname").write_text(f"{self.name}\n")
        # Nobody answers there until a test starts a server, and then a host gives up soon.
        (etc / "resolv.conf").write_text(
            f"nameserver {self.net.gateway}\noptions timeout:1 attempts:1\n"
        )

    def _cgroups(self) -> list[Path]:
        return [root / self.ledger.lab / self.name for root in cgroup_roots()]

    def start(self) -> None:
        """Begin to boot, without waiting."""
        for path in self._cgroups():
            path.mkdir(parents=True, exist_ok=True)
        machine = f"{self.ledger.lab}-{self.name}"
        argv = [
            "unshare", "--mount", "--propagation", "slave", "sh", str(LAUNCHER), str(self.disk.base / "root"),
            self.disk.lower(self._image), str(self.disk.upper), str(self.disk.fresh_work()), self.netns, machine,
            self.name, *(str(path) for path in self._cgroups()),
        ]  # fmt: skip
        self._launcher = Proc(self.ledger, f"host-{self.name}", argv)

    def wait(self, deadline_s: float = BOOT_DEADLINE_S) -> LabHost:
        """Wait until sshd greets and systemd has nothing left to start."""
        assert self._launcher is not None, f"{self.name} was not started"
        self._launcher.ready(
            lambda: answers(self.address, 22, self.net.ctl, b"SSH-2.0"), deadline_s
        )
        # Fails for a degraded host; tests of broken hosts want that one as well.
        self.run("systemctl is-system-running --wait", timeout=deadline_s)
        return self

    def up(self) -> LabHost:
        """Boot and wait; a running host stays as it is."""
        if not self.running:
            self.start()
            self.wait()
        return self

    @property
    def running(self) -> bool:
        """Whether the host has been started and not ended."""
        return self._launcher is not None and self._launcher.running

    @property
    def leader(self) -> int:
        """Process id of the host's PID 1, as this machine sees it."""
        assert self._launcher is not None, f"{self.name} is down"
        for nspawn in _children(self._launcher.pid):
            for pid in _children(nspawn):
                return pid
        raise RuntimeError(f"{self.name} has no PID 1\n{self._launcher.tail()}")

    @property
    def root(self) -> Path:
        """The running host's own view of its files; follow no absolute link below it."""
        return Path(f"/proc/{self.leader}/root")

    def nsenter(self, user: str = "root") -> list[str]:
        """Command prefix that runs something inside the host, without ssh."""
        inside = ["nsenter", "-t", str(self.leader), "-m", "-u", "-i", "-n", "-p", "-r", "-w", "--"]
        clean = [
            "env",
            "-i",
            "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
            "LANG=C.UTF-8",
            f"HOME={_home(user)}",
        ]
        return [*inside, *clean, *(["runuser", "-u", user, "--"] if user != "root" else [])]

    def run(
        self,
        cmd: str | Sequence[str],
        *,
        user: str = "root",
        timeout: float = RUN_TIMEOUT_S,
        text_in: str | None = None,
        check: bool = False,
    ) -> subprocess.CompletedProcess[str]:
        """Run a shell line (or an argument list) inside the host; `check` turns a failure into an error."""
        argv = ["sh", "-c", cmd] if isinstance(cmd, str) else list(cmd)
        stdin = subprocess.DEVNULL if text_in is None else subprocess.PIPE
        popen = subprocess.Popen(
            [*self.nsenter(user), *argv],
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            env=self.ledger.environ(),
        )
        out, err = run_to_end(popen, text_in, timeout)
        done = subprocess.CompletedProcess(cmd, popen.returncode, out, err)
        if check and done.returncode:
            raise RuntimeError(
                f"{self.name}: {cmd!r}: exit {done.returncode}\n{done.stdout}{done.stderr}"
            )
        return done

    def popen(self, cmd: str, *, user: str = "root") -> Proc:
        """Start a shell line inside the host, as a child of this process."""
        return Proc(self.ledger, f"{self.name}-cmd", [*self.nsenter(user), "sh", "-c", cmd])

    def write(self, path: str, text: str, mode: int = 0o644) -> None:
        """Write a file inside the running host, with its directories."""
        script = 'mkdir -p "$(dirname "$1")"; cat >"$1"; chmod "$2" "$1"'
        self.run(["sh", "-euc", script, "sh", path, f"{mode:o}"], text_in=text, check=True)

    def limit_memory(self, size_bytes: int) -> None:
        """Let the kernel kill what goes beyond it (an out-of-memory kill of the host's own)."""
        for top in self._cgroups():
            for name in ("memory.max", "memory.limit_in_bytes"):
                if (top / name).exists():
                    (top / name).write_text(str(size_bytes))

    def boot_id(self) -> str:
        """Changes with every boot of this host (its journal's id; the kernel's is the machine's)."""
        return self.run("journalctl --list-boots -q | tail -n 1", check=True).stdout.split()[1]

    def halt(self) -> None:
        """Ask for an orderly halt, without waiting; asked twice, nspawn ends the host at once."""
        if self._launcher is not None and not self._halting:
            self._terminate()
            self._halting = True

    def _terminate(self) -> None:
        if self._launcher is not None:
            for nspawn in _children(self._launcher.pid):
                signal_pid(nspawn, signal.SIGTERM)

    def down(self) -> None:
        """Halt in order; a host that does not listen is ended at once."""
        if self._launcher is None:
            return
        if self._launcher.running:
            # The first request is lost when PID 1 is not listening yet, so there may have to be a second.
            self.halt()
            for _ in range(2):
                if wait_for(lambda: not self.running, STOP_DEADLINE_S):
                    break
                self._terminate()
        self._launcher.stop(signal.SIGKILL)
        self._launcher = None
        self._halting = False
        self._drop_cgroups()

    def reboot(self) -> None:
        """Reboot as an administrator would, and wait until the host is back."""
        before = self.leader
        self.run("systemctl reboot")
        assert self._launcher is not None
        launcher = self._launcher
        launcher.ready(lambda: self._leader_or_none() not in {None, before}, BOOT_DEADLINE_S)
        self.wait()

    def _leader_or_none(self) -> int | None:
        try:
            return self.leader
        except RuntimeError:
            return None

    def _drop_cgroups(self) -> None:
        for top in self._cgroups():
            for path, _, _ in os.walk(top, topdown=False):
                wait_for(partial(_rmdir, path), 30.0)

    def snapshot(self, name: str) -> None:
        """Keep the disk as it is now under a name; a running host is halted for it and booted again."""
        was_running = self.running
        self.down()
        number = len(list(self.disk.layers.iterdir()))
        self.disk.upper.rename(self.disk.layers / f"{number:03}-{name}")
        self.disk.upper.mkdir()
        if was_running:
            self.up()

    def rollback(self, name: str) -> None:
        """Put the disk back to a snapshot; snapshots made after it are gone."""
        was_running = self.running
        layer = self.disk.layer(name)
        if layer is None:
            raise KeyError(f"{self.name} has no snapshot {name!r}")
        self.down()
        shutil.rmtree(self.disk.upper)
        for later in self.disk.layers.iterdir():
            if later.name > layer.name:
                shutil.rmtree(later)
        self.disk.upper.mkdir()
        if was_running:
            self.up()

    def remove(self) -> None:
        """Halt and take everything of the host away."""
        self.down()
        self.net.detach(self.port)
        shutil.rmtree(self.disk.base)

    def log(self) -> str:
        """What the host printed on its console, for the message of a failed test."""
        return self._launcher.tail() if self._launcher else ""


def _home(user: str) -> str:
    return "/root" if user == "root" else f"/home/{user}"


def _rmdir(path: str) -> bool:
    try:
        Path(path).rmdir()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True
