"""A plain OpenSSH server on loopback, in a directory of its own; most connection tests need no more."""

from __future__ import annotations

import os
import pwd
import signal
import socket
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Self

from tests.lab.demand import which
from tests.lab.net import answers, free_port, run
from tests.lab.proc import Proc, wait_for
from tests.lab.reap import TAG, Ledger, descendants, parent, tagged

ALIASES = ("alpha", "beta", "gamma")
# Tells the commands of one server from those of another, also when their connection is gone.
PORT_TAG = "DDD_LAB_SSHD"
ACCEPTED = "Accepted publickey"
SERVER = """\
ListenAddress 127.0.0.1
Port {port}
HostKey {base}/host_key
AuthorizedKeysFile {base}/id.pub
PidFile none
UsePAM no
StrictModes no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
PrintMotd no
UseDNS no
LogLevel VERBOSE
Subsystem sftp internal-sftp
SetEnv {tag}
{options}
"""
CLIENT = """\
Host {aliases}
  HostName 127.0.0.1
  Port {port}
  User {user}
  HostKeyAlias {known_as}
  IdentityFile {base}/id
  IdentitiesOnly yes
  UserKnownHostsFile {base}/known_hosts
  GlobalKnownHostsFile /dev/null
  StrictHostKeyChecking yes
  BatchMode yes
  ConnectTimeout 5
"""


def _keygen(path: Path) -> str:
    run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "lab", "-f", str(path))
    return " ".join(path.with_suffix(".pub").read_text(encoding="utf-8").split()[:2])


class Sshd:
    """A running sshd for the current user, and an ssh_config whose Hosts all lead to it."""

    def __init__(
        self,
        ledger: Ledger,
        *,
        aliases: Sequence[str] = ALIASES,
        options: Sequence[str] = (),
        wrong_host_key: bool = False,
    ) -> None:
        """Make keys and files and start it; `options` are lines for sshd_config, they win over the defaults."""
        self.ledger = ledger
        self.port = free_port()
        self.dir = ledger.dir / f"sshd-{self.port}"
        self.dir.mkdir()
        self.aliases = tuple(aliases)
        _keygen(self.dir / "id")
        known = _keygen(self.dir / "host_key")
        if wrong_host_key:
            known = _keygen(self.dir / "other_key")
        self._write(known, options)
        self.proc = self.start()

    def _write(self, known: str, options: Sequence[str]) -> None:
        # The first value of a keyword counts for sshd, so the caller's lines go on top.
        top = "".join(f"{line}\n" for line in options if not line.startswith("Match"))
        rest = "\n".join(line for line in options if line.startswith("Match"))
        tag = f"{TAG}={self.ledger.lab} {PORT_TAG}={self.port}"
        server = SERVER.format(port=self.port, base=self.dir, tag=tag, options=rest)
        (self.dir / "sshd_config").write_text(top + server)
        user = pwd.getpwuid(os.geteuid()).pw_name
        client = CLIENT.format(
            aliases=" ".join(self.aliases), port=self.port, user=user, base=self.dir, known_as=f"lab-{self.port}"
        )  # fmt: skip
        self.ssh_config.write_text(client)
        (self.dir / "known_hosts").write_text(f"lab-{self.port} {known}\n")

    @property
    def ssh_config(self) -> Path:
        """For `ssh -F`: one Host with all the aliases."""
        return self.dir / "ssh_config"

    @property
    def key(self) -> Path:
        """The client's private key."""
        return self.dir / "id"

    def start(self) -> Proc:
        """Start it (again, on the same port with the same keys)."""
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # sshd as root insists on it
        # It re-executes itself and wants its own absolute path for that.
        argv = [which("sshd") or "/usr/sbin/sshd", "-D", "-e", "-f", str(self.dir / "sshd_config")]
        proc = Proc(self.ledger, f"sshd-{self.port}", argv)
        self.proc = proc.ready(lambda: answers("127.0.0.1", self.port, greeting=b"SSH-2.0"))
        return self.proc

    def stop(self) -> None:
        """Stop it, its connections, and what they left running."""
        self.proc.stop()
        wait_for(self._no_commands, 5.0)

    def _no_commands(self) -> bool:
        pids = self.commands()
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return not pids

    @property
    def accepted(self) -> int:
        """Number of handshakes with a successful login so far (of the running server)."""
        return self.proc.log.read_text(encoding="utf-8", errors="replace").count(ACCEPTED)

    def connections(self) -> set[int]:
        """Process ids of the server's side of each connection."""
        return {pid for pid in descendants([self.proc.pid]) if parent(pid) == self.proc.pid}

    def commands(self) -> set[int]:
        """Process ids of what clients have started here and still runs, connected or not."""
        return tagged(PORT_TAG, str(self.port))

    def drop_connections(self) -> int:
        """Kill the server's side of every connection, as a crash would; give their number."""
        pids = self.connections()
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        return len(pids)

    def ssh(self, command: str, alias: str | None = None) -> subprocess.CompletedProcess[str]:
        """One command over a fresh connection."""
        argv = ["ssh", "-F", str(self.ssh_config), alias or self.aliases[0], command]
        return subprocess.run(
            argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30, check=False
        )  # fmt: skip

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


class Blackhole:
    """A port that accepts TCP connections and never sends a byte."""

    def __init__(self) -> None:
        """Listen; the kernel accepts by itself."""
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=100)
        self.port = int(self._socket.getsockname()[1])

    def ssh_config(self, directory: Path, alias: str = "hole", connect_timeout_s: int = 5) -> Path:
        """Write an ssh_config whose Host leads into the hole."""
        path = directory / f"ssh_config-hole-{self.port}"
        path.write_text(
            f"Host {alias}\n  HostName 127.0.0.1\n  Port {self.port}\n  BatchMode yes\n"
            f"  ConnectTimeout {connect_timeout_s}\n  UserKnownHostsFile /dev/null\n"
        )
        return path

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()
