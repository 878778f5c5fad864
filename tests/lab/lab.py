"""The whole lab of one test session: its network, its hosts, and the way to run something among them."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from itertools import count
from pathlib import Path

from tests.lab import image
from tests.lab.host import LabHost
from tests.lab.kernel import cgroup_roots
from tests.lab.net import Net, enter
from tests.lab.proc import Proc, run_to_end
from tests.lab.reap import Ledger
from tests.lab.svc.tls import Authority

EXEC_TIMEOUT_S = 900.0
# systemd takes several inotify instances a host; the kernel's usual 128 are used up at about 20 hosts.
MANY_HOSTS = 15
INOTIFY = "fs.inotify.max_user_instances"
INOTIFY_WANTED = 1024


class Lab:
    """A network with hosts. Nothing in it reaches beyond this machine, and nothing outside reaches it."""

    def __init__(self, ledger: Ledger) -> None:
        """Make the network; hosts come when asked for."""
        self.ledger = ledger
        self.dir = ledger.dir
        self.net = Net(ledger)
        self.hosts: dict[str, LabHost] = {}
        self._names = count(1)
        self._image: image.Image | None = None
        self._authority: Authority | None = None
        for root in cgroup_roots():
            ledger.note("cgroup", str(root / ledger.lab))
            (root / ledger.lab).mkdir(exist_ok=True)
            with suppress(
                OSError
            ):  # cgroup v1 has no such file, and not every v2 hands the controller down
                (root / ledger.lab / "cgroup.subtree_control").write_text("+memory")
        self._write_files()

    @property
    def image(self) -> image.Image:
        """The shared root file system, built on first use."""
        if self._image is None:
            self._image = image.ensure()
        return self._image

    @property
    def authority(self) -> Authority:
        """The certificate authority behind the hosts' nginx."""
        if self._authority is None:
            self._authority = Authority(self.dir / "ca")
        return self._authority

    @property
    def ssh_config(self) -> Path:
        """An ssh configuration with one Host a lab host, user `ops`, strict host keys."""
        return self.dir / "ssh_config"

    @property
    def known_hosts(self) -> Path:
        """The hosts' real keys."""
        return self.dir / "known_hosts"

    @property
    def etc_hosts(self) -> Path:
        """What /etc/hosts is for commands run by `exec` and `popen`."""
        return self.dir / "etc_hosts"

    @property
    def resolv_conf(self) -> Path:
        """What /etc/resolv.conf is for commands run by `exec` and `popen`."""
        return self.dir / "resolv.conf"

    def _write_files(self) -> None:
        hosts = self.hosts.values()
        blocks = [
            f"Host {host.name}\n  HostName {host.address}\n  User ops\n  IdentityFile {host.key}\n"
            f"  IdentitiesOnly yes\n  UserKnownHostsFile {self.known_hosts}\n  GlobalKnownHostsFile /dev/null\n"
            "  StrictHostKeyChecking yes\n  BatchMode yes\n  ConnectTimeout 30\n"
            for host in hosts
        ]
        self.ssh_config.write_text("\n".join(blocks))
        self.ssh_config.chmod(0o600)
        self.known_hosts.write_text(
            "".join(f"{host.address},{host.name} {host.host_key}\n" for host in hosts)
        )
        names = [f"{host.address} {host.name} {host.name}.lab.test" for host in hosts]
        gateway = f"{self.net.gateway} tester.lab.test"
        self.etc_hosts.write_text("\n".join(["127.0.0.1 localhost", gateway, *names, ""]))
        if not self.resolv_conf.exists():
            self.resolv_conf.write_text(
                f"nameserver {self.net.gateway}\noptions timeout:1 attempts:1\n"
            )

    def host(self, name: str) -> LabHost:
        """The host of that name; a new one is laid out, not booted."""
        if name not in self.hosts:
            self.hosts[name] = LabHost(self.ledger, self.net, self.image, name, self.authority)
            self._write_files()
        return self.hosts[name]

    def up(self, names: Iterable[str]) -> dict[str, LabHost]:
        """Boot the hosts side by side and wait for all."""
        wanted = list(names)
        if len({*wanted, *self.hosts}) > MANY_HOSTS:
            self._raise_inotify()
        hosts = {name: self.host(name) for name in wanted}
        down = [host for host in hosts.values() if not host.running]
        for host in down:
            host.start()
        for host in down:
            host.wait()
        return hosts

    def fresh(self, stem: str = "fresh") -> LabHost:
        """A host nobody has used, booted."""
        name = f"{stem}{next(self._names)}"
        return self.up([name])[name]

    def remove(self, host: LabHost) -> None:
        """Halt a host and forget it."""
        host.remove()
        del self.hosts[host.name]
        self._write_files()

    def _raise_inotify(self) -> None:
        path = Path("/proc/sys", *INOTIFY.split("."))
        before = path.read_text().strip()
        if int(before) < INOTIFY_WANTED:
            self.ledger.note("sysctl", INOTIFY, before)
            path.write_text(str(INOTIFY_WANTED))

    @property
    def prefix(self) -> list[str]:
        """Command prefix for the control namespace, with the lab's names in /etc/hosts."""
        files = {self.etc_hosts: "/etc/hosts", self.resolv_conf: "/etc/resolv.conf"}
        binds = [
            f"mount --bind {shlex.quote(str(mine))} {theirs}" for mine, theirs in files.items()
        ]
        script = " && ".join([*binds, 'exec "$@"'])
        return [*enter(self.net.ctl), "unshare", "--mount", "sh", "-c", script, "lab"]

    def exec(
        self,
        argv: Sequence[str],
        *,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        timeout: float = EXEC_TIMEOUT_S,
        text_in: str | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run a command where the hosts can be reached; at the time-out its children end with it."""
        popen = subprocess.Popen(
            [*self.prefix, *argv],
            cwd=cwd,
            env={**self.ledger.environ(), **(env or {})},
            stdin=subprocess.DEVNULL if text_in is None else subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
        )
        out, err = run_to_end(popen, text_in, timeout)
        return subprocess.CompletedProcess(argv, popen.returncode, out, err)

    def popen(
        self,
        argv: Sequence[str],
        *,
        name: str = "cmd",
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
    ) -> Proc:
        """Start a command where the hosts can be reached; its output is in `.log`."""
        return Proc(self.ledger, name, argv, cwd=cwd, env=env, prefix=self.prefix)

    def ssh(
        self, host: str, command: str, *, user: str = "ops", timeout: float = 30.0
    ) -> subprocess.CompletedProcess[str]:
        """One fresh ssh connection with one command."""
        return self.exec(
            ["ssh", "-F", str(self.ssh_config), "-l", user, host, command], timeout=timeout
        )

    def close(self) -> None:
        """Halt all hosts side by side and remove the network."""
        for host in self.hosts.values():
            host.halt()
        for host in [*self.hosts.values()]:
            self.remove(host)
        self.net.close()
        for root in cgroup_roots():
            (root / self.ledger.lab).rmdir()
