"""Services: running, started at boot, answering, and running the code that is on disk."""

from __future__ import annotations

from pytest_ddd.baseline.sections.configuration import Service
from pytest_ddd.connections.families.systemd import main_process
from pytest_ddd.errors import CannotLookError
from pytest_ddd.probes.drift.comparison import Comparison
from pytest_ddd.probes.drift.presence import is_absent
from pytest_ddd.probes.drift.responds import compare_answer
from pytest_ddd.probes.drift.ways import ServiceModule

_STARTED_AT_BOOT = ("enabled", "static", "generated")
"""Words of `systemctl is-enabled` that mean that nothing is left to enable."""

_NOT_STARTED_AT_BOOT = ("disabled", "static", "masked", "masked-runtime", "indirect", "linked")

_ENABLED_WORDS = {
    "enabled-runtime": "enabled until the next boot only",
    "linked-runtime": "linked until the next boot only",
    "indirect": "indirect (not itself, at most what it names)",
    "transient": "transient (gone at the next boot)",
    "generated": "generated",
}


def compare(comparison: Comparison) -> None:
    """Compare one service as the host's own init knows it."""
    model = comparison.model(Service)
    service = comparison.host.service(comparison.name)
    with comparison.looking("running"):
        if comparison.host.file("/run/systemd/system").is_directory:
            _compare_unit(comparison, service)
        else:
            _compare_script(comparison, service)
    if model.responds:
        with comparison.looking("responds"):
            compare_answer(comparison, model.responds)


def _compare_unit(comparison: Comparison, service: ServiceModule) -> None:
    """Compare a unit of systemd."""
    model = comparison.model(Service)
    unit = service.systemd_properties
    state, source = _unit_state(unit), f"host.service({comparison.name!r}).systemd_properties"
    running = _is_running(unit)
    wanted = "running" if model.running else "not running"
    idle = unit.get("ActiveState") in ("inactive", "failed")
    problem = "" if (running if model.running else idle) else f"is {state}, expected {wanted}"
    comparison.note(
        "running", state, expected=wanted, source=source, path=("running",), problem=problem
    )
    pid = unit.get("MainPID", "0")
    if running and model.running and pid != "0":
        _compare_process(comparison, pid)
    if model.enabled is not None and unit.get("LoadState") != "not-found":
        with comparison.looking("enabled"):
            _compare_enabled(comparison, unit.get("Id", comparison.name), wanted=model.enabled)


def _unit_state(unit: dict[str, str]) -> str:
    """Return the state in systemd's words: `active (running)`, `failed (exit-code)`."""
    load, active = unit.get("LoadState", ""), unit.get("ActiveState", "")
    if not load or not active:
        raise CannotLookError("systemd says nothing about it")
    if load == "not-found":
        return "unknown to systemd"
    why = unit.get("Result", "") if active == "failed" else unit.get("SubState", "")
    return (f"{load}, " if load != "loaded" else "") + f"{active} ({why})"


def _is_running(unit: dict[str, str]) -> bool:
    """Return whether something runs: active and exited is right for a oneshot only.

    A unit made from an init script stays `active (exited)` when its daemon has died.
    """
    if unit.get("ActiveState") not in ("active", "reloading", "refreshing"):
        return False
    return unit.get("SubState") != "exited" or unit.get("Type") == "oneshot"


def _compare_process(comparison: Comparison, pid: str) -> None:
    """Note a main process that is stopped, or whose program was replaced since it started."""
    answer = comparison.script(main_process(pid))
    stat, _, program = answer.text.partition("\n")
    state = stat.rpartition(")")[2].strip()[:1]
    if not state:
        raise CannotLookError(answer.error_text.strip() or f"/proc/{pid}/stat cannot be read")
    frozen = state in ("T", "t", "Z")
    comparison.note(
        "process",
        f"pid {pid} state {state}",
        expected="not stopped",
        source=f"/proc/{pid}/stat",
        path=("running",),
        problem=f"is active, but its process {pid} is stopped (state {state})" if frozen else "",
    )
    if program := program.strip():  # only root may read the link of another user's process
        on_disk = program.removesuffix(" (deleted)")
        old = on_disk != program
        comparison.note(
            "program",
            program,
            expected="the program on disk",
            source=f"/proc/{pid}/exe",
            path=("running",),
            problem=f"runs old code: {on_disk} was replaced since it started" if old else "",
        )


def _compare_enabled(comparison: Comparison, unit: str, *, wanted: bool) -> None:
    """Ask by the unit's own name: an alias says only that it is one."""
    answer = comparison.run("systemctl", "is-enabled", "--", unit)
    word = answer.text.strip().splitlines()[-1:] or [""]
    if not word[0]:
        raise CannotLookError(answer.error_text.strip() or "systemctl is-enabled says nothing")
    right = word[0] in (_STARTED_AT_BOOT if wanted else _NOT_STARTED_AT_BOOT)
    shown = _ENABLED_WORDS.get(word[0], word[0])
    expected = "enabled" if wanted else "disabled"
    comparison.note(
        "enabled",
        word[0],
        expected=expected,
        source=f"systemctl is-enabled {unit}",
        path=("enabled",),
        problem="" if right else f"is {shown}, expected {expected}",
    )


def _compare_script(comparison: Comparison, service: ServiceModule) -> None:
    """Compare an init script; a no of testinfra counts only where there is one."""
    model = comparison.model(Service)
    if is_absent(comparison, f"/etc/init.d/{comparison.name}"):
        raise CannotLookError(
            f"systemd does not run on this host, and there is no /etc/init.d/{comparison.name}"
        )
    source = f"host.service({comparison.name!r})"
    comparison.same("running", service.is_running, model.running, source=f"{source}.is_running")
    if model.enabled is not None:
        with comparison.looking("enabled"):
            comparison.same(
                "enabled", service.is_enabled, model.enabled, source=f"{source}.is_enabled"
            )
