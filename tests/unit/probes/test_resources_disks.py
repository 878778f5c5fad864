"""File systems that are full, missing, read-only or hung: real mounts in a corner of this machine."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pytest_ddd.connections import Connections
from pytest_ddd.connections.together import held, holding, together
from pytest_ddd.errors import CannotLookError
from pytest_ddd.outcomes import Outcome
from pytest_ddd.probes.usage.file_system_usage import TABLES, asking
from tests.unit.probes.resource_site import Corner, check, named, remote, resource, texts

pytestmark = pytest.mark.needs("unshare", "busybox")

GREEN, YELLOW, RED, UNKNOWN = Outcome.GREEN, Outcome.YELLOW, Outcome.RED, Outcome.UNKNOWN
MOUNTED = {line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()}
OTHERS = ["/run/netns*", "/var/*", "/tmp/dddlab*", *sorted(MOUNTED - {"/"})]
"""What is mounted on this machine already, and what other tests may mount meanwhile."""


@pytest.fixture(params=["coreutils", "busybox", "busybox without stat"])
def corner(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Corner]:
    corner = Corner(tmp_path, busybox=request.param != "coreutils")
    if request.param == "busybox without stat":
        (corner.applets / "stat").unlink()
    monkeypatch.setenv("PATH", str(corner.bin), prepend=":")
    yield corner
    corner.close()


@pytest.fixture
def host(corner: Corner) -> Iterator[Connections]:
    connections = remote()
    yield connections
    connections.close()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A directory to mount at; its name holds a blank."""
    path = tmp_path / "da ta"
    path.mkdir()
    return path


def test_a_full_file_system_is_red_until_it_is_healed(
    corner: Corner, host: Connections, data: Path
) -> None:
    corner.tmpfs(data, "size=4M")
    corner.do("dd", "if=/dev/zero", f"of={data}/fill", "bs=1M", "count=4", "status=none")
    one = resource(host, f"disk:{data}")
    outcome, usage = check(one)
    assert (outcome, named(usage, f"disk {data}").value) == (RED, 100.0)
    corner.do("rm", f"{data}/fill")
    one.forget()
    outcome, usage = check(one)
    assert (outcome, named(usage, f"disk {data}").value) == (GREEN, 0.0)


def test_a_file_system_that_fills_up_is_yellow(
    corner: Corner, host: Connections, data: Path
) -> None:
    corner.tmpfs(data, "size=10M")
    corner.do("dd", "if=/dev/zero", f"of={data}/fill", "bs=1k", "count=8500", "status=none")
    outcome, usage = check(resource(host, f"disk:{data}"))
    assert (outcome, named(usage, f"disk {data}").value) == (YELLOW, 84.0)


def test_no_inodes_left_is_red_though_space_is_free(
    corner: Corner, host: Connections, data: Path
) -> None:
    corner.tmpfs(data, "size=4M,nr_inodes=10")
    corner.do("touch", *(f"{data}/{number}" for number in range(9)))
    outcome, usage = check(resource(host, f"inodes:{data}"))
    assert (outcome, named(usage, f"inodes {data}").value) == (RED, 100.0)
    assert check(resource(host, f"disk:{data}"))[0] is GREEN


def test_a_missing_mount_is_red_and_never_the_disk_below_it(
    corner: Corner, host: Connections, data: Path
) -> None:
    outcome, usage = check(resource(host, f"disk:{data}"))
    assert outcome is RED
    assert texts(usage) == [f"nothing is mounted at {data}"]
    assert str(usage.problems[0].origin) == "baselines/prod/thresholds.yaml:12"


def test_a_mount_point_that_does_not_exist_is_red(corner: Corner, host: Connections) -> None:
    outcome, usage = check(resource(host, "disk:/no/such/place"))
    assert (outcome, texts(usage)) == (RED, ["nothing is mounted at /no/such/place"])


def test_fstab_is_named_when_it_wanted_the_mount(
    corner: Corner, host: Connections, data: Path, tmp_path: Path
) -> None:
    fstab = tmp_path / "fstab"
    fstab.write_text(
        f"# comment\n/dev/sdb1 {str(data).replace(' ', chr(92) + '040')} ext4 rw 0 2\n"
    )
    corner.do("mount", "--bind", str(fstab), "/etc/fstab")
    _, usage = check(resource(host, f"disk:{data}"))
    assert texts(usage) == [f"nothing is mounted at {data}, though /etc/fstab names it"]


def test_a_symbolic_link_to_a_mount_point_will_do(
    corner: Corner, host: Connections, data: Path, tmp_path: Path
) -> None:
    corner.tmpfs(data, "size=4M")
    (tmp_path / "link").symlink_to(data)
    assert check(resource(host, f"disk:{tmp_path}/link"))[0] is GREEN


def test_a_hung_mount_is_unknown_and_holds_up_no_other(
    corner: Corner, host: Connections, data: Path
) -> None:
    """Whoever asks a deaf daemon can be killed; who asks a silent one cannot."""
    corner.hang(data / "deaf", "deaf")
    corner.hang(data.with_name("silent"), "silent")
    for number in range(2):
        corner.hang(data / f"deaf{number}", "deaf")
    named_one = resource(host, f"disk:{data.with_name('silent')}")
    started = time.monotonic()
    with ThreadPoolExecutor(1) as pool:
        asking = pool.submit(named_one.read)
        outcome, usage = check(resource(host, "disk", crit="100%", exclude=OTHERS))
        failure = asking.exception()
    assert time.monotonic() - started < 18  # one after the other: 20 s
    assert outcome is UNKNOWN
    assert "did not answer within 5 s" in named(usage, f"disk {data}/deaf").error
    assert "did not answer within 5 s" in named(usage, f"disk {data.with_name('silent')}").error
    assert isinstance(named(usage, "disk /").value, float)
    assert isinstance(failure, CannotLookError)
    assert f"{data.with_name('silent')} did not answer" in failure.message
    started = time.monotonic()
    assert resource(host, "memory").read().readings  # the same connection, still well
    assert time.monotonic() - started < 5


def test_a_device_counts_once_however_often_it_is_mounted(
    corner: Corner, host: Connections, data: Path
) -> None:
    corner.do("mount", "--bind", "/usr", str(data))
    _, usage = check(resource(host, "disk", crit="100%", exclude=OTHERS))
    assert [reading.name for reading in usage.readings] == ["disk /"]


def test_what_lies_below_another_mount_is_not_read(
    corner: Corner, host: Connections, data: Path
) -> None:
    corner.hang(data, "deaf")
    corner.tmpfs(data.parent, "size=1M")
    _, usage = check(resource(host, "disk", crit="100%", exclude=OTHERS))
    assert [reading.name for reading in usage.readings] == ["disk /", f"disk {data.parent}"]


def test_a_tmpfs_that_somebody_works_in_counts(
    corner: Corner, host: Connections, data: Path
) -> None:
    corner.tmpfs(data, "size=1M")
    _, usage = check(resource(host, "disk", crit="100%", exclude=OTHERS))
    assert [reading.name for reading in usage.readings] == ["disk /", f"disk {data}"]


def test_nothing_to_read_is_unknown_not_green(corner: Corner, host: Connections) -> None:
    with pytest.raises(CannotLookError, match="no real file system"):
        resource(host, "disk", crit="90%", exclude=["*"]).read()


def test_a_file_system_without_a_size_is_unknown(corner: Corner, host: Connections) -> None:
    with pytest.raises(CannotLookError, match="without a size"):
        resource(host, "disk:/proc").read()


def test_read_only_against_fstab_is_a_problem(
    corner: Corner, host: Connections, data: Path, tmp_path: Path
) -> None:
    fstab = tmp_path / "fstab"
    fstab.write_text(f"tmpfs {str(data).replace(' ', chr(92) + '040')} tmpfs size=4M 0 0\n")
    corner.do("mount", "--bind", str(fstab), "/etc/fstab")
    corner.tmpfs(data, "size=4M")
    one = resource(host, f"disk:{data}")
    assert check(one)[0] is GREEN
    corner.do("mount", "-i", "-n", "-o", "remount,ro,size=4M", "tmpfs", str(data))
    one.forget()
    outcome, usage = check(one)
    assert outcome is RED
    assert texts(usage) == [f"{data} is read-only, and /etc/fstab says read-write"]


def test_the_root_is_read_together_with_what_else_is_foreseen(host: Connections) -> None:
    one = resource(host, "disk:/")
    session = host.session(one.host)
    alone = named(check(one)[1], "disk /")
    one.forget()
    answers = together(session, one.foresee({}))
    with holding(session, answers):
        told = named(check(one)[1], "disk /")
        assert held(session, asking("/")) is None  # it was taken
    assert set(answers) == {TABLES, asking("/")}
    assert told.value == pytest.approx(alone.value, abs=1)


@pytest.mark.parametrize("key", ["disk:/var", "inodes:/srv", "disk"])
def test_no_other_file_system_is_read_together_with_anything(host: Connections, key: str) -> None:
    assert list(resource(host, key).foresee({})) == [TABLES]
