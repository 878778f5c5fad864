"""Texts of /proc, stat and df: what they mean, and that nonsense is never a number."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ddd.errors import CannotLookError
from pytest_ddd.probes.usage import file_systems, proc_files
from pytest_ddd.probes.usage.file_system_usage import measure, parse_sizes

STAT = "cpu  100 0 100 700 100 0 0 0 0 0\ncpu0 100 0 100 700 100 0 0 0 0 0\n"
MEMINFO = "MemTotal:  1000 kB\nMemAvailable: 250 kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\n"
MOUNT = "27 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw,errors=remount-ro\n"


def test_waiting_for_disks_is_not_busy() -> None:
    after = "cpu  150 0 150 750 150 0 0 0 0 0\ncpu0 0 0 0 0\n"
    assert proc_files.cpu(STAT, after, sample_s=1).value == 50.0


def test_stolen_time_is_busy() -> None:
    after = "cpu  100 0 100 750 100 0 0 150 0 0\ncpu0 0 0 0 0\n"
    assert proc_files.cpu(STAT, after, sample_s=1).value == 75.0


def test_time_that_stood_still_is_unknown() -> None:
    with pytest.raises(CannotLookError, match="processor time makes no sense"):
        proc_files.cpu(STAT, STAT, sample_s=1)


def test_memory_is_what_is_not_available() -> None:
    assert proc_files.memory(MEMINFO).value == 75.0


def test_an_old_kernel_without_available_memory_is_unknown() -> None:
    with pytest.raises(CannotLookError, match="no MemAvailable"):
        proc_files.memory("MemTotal: 1000 kB\nMemFree: 900 kB\n")


def test_more_available_than_there_is_is_unknown() -> None:
    with pytest.raises(CannotLookError, match="makes no sense"):
        proc_files.memory("MemTotal: 1000 kB\nMemAvailable: 1001 kB\n")


def test_used_swap() -> None:
    assert proc_files.swap("SwapTotal: 400 kB\nSwapFree: 100 kB\n").value == 75.0


def test_open_files_without_a_usable_limit_are_unknown() -> None:
    with pytest.raises(CannotLookError, match="makes no sense"):
        proc_files.open_files("593\t0\t0\n")


def test_a_process_name_may_hold_anything() -> None:
    fields = " ".join(str(number) for number in range(4, 53))
    (one,) = proc_files.processes(f"7 (a) S 1 (b) R {fields}\n")
    assert (one.pid, one.name, one.ticks, one.pages) == (7, "a) S 1 (b", 14 + 15, 24)


@given(st.text(max_size=200))
def test_nonsense_is_unknown_never_a_number(text: str) -> None:
    for parse in (
        proc_files.memory,
        proc_files.swap,
        proc_files.open_files,
        proc_files.processors,
        lambda seen: proc_files.load(seen, STAT),
        lambda seen: proc_files.cpu(seen, STAT, sample_s=1),
        lambda seen: parse_sizes(seen, where="web1"),
        file_systems.parse_mounts,
    ):
        with pytest.raises(CannotLookError):
            parse(text)


def test_space_is_counted_as_df_does() -> None:
    sizes = parse_sizes("F 4096 66053021 60031993 20576700 16777216 16335516\n", where="/")
    assert measure("disk", sizes, where="/").value == 23.0  # what df -P said of that machine


def test_per_cent_are_rounded_up() -> None:
    sizes = parse_sizes("F 1 1000 199 199 10 5\n", where="/")
    assert measure("disk", sizes, where="/").value == 81.0


def test_a_reserve_in_use_is_full() -> None:
    sizes = parse_sizes(f"F 1 1000 10 {(1 << 64) - 40} 10 5\n", where="/")
    assert measure("disk", sizes, where="/").value == 100.0


def test_a_file_system_that_counts_no_inodes_says_so() -> None:
    sizes = parse_sizes("F 4096 1000 500 500 0 0\n", where="/")
    measured = measure("inodes", sizes, where="/")
    assert (measured.value, measured.detail[:14]) == (0.0, "not applicable")


def test_df_is_understood_where_there_is_no_stat() -> None:
    text = (
        "Filesystem           1024-blocks    Used Available Capacity Mounted on\n"
        "srv:/a b             264212084  24084112  82306800  23% /data\n"
        "Filesystem              Inodes      Used Available Capacity Mounted on\n"
        "srv:/a b              16777216    441700  16335516   3% /data\n"
    )
    sizes = parse_sizes(text, where="/data")
    assert measure("disk", sizes, where="/data").value == 23.0
    assert sizes.free_inodes == 16335516


def test_what_the_kernel_made_read_only_is_told() -> None:
    (one,) = file_systems.parse_mounts(MOUNT.replace(" rw,errors", " ro,errors"))
    assert "after an error" in file_systems.why_read_only(one, {})


def test_what_a_person_mounted_read_only_is_fine() -> None:
    (one,) = file_systems.parse_mounts(MOUNT.replace("rw,", "ro,"))
    assert file_systems.why_read_only(one, {}) == ""


@pytest.mark.parametrize(
    ("kind", "mount", "is_real"),
    [
        ("ext4", "/", True),
        ("nfs4", "/home", True),
        ("fuse.sshfs", "/mnt", True),
        ("overlay", "/", True),
        ("overlay", "/var/lib/docker/overlay2/1/merged", False),
        ("tmpfs", "/tmp", True),
        ("tmpfs", "/dev/shm", False),
        ("squashfs", "/snap/core/1", False),
        ("iso9660", "/media/cdrom", False),
        ("proc", "/proc", False),
    ],
)
def test_which_file_systems_are_real(kind: str, mount: str, is_real: bool) -> None:
    line = f"27 1 0:30 / {mount} rw - {kind} source rw\n"
    assert bool(file_systems.real_file_systems(file_systems.parse_mounts(line))) is is_real
