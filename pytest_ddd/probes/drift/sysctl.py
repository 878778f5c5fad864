"""Kernel settings as they are in force now."""

from __future__ import annotations

from pytest_ddd.baseline.sections.configuration import Sysctl
from pytest_ddd.errors import CannotLookError
from pytest_ddd.probes.drift.comparison import Comparison
from pytest_ddd.probes.drift.presence import is_absent


def compare(comparison: Comparison) -> None:
    """Compare one setting; blanks are normalised, as the kernel writes tabs."""
    wanted = _normalised(comparison.model(Sysctl).value)
    with comparison.looking("value"):
        path = path_of(comparison.name)
        if is_absent(comparison, path):
            _unknown_key(comparison, path, wanted)
            return
        value = _value(comparison, path)
        comparison.same("value", value, wanted, source=f"host.sysctl({comparison.name!r})")


def _unknown_key(comparison: Comparison, path: str, wanted: str) -> None:
    """A setting that the kernel does not know is not in force: a fault, not a blind spot."""
    if is_absent(comparison, "/proc/sys/kernel"):
        raise CannotLookError("/proc/sys is not there on this host")
    comparison.note(
        "value",
        "unknown to this kernel",
        expected=wanted,
        source=path,
        path=("value",),
        problem=f"the kernel does not know this setting ({path}), expected {wanted}",
    )


def _value(comparison: Comparison, path: str) -> str:
    """Ask testinfra; without a `sysctl` command, read what that would have read."""
    try:
        return _normalised(comparison.host.sysctl(comparison.name))
    except ValueError:  # find_command: there is no sysctl on this host
        return _normalised(comparison.host.file(path).content.decode())


def path_of(name: str) -> str:
    """Return the file of a setting; as sysctl(8), the first separator decides which is which."""
    slash_first = 0 <= name.find("/") < (name.find(".") if "." in name else len(name))
    swapped = name if slash_first else name.translate(str.maketrans("./", "/."))
    return f"/proc/sys/{swapped}"


def _normalised(value: str | int) -> str:
    return " ".join(str(value).split())
