"""systemd: how a service ended, and whether the timer that starts it is active."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pytest_ddd.errors import CannotLookError
from pytest_ddd.probes import commands
from pytest_ddd.probes.job_sources.interface import Found, Run

if TYPE_CHECKING:
    from pytest_ddd.connections import Session

_SERVICE = (
    "Id,LoadState,ActiveState,SubState,Result,ExecMainStatus,ExecMainStartTimestamp,"
    "ExecMainExitTimestamp,ConditionResult,TriggeredBy"
)
_TIMER = "Id,LoadState,ActiveState,Unit"
_RUNNING = ("activating", "active", "reloading", "deactivating")
_AT_REST = ("exited", "dead", "failed", "auto-restart")

Properties = Mapping[str, str]


def find(session: Session, unit: str, timeout_s: float) -> Found:
    """Ask systemd on a host.

    Raises:
        CannotLookError: there is no systemd, or it does not answer.
    """
    quoted = shlex.quote(unit)
    show = "TZ=UTC systemctl --no-pager show"
    if unit.endswith(".timer"):
        service = f"service=$({show} -p Unit --value -- {quoted})"
        rest = f'if [ "$service" ]; then echo; {show} -p {_SERVICE} -- "$service"; fi'
        units = f"{show} -p {_TIMER} -- {quoted} && {service} && {rest}"
    else:
        units = f"{show} -p {_SERVICE} -- {quoted}"
    command = f"date +Now=%s && {show} -p UserspaceTimestamp && echo && {units}"
    shown = f"systemctl show {unit}"
    completed = commands.look(session, command, shown=shown, timeout_s=timeout_s)
    if not completed.ok:
        raise commands.blind(session, shown, completed)
    return parse(completed.text, unit, f"{session.spec.label}: {shown}")


def parse(text: str, unit: str, source: str) -> Found:
    """Return what `systemctl show` told.

    Raises:
        CannotLookError: it told something else than systemd does.
    """
    blocks = [_properties(block) for block in text.split("\n\n") if block.strip()]
    timed = unit.endswith(".timer")
    if len(blocks) not in (2, 2 + timed) or "Now" not in blocks[0]:
        raise CannotLookError(f"{source}: not what systemd prints: {text[:200]!r}")
    machine, *units = blocks
    problems = _timer_problems(unit, units.pop(0)) if timed else []
    run = None
    for service in units:
        load = service.get("LoadState", "")
        if load == "loaded":
            run = _run(service, source)
        else:
            problems.append(f"{service.get('Id') or unit} is {load or 'not there'}")
    if run is None and not units and not problems:
        raise CannotLookError(f"{source}: the timer names no unit: {text[:200]!r}")
    seen_at = datetime.fromtimestamp(int(machine["Now"]), UTC)
    return Found(
        run=run,
        source=source,
        problems=tuple(problems),
        seen_at=seen_at,
        known_from=_moment(machine, "UserspaceTimestamp", source),
    )


def _timer_problems(unit: str, timer: Properties) -> list[str]:
    if timer.get("LoadState") != "loaded":
        return [f"{unit} is {timer.get('LoadState') or 'not there'}"]
    if timer.get("ActiveState") != "active":
        state = timer.get("ActiveState")
        return [f"{unit} is {state}: nobody will start the job (systemctl enable --now {unit})"]
    return []


def _run(service: Properties, source: str) -> Run | None:
    started_at = _moment(service, "ExecMainStartTimestamp", source)
    finished_at = _moment(service, "ExecMainExitTimestamp", source)
    active, sub = service.get("ActiveState", ""), service.get("SubState", "")
    result = service.get("Result", "")
    succeeded = result == "success" and active != "failed"
    if started_at is None and succeeded:
        if not service.get("TriggeredBy"):
            raise CannotLookError(
                f"{source}: systemd forgets how a service ended that no timer starts",
                hint="start it by a timer, write RemainAfterExit=yes, or use a marker file",
            )
        return None
    said = f"{active} ({sub}), result {result}, exit status {service.get('ExecMainStatus', '?')}"
    if service.get("ConditionResult") == "no":
        said += ", its last start was skipped by a condition"
    is_running = active in _RUNNING and sub not in _AT_REST
    if is_running and finished_at is None and started_at is not None:
        return Run(started_at=started_at, said=said)
    if finished_at is None and succeeded:
        raise CannotLookError(f"{source}: it does not run and has no end: {said}")
    ended = finished_at or started_at
    return Run(started_at=started_at, finished_at=ended, succeeded=succeeded, said=said)


def _properties(block: str) -> Properties:
    pairs = (line.partition("=") for line in block.splitlines())
    return {key: value for key, separator, value in pairs if separator}


def _moment(properties: Properties, name: str, source: str) -> datetime | None:
    """Return a time as systemd writes it with TZ=UTC; None of what never was."""
    text = properties.get(name, "")
    if text in ("", "n/a", "0"):
        return None
    try:
        return datetime.strptime(text, "%a %Y-%m-%d %H:%M:%S UTC").replace(tzinfo=UTC)
    except ValueError:
        raise CannotLookError(f"{source}: {name} is no point in time: {text[:80]!r}") from None
