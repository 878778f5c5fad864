"""Remember what a lab creates and remove it again, also when the test process was killed.

Every run owns one *slot*: a state file in /run/ddd-lab that it holds a lock on. Each line of the file
names one thing that is about to be made. A lock that nobody holds means a dead run: whoever finds it
removes what the file lists. A small watcher process does so at once when the run's pipe to it breaks.
This file uses only the standard library, because the watcher runs it as a script.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

TAG = "DDD_LAB"
MAX_SLOTS = 100
REAP_DEADLINE_S = 20.0
LEAK_GRACE_S = 20.0
NETNS_DIR = Path("/run/netns")


def state_dir() -> Path:
    """Where the slots are: /run/ddd-lab for root, a directory of one's own otherwise."""
    if os.geteuid() == 0:
        return Path("/run/ddd-lab")
    return (
        Path(os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir()) / f"ddd-lab-{os.geteuid()}"
    )


def start_ticks(pid: int) -> int | None:
    """Start time of a process in clock ticks, None if it is gone or a zombie (pids are reused, pairs are not)."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    fields = text.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else int(fields[19])


def parent(pid: int) -> int | None:
    """Parent of a process, None if it is gone."""
    rest = _read(f"/proc/{pid}/stat").rpartition(b")")[2].split()
    return int(rest[1]) if len(rest) > 1 else None


def _read(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError:
        return b""


def all_pids() -> list[int]:
    """Every process id of this pid namespace."""
    return [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]


def descendants(roots: Iterable[int]) -> set[int]:
    """The given processes and everything below them."""
    children: dict[int, list[int]] = {}
    for pid in all_pids():
        if (above := parent(pid)) is not None:
            children.setdefault(above, []).append(pid)
    found: set[int] = set()
    todo = list(roots)
    while todo:
        pid = todo.pop()
        if pid not in found:
            found.add(pid)
            todo.extend(children.get(pid, ()))
    return found


def tagged(name: str, value: str) -> set[int]:
    """Living processes with this variable in the environment they were started with."""
    wanted = b"\0%s=%s\0" % (name.encode(), value.encode())
    found = {pid for pid in all_pids() if wanted in b"\0" + _read(f"/proc/{pid}/environ") + b"\0"}
    return {pid for pid in found if start_ticks(pid) is not None}


def mount_points() -> list[str]:
    """Every mount point of this mount namespace (a bind of a directory on itself counts, unlike for ismount)."""
    return _read("/proc/self/mounts").decode(errors="replace").split()[1::6]


def describe(pid: int) -> str:
    """`pid command line` for a message."""
    return f"{pid} {_read(f'/proc/{pid}/cmdline').replace(chr(0).encode(), b' ').decode(errors='replace')[:120]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What one state file lists."""

    lab: str
    pids: frozenset[tuple[int, int]] = frozenset()
    netns: tuple[str, ...] = ()
    cgroups: tuple[str, ...] = ()
    mounts: tuple[str, ...] = ()
    dirs: tuple[str, ...] = ()
    sysctls: tuple[tuple[str, str], ...] = ()

    @classmethod
    def load(cls, path: Path) -> State:
        """Read a state file; a half-written last line (killed in the middle) is left out."""
        seen: dict[str, list[list[str]]] = {}
        for line in path.read_text(encoding="utf-8").splitlines():
            try:
                kind, *values = json.loads(line)
            except ValueError:
                continue
            seen.setdefault(kind, []).append(values)

        def first(kind: str) -> tuple[str, ...]:
            return tuple(dict.fromkeys(values[0] for values in seen.get(kind, ())))

        return cls(
            lab=path.stem,
            pids=frozenset((int(pid), int(start)) for pid, start in seen.get("pid", ())),
            netns=first("netns"), cgroups=first("cgroup"), mounts=first("mount"), dirs=first("dir"),
            sysctls=tuple((name, value) for name, value in seen.get("sysctl", ())),
        )  # fmt: skip

    def living(self, spare: Iterable[int] = ()) -> set[int]:
        """Processes of this lab that still run: recorded, below one, tagged, in its cgroups or namespaces."""
        found = descendants(pid for pid, start in self.pids if start_ticks(pid) == start)
        found |= tagged(TAG, self.lab)
        inodes = {path.stat().st_ino for name in self.netns if (path := NETNS_DIR / name).exists()}
        for pid in all_pids():
            if inodes and _netns_inode(pid) in inodes:
                found.add(pid)
        for top in self.cgroups:
            for branch in _cgroup_tree(Path(top)):
                found.update(int(pid) for pid in _read(f"{branch}/cgroup.procs").split())
        keep = {os.getpid(), *spare}
        return {pid for pid in found - keep if start_ticks(pid) is not None}

    def _ours(self, point: str) -> bool:
        return point in self.mounts or any(point.startswith(f"{base}/") for base in self.dirs)

    def leaks(self, spare: Iterable[int] = ()) -> list[str]:
        """What of this lab is still there, one line each."""
        loops = _read_loops(self.dirs)
        return [
            *(f"process {describe(pid)}" for pid in sorted(self.living(spare))),
            *(f"network namespace {name}" for name in self.netns if (NETNS_DIR / name).exists()),
            *(f"mount {point}" for point in mount_points() if self._ours(point)),
            *(f"cgroup {path}" for path in self.cgroups if Path(path).exists()),
            *(f"loop device {name}" for name in loops),
        ]


def _netns_inode(pid: int) -> int:
    try:
        return Path(f"/proc/{pid}/ns/net").stat().st_ino
    except OSError:
        return -1


def _cgroup_tree(top: Path) -> Iterator[str]:
    """Directories of a cgroup, deepest first (the order rmdir needs)."""
    for path, _, _ in os.walk(top, topdown=False):
        yield path


def _read_loops(below: tuple[str, ...]) -> list[str]:
    if not below:
        return []
    backing = Path("/sys/block").glob("loop*/loop/backing_file")
    return [path.parts[3] for path in backing if _read(str(path)).decode().startswith(below)]


def _quiet(*argv: str) -> None:
    try:
        subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return


def _kill_all(state: State, spare: Iterable[int], deadline: float) -> None:
    while (alive := state.living(spare)) and time.monotonic() < deadline:
        for pid in alive:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        time.sleep(0.05)


def _remove_cgroup(top: str, deadline: float) -> None:
    # The kernel gives a cgroup free a moment after its last process is gone.
    while Path(top).is_dir() and time.monotonic() < deadline:
        for path in _cgroup_tree(Path(top)):
            try:
                Path(path).rmdir()
            except OSError:
                time.sleep(0.02)


def remove(state: State, spare: Iterable[int] = ()) -> None:
    """End the lab's processes and remove all it lists; removing nothing is fine."""
    deadline = time.monotonic() + REAP_DEADLINE_S
    _kill_all(state, spare, deadline)
    for point in reversed(state.mounts):
        if point in mount_points():
            _quiet("umount", "-l", point)
    for loop in _read_loops(state.dirs):
        _quiet("losetup", "-d", f"/dev/{loop}")
    for name in state.netns:
        if (NETNS_DIR / name).exists():
            _quiet("ip", "netns", "del", name)
    for path in state.cgroups:
        _remove_cgroup(path, deadline)
    for name, value in reversed(state.sysctls):
        Path("/proc/sys", *name.split(".")).write_text(value, encoding="utf-8")
    for directory in state.dirs:
        shutil.rmtree(directory, ignore_errors=True)
    if state.netns and str(NETNS_DIR) in mount_points() and not any(NETNS_DIR.iterdir()):
        _quiet(
            "umount", str(NETNS_DIR)
        )  # `ip netns add` mounts it on itself; busy means others use it


@dataclass(slots=True, kw_only=True)
class Ledger:
    """This run's slot: what it has made so far. Lists first, creates then."""

    lab: str
    slot: int
    path: Path
    handle: int
    dir: Path
    watcher: subprocess.Popen[bytes]
    closed: bool = field(default=False)

    @classmethod
    def open(cls) -> Ledger:
        """Remove what dead runs left, take a free slot, start the watcher."""
        state_dir().mkdir(parents=True, exist_ok=True, mode=0o700)
        sweep()
        for slot in range(MAX_SLOTS):
            path = state_dir() / f"dddlab{slot}.jsonl"
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
            if _owns(handle, path):
                break
            os.close(handle)
        else:
            raise RuntimeError(f"all {MAX_SLOTS} lab slots in {state_dir()} are taken")
        # Not below /tmp: a tmpfs there has no room, and a lab host may see it read-only.
        work = Path(tempfile.mkdtemp(prefix=f"{path.stem}-", dir="/var/tmp"))
        work.chmod(0o755)
        os.write(handle, (json.dumps(["dir", str(work)]) + "\n").encode())
        watcher = subprocess.Popen(
            [sys.executable, "-S", "-E", __file__, str(path)], stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True, cwd="/",
        )  # fmt: skip
        return cls(lab=path.stem, slot=slot, path=path, handle=handle, dir=work, watcher=watcher)

    def note(self, kind: str, *values: str) -> None:
        """Write one thing down, before it is made: netns, cgroup, mount, dir, sysctl (name, old value)."""
        os.write(self.handle, (json.dumps([kind, *values]) + "\n").encode())

    def note_pid(self, pid: int) -> None:
        """Write a started process down."""
        if (start := start_ticks(pid)) is not None:
            self.note("pid", str(pid), str(start))

    def environ(self) -> dict[str, str]:
        """The environment for children: tagged, so that the watcher knows them."""
        return {**os.environ, TAG: self.lab}

    def leaks(self) -> list[str]:
        """What is still there of all this run made."""
        return State.load(self.path).leaks(spare=[self.watcher.pid])

    def close(self) -> list[str]:
        """Remove everything; give what the run itself had not removed (leaks)."""
        if self.closed:
            return []
        # What was just killed may need a moment to be gone.
        deadline = time.monotonic() + LEAK_GRACE_S
        while (found := self.leaks()) and time.monotonic() < deadline:
            time.sleep(0.1)
        remove(State.load(self.path), spare=[self.watcher.pid])
        # Before the slot is free: it would wait for the end of whoever takes it.
        self.watcher.kill()
        self.watcher.communicate()
        self.path.unlink(missing_ok=True)
        os.close(self.handle)
        self.closed = True
        return found


def _owns(handle: int, path: Path) -> bool:
    """Lock a state file; false when somebody else has it, or it is no longer the one at its path."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return os.path.samestat(os.fstat(handle), path.stat())
    except OSError:
        return False


def reap(path: Path) -> bool:
    """Remove what a state file lists, if nobody owns it; True when it was a dead run's."""
    try:
        handle = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        if not _owns(handle, path):
            return False
        remove(State.load(path))
        path.unlink(missing_ok=True)
        return True
    finally:
        os.close(handle)


def sweep() -> list[str]:
    """Remove what all dead runs of this user left; give their names."""
    return [path.stem for path in sorted(state_dir().glob("dddlab*.jsonl")) if reap(path)]


def watch(path: Path) -> None:
    """Wait until the run at the other end of stdin ends; remove what it left."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    sys.stdin.buffer.read()
    # The lock goes with the process, a moment after its pipe.
    deadline = time.monotonic() + REAP_DEADLINE_S
    while path.exists() and not reap(path) and time.monotonic() < deadline:
        time.sleep(0.05)


if __name__ == "__main__":
    watch(Path(sys.argv[1]))
