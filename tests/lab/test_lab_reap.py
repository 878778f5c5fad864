"""What a killed run leaves is removed, at once and also without a watcher."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.lab.proc import wait_for
from tests.lab.reap import State, reap, start_ticks, state_dir

ROOT = Path(__file__).parents[2]
VICTIM = """
import sys, time
from tests.lab.reap import Ledger
from tests.lab.proc import Proc
ledger = Ledger.open()
proc = Proc(ledger, "sleeper", ["sh", "-c", "setsid sleep 1000 & exec sleep 1000"])
while len(proc.tree()) < 2:
    time.sleep(0.02)
print(ledger.path, ledger.watcher.pid, *proc.tree(), flush=True)
{more}
time.sleep(60)
"""
HOST = """
from tests.lab.lab import Lab
lab = Lab(ledger)
lab.up(["victim"])
print("up", flush=True)
"""


def start(
    more: str = "print('up', flush=True)",
) -> tuple[subprocess.Popen[str], Path, int, list[int]]:
    popen = subprocess.Popen(
        [sys.executable, "-c", VICTIM.format(more=more)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert popen.stdout is not None
    path, watcher, *pids = popen.stdout.readline().split()
    assert popen.stdout.readline() == "up\n"
    return popen, Path(path), int(watcher), [int(pid) for pid in pids]


def kill(popen: subprocess.Popen[str]) -> None:
    with popen:
        popen.kill()


def gone(pids: list[int]) -> bool:
    return all(start_ticks(pid) is None for pid in pids)


def test_kill_9_leaves_no_process() -> None:
    popen, path, _, pids = start()
    assert len(pids) == 2
    kill(popen)
    assert wait_for(lambda: gone(pids) and not path.exists())


def test_sweep_finds_a_run_whose_watcher_died_too() -> None:
    popen, path, watcher, pids = start()
    os.kill(watcher, signal.SIGKILL)
    assert not reap(path), "a living run must be left alone"
    kill(popen)
    reap(path)  # if no other run has been quicker
    assert wait_for(lambda: gone(pids) and not path.exists())


@pytest.mark.needs("lab")
def test_kill_9_leaves_nothing_of_a_running_host() -> None:
    popen, path, _, _ = start(HOST)
    state = State.load(path)
    assert any("systemd-nspawn" in leak for leak in state.leaks())
    kill(popen)
    assert wait_for(lambda: not path.exists())
    assert state.leaks() == []
    assert not any(Path(directory).exists() for directory in state.dirs)


def test_state_file_cut_in_the_middle_is_read(tmp_path: Path) -> None:
    path = tmp_path / "dddlab0.jsonl"
    path.write_text('["netns", "a"]\n["netns", "b"]\n["net')
    assert State.load(path).netns == ("a", "b")


def test_state_is_private() -> None:
    popen, path, _, _ = start()
    try:
        assert path.parent == state_dir()
        assert (path.stat().st_mode & 0o777) == 0o600
    finally:
        kill(popen)
