"""Units, whether they start at boot, and the main process of each."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from pytest_ddd.connections.families.systemd import main_process
from tests.support.sshd import needs, until
from tests.unit.connections.alone import Root, same

STUB = """\
#!/bin/sh
verb=$1; shift; status=0
for name do
  case $verb in
  show) [ "$more" ] && echo; more=1
        printf 'MainPID=%s\\nId=%s.service\\n' "$(cat "$0.$name" 2>/dev/null || echo 0)" "$name"
        printf 'Names=%s.service alias-%s.service\\n' "$name" "$name" ;;
  is-enabled)
        case $name in
        --) ;;
        on*) echo enabled ;;
        off*) echo disabled; status=1 ;;
        *) echo "Failed to get unit file state for $name" >&2; status=1 ;;
        esac ;;
  esac
done
exit $status
"""


@pytest.mark.parametrize(
    ("names", "answered"),
    [(("on", "off"), 4), (("on", "off", "gone"), 3)],
    ids=["all known", "one unknown"],
)
def test_systemctl(tmp_path: Path, names: tuple[str, ...], answered: int) -> None:
    """Units by their place in the answer; where one is missing, nobody's place is believed."""
    (tmp_path / "systemctl").write_text(STUB)
    (tmp_path / "systemctl").chmod(0o755)
    root = Root(env={"PATH": f"{tmp_path}:{os.environ['PATH']}"})
    commands = [
        *(f"systemctl show {name}" for name in names),
        *(f"LC_ALL=C systemctl is-enabled -- {name}" for name in names),
    ]

    assert len(same(root, commands)) == answered


def _sleeping() -> subprocess.Popen[bytes]:
    process = subprocess.Popen(["sleep", "600"])
    state = Path(f"/proc/{process.pid}/stat")
    assert until(lambda: state.read_text().split()[1:3] == ["(sleep)", "S"])
    return process


@pytest.fixture
def sleeping() -> Iterator[list[str]]:
    """The numbers of two processes that wait, so that their state stays what it is."""
    processes = [_sleeping(), _sleeping()]
    yield [str(process.pid) for process in processes]
    for process in processes:
        process.kill()
        process.wait()


def _systemd(folder: Path, pids: Mapping[str, str]) -> list[str]:
    """Write a systemctl that knows these units; return what asks for them."""
    (folder / "systemctl").write_text(STUB)
    (folder / "systemctl").chmod(0o755)
    for name, pid in pids.items():
        (folder / f"systemctl.{name}").write_text(pid)
    return [f"systemctl show {name}" for name in pids]


WEAK = ("setpriv", "--bounding-set", "-all")


@pytest.mark.parametrize("prefix", [(), WEAK], ids=["root", "weak"])
@needs("unshare")
def test_main_processes(tmp_path: Path, sleeping: list[str], prefix: tuple[str, ...]) -> None:
    """State and program of each unit's process come along; without privileges the program is not seen."""
    pids = dict(
        zip(("a", "b", "gone", "odd", "off"), [*sleeping, "4194305", "1x", "0"], strict=True)
    )
    commands = _systemd(tmp_path, {**pids, "again": sleeping[0]})
    root = Root(prefix=prefix, env={"PATH": f"{tmp_path}:{os.environ['PATH']}"})

    answered = same(root, commands)

    assert answered == {*commands, *map(main_process, sleeping)}


@needs("busybox", "unshare")
@pytest.mark.parametrize("count", [1, 2])
def test_main_processes_on_busybox(
    tmp_path: Path, busybox: Root, sleeping: list[str], count: int
) -> None:
    """A readlink for one link at a time tells of one process, and of no other."""
    commands = _systemd(tmp_path / "bin", dict(zip("ab", sleeping[:count], strict=False)))

    answered = same(busybox, commands)

    assert set(commands) <= answered
    assert count > 1 or main_process(sleeping[0]) in answered


def test_a_process_with_two_lines_in_its_name_is_left_to_itself(tmp_path: Path) -> None:
    """The shell reads one line, which is half of what the kernel says of it."""
    rename = "printf 'two\\nlines' >/proc/$$/comm; read -r x"
    with subprocess.Popen(["sh", "-c", rename], stdin=subprocess.PIPE) as process:
        state = Path(f"/proc/{process.pid}/stat")
        assert until(lambda: "(two\nlines) S" in state.read_text())
        commands = _systemd(tmp_path, {"odd": str(process.pid)})
        root = Root(env={"PATH": f"{tmp_path}:{os.environ['PATH']}"})

        assert same(root, commands) == set(commands)


def test_a_systemctl_that_leaves_a_unit_out_is_not_believed(tmp_path: Path) -> None:
    """Nobody's place in its answer is sure."""
    _systemd(tmp_path, {})
    (tmp_path / "systemctl").write_text("#!/bin/sh\necho Id=$2\necho Names=$2\n")
    root = Root(env={"PATH": f"{tmp_path}:{os.environ['PATH']}"})

    assert same(root, ["systemctl show a", "systemctl show b"]) == set()
