"""Mount points: device, file system and options."""

from __future__ import annotations

from pytest_ddd.baseline.sections.configuration import Mount
from pytest_ddd.errors import CannotLookError
from pytest_ddd.probes.drift.comparison import Comparison
from pytest_ddd.probes.drift.ways import MountModule
from pytest_ddd.probes.usage.file_systems import unescaped

_SOURCE = "host.mount_point.get_mountpoints()"


def compare(comparison: Comparison) -> None:
    """Compare what is mounted last at a path, which is what programs see there."""
    model = comparison.model(Mount)
    mount = None
    with comparison.looking("mounted"):
        mount = _mount_at(comparison)
        comparison.note(
            "mounted",
            mount is not None,
            expected="mounted",
            source=_SOURCE,
            problem="" if mount else "nothing is mounted there",
        )
    if mount is None:
        return
    if model.device is not None:
        with comparison.looking("device"):
            device = _device(comparison, unescaped(mount.device), model.device)
            comparison.same("device", device, model.device, source=_SOURCE)
    if model.filesystem is not None:
        comparison.same("filesystem", mount.filesystem, model.filesystem, source=_SOURCE)
    for index, option in enumerate(model.options):
        _compare_option(comparison, mount, index, option)


def _mount_at(comparison: Comparison) -> MountModule | None:
    """Return the topmost mount: testinfra's own answer is the first, which may be hidden."""
    wanted = comparison.name.rstrip("/") or "/"
    mounts = comparison.host.mount_point.get_mountpoints()
    if not mounts:
        raise CannotLookError("the host lists no mount at all")
    there = [mount for mount in mounts if unescaped(mount.path) == wanted]
    return there[-1] if there else None


def _device(comparison: Comparison, found: str, wanted: str) -> str:
    """Return the device; names such as /dev/disk/by-uuid/… are followed."""
    if found != wanted and wanted.startswith("/dev/"):
        link = comparison.host.file(wanted)
        if link.is_symlink and comparison.host.file(found).linked_to == link.linked_to:
            return wanted
    return found


def _compare_option(comparison: Comparison, mount: MountModule, index: int, option: str) -> None:
    shown = ",".join(mount.options)
    missing = option not in mount.options
    comparison.note(
        f"option {option}",
        not missing,
        expected=f"mounted with {option}",
        source=_SOURCE,
        path=("options", index),
        problem=f"option {option} is missing (mounted with {shown})" if missing else "",
        detail=shown,
    )
