"""What a database row or a JSON answer tells about the latest run of a job."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_ddd.baseline.sections.jobs import Told
from pytest_ddd.baseline.sources import Query
from pytest_ddd.errors import CannotLookError
from pytest_ddd.plain import Json
from pytest_ddd.probes import commands
from pytest_ddd.probes.job_sources.interface import Found, Run
from pytest_ddd.probes.job_sources.moments import moment
from pytest_ddd.probes.web.ask import Caller
from pytest_ddd.probes.web.conditions import AbsentError, find, holds, parse_json, show
from pytest_ddd.probes.web.conditions import show_expected as expected_words

if TYPE_CHECKING:
    from pytest_ddd.connections import Session
    from pytest_ddd.probes.sql import Databases

_COLUMNS = ("started_at", "finished_at", "succeeded")


def from_row(databases: Databases, query: Query) -> Found:
    """Ask a database; no row, or one of nulls, means that the job never ran.

    Raises:
        CannotLookError: it did not answer, or not with one row that tells an end.
    """
    answer = databases.rows(query)
    if len(answer.rows) > 1:
        raise CannotLookError(f"{answer.source}: {len(answer.rows)} rows, where one is wanted")
    names = [name.lower() for name in answer.columns]
    strange = [name for name in names if name not in _COLUMNS]
    if strange or "finished_at" not in names:
        raise CannotLookError(
            f"{answer.source}: has the columns {', '.join(names)}",
            hint="SELECT … AS finished_at, and if there are any AS started_at, AS succeeded",
        )
    if not answer.rows:
        return Found(run=None, source=answer.source)
    row = dict(zip(names, answer.rows[0], strict=True))
    started_at = moment(row.get("started_at"), f"{answer.source}: started_at")
    finished_at = moment(row["finished_at"], f"{answer.source}: finished_at")
    if started_at is None and finished_at is None:
        return Found(run=None, source=answer.source)
    run = Run(
        started_at=started_at,
        finished_at=finished_at,
        succeeded=finished_at is None or _flag(row.get("succeeded", True), answer.source),
        said=", ".join(f"{name} {value}" for name, value in row.items()),
    )
    return Found(run=run, source=answer.source)


def from_http(caller: Caller, told: Told) -> Found:
    """Ask a URL.

    Raises:
        CannotLookError: it did not answer with such JSON.
    """
    answer = caller.json("", (), caller.deadline())
    return _read(answer, told, f"GET {caller.url}")


def from_command(session: Session, command: str, told: Told, timeout_s: float) -> Found:
    """Run a command; its exit status is 0, and its output one JSON object.

    Raises:
        CannotLookError: it did not end that way.
    """
    completed = commands.look(session, command, shown=command, timeout_s=timeout_s)
    source = f"{session.spec.label}: {command}"
    if not completed.ok:
        raise commands.blind(session, command, completed, hint="run it yourself there")
    try:
        return _read(parse_json(completed.stdout), told, source)
    except ValueError as mistake:
        begins = completed.text[:80]
        raise CannotLookError(f"{source}: not JSON: {mistake}; it begins {begins!r}") from None


def _read(answer: Json, told: Told, source: str) -> Found:
    times = {}
    for path in (told.started_at, told.finished_at):
        try:
            times[path] = moment(find(answer, path), f"{source}: {path}")
        except AbsentError:
            continue
    if not times:
        paths = f"{told.finished_at} nor {told.started_at}"
        raise CannotLookError(
            f"{source}: tells neither {paths}: {show(answer)}",
            hint="say where they stand: told: {finished_at: …, started_at: …}",
        )
    started_at, finished_at = times.get(told.started_at), times.get(told.finished_at)
    bad = [
        f"{path} is {_seen(answer, path)}"
        for path, condition in told.failed.items()
        if _meets(answer, path, condition)
    ]
    if bad:
        ended = finished_at or started_at
        run = Run(finished_at=ended, started_at=started_at, succeeded=False, said=", ".join(bad))
        return Found(run=run, source=source)
    if started_at is None and finished_at is None:
        return Found(run=None, source=source)
    unmet = [
        f"{path} is {_seen(answer, path)}, expected {expected_words(condition)}"
        for path, condition in (told.succeeded.items() if finished_at else ())
        if not _meets(answer, path, condition)
    ]
    run = Run(
        started_at=started_at,
        finished_at=finished_at,
        succeeded=not unmet,
        said="; ".join(unmet) or show(answer),
    )
    return Found(run=run, source=source)


def _meets(answer: Json, path: str, condition: str | float | bool | None) -> bool:
    try:
        return holds(find(answer, path), condition)
    except AbsentError:
        return False


def _seen(answer: Json, path: str) -> str:
    try:
        return show(find(answer, path))
    except AbsentError:
        return "absent"


def _flag(value: object, source: str) -> bool:
    """Read true and false as databases write them."""
    if value in (True, False):  # 1 and 0 are equal to them
        return bool(value)
    raise CannotLookError(f"{source}: succeeded is neither true nor false: {str(value)[:80]!r}")
