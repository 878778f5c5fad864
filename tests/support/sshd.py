"""A real sshd on the loopback, with any login shell and any /bin/sh, in its own mount namespace."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from pytest_ddd import clock
from pytest_ddd.connections import ConnectionSpec, parse_hostspec
from tests.lab.net import free_port

CONFIG = """\
ListenAddress 127.0.0.1
Port {port}
HostKey {base}/host_key
AuthorizedKeysFile {base}/authorized_keys
PidFile none
UsePAM no
StrictModes no
PermitRootLogin yes
PasswordAuthentication no
KbdInteractiveAuthentication no
LogLevel VERBOSE
AcceptEnv LANG LC_*
{extra}
"""
CLIENT = """\
Host *
  IdentityFile {base}/client_key
  IdentitiesOnly yes
  IdentityAgent none
  UserKnownHostsFile {base}/known_hosts
  GlobalKnownHostsFile /dev/null
"""


def needs(*names: str) -> pytest.MarkDecorator:
    """Return the mark of a test that needs these names of the lab's catalogue."""
    return pytest.mark.needs(*names)


SERVER = needs("sshd", "ssh", "ssh-keygen", "unshare")
"""Mark of a test that starts an sshd."""


@dataclass(frozen=True, kw_only=True)
class Sshd:
    """A running sshd; `base` holds its keys, its log, and the ssh_config that fits it."""

    base: Path
    port: int
    process: subprocess.Popen[bytes] = field(repr=False)

    @property
    def log(self) -> str:
        """What sshd wrote so far."""
        return (self.base / "sshd.log").read_text(errors="replace")

    @property
    def handshakes(self) -> int:
        """How many times somebody logged in."""
        return self.log.count("Accepted publickey")

    def spec(self, options: str = "", *, name: str = "web1", user: str = "root") -> ConnectionSpec:
        """Return the connection to it."""
        config = self.base / "ssh_config"
        query = f"ssh_config={config}" + (f"&{options}" if options else "")
        return parse_hostspec(f"ssh://{user}@127.0.0.1:{self.port}?{query}", name=name)

    def children(self) -> list[int]:
        """Process ids of the connections' own sshd processes."""
        return [pid for pid in descendants(self.process.pid) if _comm(pid) == "sshd"]


def descendants(pid: int) -> list[int]:
    """Process ids of all children of `pid` and of theirs."""
    try:
        listed = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except (FileNotFoundError, ProcessLookupError):
        return []
    return [each for child in map(int, listed) for each in (child, *descendants(child))]


def running(text: str) -> list[int]:
    """Process ids whose command line holds `text`."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            line = (entry / "cmdline").read_bytes() if entry.name.isdigit() else b""
        except (FileNotFoundError, ProcessLookupError):
            continue
        if text.encode() in line.replace(b"\0", b" "):
            found.append(int(entry.name))
    return found


def until(condition: object, *, within_s: float = 60.0) -> bool:
    """Wait until the callable says true; return whether it did."""
    assert callable(condition)
    end = clock.monotonic() + within_s
    while not condition():
        if clock.monotonic() > end:
            return False
        clock.wait(0.02)
    return True


@contextmanager
def sshd(
    base: Path,
    *,
    login_shell: str = "/bin/bash",
    shell: str = "",
    setup: str = "",
    extra: str = "",
    home_files: Mapping[str, str] | None = None,
) -> Iterator[Sshd]:
    """Run an sshd until the block ends.

    Args:
        base: an empty directory of the caller's.
        login_shell: what root's passwd entry names.
        shell: program that takes the place of /bin/sh; the machine's own when empty.
        setup: shell text that runs in the mount namespace before sshd starts.
        extra: lines for sshd_config.
        home_files: what lies in root's home directory.
    """
    base.mkdir(parents=True, exist_ok=True)
    base.chmod(0o755)
    home = base / "home"
    home.mkdir()
    for name, text in (home_files or {}).items():
        (home / name).write_text(text)
    port = free_port()
    _write_files(base, port, extra)
    passwd = Path("/etc/passwd").read_text().splitlines()
    root = f"root:x:0:0:root:{home}:{login_shell}"
    lines = [root if line.startswith("root:") else line for line in passwd]
    (base / "passwd").write_text("\n".join(lines) + "\n")
    mounts = [f"mount --bind {shlex.quote(str(base / 'passwd'))} /etc/passwd", setup]
    if shell:
        mounts.append(f"mount --bind {shell} $(readlink -f /bin/sh)")
    script = "\n".join(["set -e", *mounts, f"exec /usr/sbin/sshd -D -e -f {base}/sshd_config"])
    Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    with (base / "sshd.log").open("wb") as log:
        process = subprocess.Popen(
            ["unshare", "-m", "--propagation", "private", "/bin/bash", "-c", script],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            env={"PATH": os.environ["PATH"], "LANG": os.environ.get("LANG", "C")},
        )
    server = Sshd(base=base, port=port, process=process)
    try:
        until(lambda: "Server listening" in server.log or process.poll() is not None)
        assert "Server listening" in server.log, server.log
        yield server
    finally:
        for pid in (process.pid, *server.children()):
            _end(pid)
        process.wait(timeout=60)


def _write_files(base: Path, port: int, extra: str) -> None:
    for key in ("host_key", "client_key"):
        make_key(base / key)
    (base / "authorized_keys").write_text((base / "client_key.pub").read_text())
    (base / "sshd_config").write_text(CONFIG.format(base=base, port=port, extra=extra))
    (base / "ssh_config").write_text(CLIENT.format(base=base))
    kind, key = (base / "host_key.pub").read_text().split()[:2]
    (base / "known_hosts").write_text(f"[127.0.0.1]:{port} {kind} {key}\n")


def make_key(path: Path) -> None:
    """Write an ed25519 key without a passphrase."""
    path.unlink(missing_ok=True)
    subprocess.run(
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(path)],
        check=True,
        stdin=subprocess.DEVNULL,
    )


def _comm(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def _end(pid: int) -> None:
    for what in (signal.SIGCONT, signal.SIGTERM):
        try:
            os.kill(pid, what)
        except ProcessLookupError:
            return
