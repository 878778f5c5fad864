"""Plain sshd hosts, each in namespaces of its own, and a client that is near or far."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tests.lab.net import Net, Port, answers, enter
from tests.lab.proc import Proc, wait_for
from tests.lab.reap import Ledger
from tests.lab.slow import Wire

SSHD = """\
Port 22
Port 80
Port 443
HostKey {base}/host_key
AuthorizedKeysFile {base}/authorized_keys
PidFile none
UsePAM yes
StrictModes no
PermitRootLogin yes
PasswordAuthentication no
KbdInteractiveAuthentication no
PrintMotd no
AcceptEnv LANG LC_*
Subsystem sftp internal-sftp
"""
CLIENT = """\
Host *
  User root
  IdentityFile {base}/client_key
  IdentitiesOnly yes
  IdentityAgent none
  UserKnownHostsFile {base}/known_hosts
  GlobalKnownHostsFile /dev/null
  BatchMode yes
"""
# A clean /root, as a slow .bashrc is paid once a command by some and once a host by others.
BOOT = """\
set -e
mount -t tmpfs -o mode=755 home /root
mount -t tmpfs -o mode=755 run /run
mkdir -p /run/sshd /run/systemd/system
mount --bind {base}/systemctl /usr/bin/systemctl
exec /usr/sbin/sshd -D -e -f {base}/sshd_config
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """The hosts h1, h2 and so on; `config` is the ssh_config that fits them."""

    base: Path
    ledger: Ledger
    net: Net
    client: Port
    names: tuple[str, ...]

    @property
    def config(self) -> Path:
        """An ssh_config with one Host a host."""
        return self.base / "ssh_config"

    def enter(self) -> list[str]:
        """Return the prefix of a command that runs on the client."""
        return [*enter(self.client.netns), "unshare", "-m", "sh", "-c", self._script(), "sh"]

    def far(self, delay_s: float) -> Wire:
        """Return the way that makes each direction take this long, while it is open."""
        return Wire(self.net, self.client, delay_s=delay_s)

    def _script(self) -> str:
        hosts = shlex.quote(str(self.base / "etc_hosts"))
        home = shlex.quote(str(self.base / "home"))
        return f'mount --bind {hosts} /etc/hosts && export HOME={home} && exec "$@"'


@contextmanager
def fleet(count: int) -> Iterator[Fleet]:
    """Run that many hosts until the block ends."""
    ledger = Ledger.open()
    try:
        net = Net(ledger)
        client = net.attach("client")
        base = ledger.dir / "fleet"
        base.mkdir(mode=0o755)
        ports = {f"h{number}": net.attach(f"h{number}") for number in range(1, count + 1)}
        _write(base, ports)
        for name, port in ports.items():
            argv = ["unshare", "-mpf", "--mount-proc", "sh", "-c", BOOT.format(base=base)]
            Proc(ledger, name, argv, prefix=enter(port.netns))
        for port in ports.values():
            assert wait_for(partial(answers, port.address, 22, client.netns, b"SSH-"), 60.0)
        yield Fleet(base=base, ledger=ledger, net=net, client=client, names=tuple(ports))
    finally:
        ledger.close()


def _write(base: Path, ports: dict[str, Port]) -> None:
    for key in ("host_key", "client_key"):
        _run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(base / key))
    _run("cc", "-O2", "-o", str(base / "systemctl"), str(Path(__file__).with_name("systemctl.c")))
    (base / "home" / ".ssh").mkdir(parents=True, mode=0o700)
    (base / "authorized_keys").write_text((base / "client_key.pub").read_text())
    (base / "sshd_config").write_text(SSHD.format(base=base))
    kind, key = (base / "host_key.pub").read_text().split()[:2]
    (base / "known_hosts").write_text(
        "".join(f"{name},{port.address} {kind} {key}\n" for name, port in ports.items())
    )
    (base / "ssh_config").write_text(CLIENT.format(base=base))
    (base / "home" / ".ssh" / "config").write_text(CLIENT.format(base=base))
    lines = [f"{port.address} {name}" for name, port in ports.items()]
    (base / "etc_hosts").write_text("\n".join(["127.0.0.1 localhost", *lines, ""]))


def _run(*argv: str) -> None:
    subprocess.run(argv, check=True, stdin=subprocess.DEVNULL)
