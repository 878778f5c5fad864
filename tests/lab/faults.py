"""Break something on a lab host, or on this machine, and mend it on the way out."""

from __future__ import annotations

import os
import shlex
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.lab.host import LabHost
from tests.lab.net import run
from tests.lab.proc import Proc
from tests.lab.reap import Ledger

HANG = Path(__file__).with_name("hang.py")
HOG_MEMORY = "import sys, time; kept = bytearray(int(sys.argv[1])); kept[::4096] = b'x' * len(kept[::4096]); time.sleep(3600)"
LISTENER = "import socket, time; s = socket.create_server(('0.0.0.0', {port})); time.sleep(3600)"


@contextmanager
def changed(host: LabHost, do: str, undo: str) -> Iterator[None]:
    """Run a shell line inside the host, and another one on the way out."""
    host.run(do, check=True)
    try:
        yield
    finally:
        host.run(undo, check=True)


# Services and processes.


@contextmanager
def stop_service(host: LabHost, unit: str) -> Iterator[None]:
    """The unit is stopped, in order."""
    with changed(host, f"systemctl stop {unit}", f"systemctl start {unit}"):
        yield


@contextmanager
def fail_service(host: LabHost, unit: str) -> Iterator[None]:
    """The unit's processes were killed: systemd calls it failed (if it does not restart it)."""
    undo = f"systemctl reset-failed {unit}; systemctl restart {unit}"
    failed = f"for n in $(seq 300); do systemctl -q is-failed {unit} && break; sleep 0.2; done"
    with changed(host, f"systemctl kill -s KILL {unit}; {failed}", undo):
        yield


@contextmanager
def disable_service(host: LabHost, unit: str) -> Iterator[None]:
    """The unit runs, but would not after a reboot."""
    with changed(host, f"systemctl -q disable {unit}", f"systemctl -q enable {unit}"):
        yield


@contextmanager
def freeze_service(host: LabHost, unit: str) -> Iterator[None]:
    """The unit hangs and systemd still calls it active."""
    with changed(host, f"systemctl kill -s STOP {unit}", f"systemctl kill -s CONT {unit}"):
        yield


# File systems of a host.


@contextmanager
def small_filesystem(
    host: LabHost, path: str, *, size: str = "4M", inodes: int = 0
) -> Iterator[None]:
    """A file system of its own at `path`, empty; what was there is back afterwards."""
    limit = f",nr_inodes={inodes}" if inodes else ""
    where = shlex.quote(path)
    do = f"mkdir -p {where} && mount -t tmpfs -o size={size}{limit} lab {where}"
    with changed(host, do, f"umount -l {where}"):
        yield


@contextmanager
def full_filesystem(
    host: LabHost, path: str = "/srv/full", *, size: str = "4M", percent: int = 100
) -> Iterator[None]:
    """A file system at `path` that is `percent` full."""
    where = shlex.quote(path)
    # Whole pages, rounded down: df rounds up.
    blocks = f"$(( $(df --output=size -B4096 {where} | tail -n 1) * {percent} / 100 ))"
    fill = f"dd if=/dev/zero of={where}/fill bs=4096 count={blocks}"
    with small_filesystem(host, path, size=size):
        host.run(f"{fill} 2>/dev/null", check=False)
        yield


@contextmanager
def inode_full(host: LabHost, path: str = "/srv/inodes", *, inodes: int = 50) -> Iterator[None]:
    """A file system at `path` with room and no inode left."""
    with small_filesystem(host, path, size="4M", inodes=inodes):
        host.run(f"i=0; while : 2>/dev/null >{shlex.quote(path)}/$i; do i=$((i+1)); done")
        yield


@contextmanager
def read_only_remount(host: LabHost, path: str = "/tmp") -> Iterator[None]:
    """Nothing can be written at `path`."""
    with small_filesystem(host, path):
        host.run(f"mount -o remount,ro {shlex.quote(path)}", check=True)
        yield


@contextmanager
def hung_mount(host: LabHost, path: str = "/srv/hung") -> Iterator[None]:
    """Whoever looks at `path` (also df) waits; like a file server that is gone. Needs "fuse"."""
    argv = [sys.executable, "-S", "-E", str(HANG), str(host.leader), path]
    proc = Proc(host.ledger, "hung-mount", argv)
    proc.ready(lambda: "hangs" in proc.tail())
    try:
        yield
    finally:
        proc.stop(signal.SIGKILL)
        host.run(["umount", "-l", path], check=True)


# What configuration drift looks like.


@contextmanager
def file_changed(
    host: LabHost, path: str, text: str | None = None, *, mode: str = "", owner: str = ""
) -> Iterator[None]:
    """The file has other content, mode or owner; all three are restored."""
    where = shlex.quote(path)
    with changed(host, f"cp -a {where} {where}.lab-kept", f"mv {where}.lab-kept {where}"):
        if text is not None:
            host.run(f"cat >{where}", text_in=text, check=True)
        if mode:
            host.run(f"chmod {mode} {where}", check=True)
        if owner:
            host.run(f"chown {owner} {where}", check=True)
        yield


@contextmanager
def file_added(host: LabHost, path: str, text: str = "", *, mode: int = 0o644) -> Iterator[None]:
    """A file that should not be there; mode 0o4755 makes it setuid."""
    host.write(path, text, mode=mode)
    try:
        yield
    finally:
        host.run(["rm", "-f", path], check=True)


@contextmanager
def file_missing(host: LabHost, path: str) -> Iterator[None]:
    """A file is gone."""
    where = shlex.quote(path)
    with changed(host, f"mv {where} {where}.lab-kept", f"mv {where}.lab-kept {where}"):
        yield


@contextmanager
def user_added(host: LabHost, name: str = "intruder") -> Iterator[None]:
    """An account nobody ordered."""
    with changed(host, f"useradd -m -s /bin/sh {name}", f"userdel -r {name} 2>/dev/null"):
        yield


@contextmanager
def listener_added(host: LabHost, port: int = 4444) -> Iterator[None]:
    """Something listens where nothing should."""
    proc = host.popen(f"exec python3 -c {shlex.quote(LISTENER.format(port=port))}")
    proc.ready(lambda: f":{port} " in host.run("ss -ltnH").stdout)
    try:
        yield
    finally:
        proc.stop()


@contextmanager
def sysctl_changed(host: LabHost, name: str, value: str) -> Iterator[None]:
    """A net.* setting of the host has another value (the kernel's others are the machine's)."""
    tool = ["ip", "netns", "exec", host.netns, "sysctl", "-qn"]
    before = run(*tool, name).strip()
    run(*tool, "-w", f"{name}={value}")
    try:
        yield
    finally:
        run(*tool, "-w", f"{name}={before}")


# The network.


@contextmanager
def link_down(host: LabHost) -> Iterator[None]:
    """The host's cable is pulled."""
    with host.net.link_down(host.port):
        yield


@contextmanager
def ssh_down(host: LabHost) -> Iterator[None]:
    """Nobody can log in any more: connections are refused."""
    with changed(host, "systemctl stop ssh", "systemctl start ssh"):
        yield


@contextmanager
def ssh_hangs(host: LabHost) -> Iterator[None]:
    """The sshd accepts connections and never greets."""
    with freeze_service(host, "ssh"):
        yield


# This machine.


@contextmanager
def memory_hog(ledger: Ledger, size_bytes: int) -> Iterator[Proc]:
    """A process that really uses so much memory."""
    argv = [sys.executable, "-S", "-c", HOG_MEMORY, str(size_bytes)]
    with Proc(ledger, "memory-hog", argv) as proc:
        proc.ready(lambda: _resident(proc.pid) >= size_bytes)
        yield proc


def _resident(pid: int) -> int:
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="utf-8").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")
