"""PostgreSQL streaming replication: how far a replica is behind its primary."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_ddd import clock
from pytest_ddd.baseline.sections.sync import Replication
from pytest_ddd.baseline.sources import Database, Query
from pytest_ddd.errors import CannotLookError
from pytest_ddd.probes.pairs.interface import Compared
from pytest_ddd.units import format_duration, format_size

if TYPE_CHECKING:
    from pytest_ddd.probes.sql import Databases

CATCH_UP_S = 2.0
"""A replica that arrives within this was on its way: nothing is late.

Only what takes longer is measured by the last commit that was replayed. After an idle time that
says too much, never too little.
"""

_POLL_S = 0.1
_PRIMARY = """\
SELECT pg_is_in_recovery() AS is_replica,
 (SELECT system_identifier::text FROM pg_control_system()) AS system,
 CASE WHEN pg_is_in_recovery() THEN NULL ELSE pg_current_wal_lsn()::text END AS position"""
_REPLICA = """\
SELECT pg_is_in_recovery() AS is_replica,
 (SELECT system_identifier::text FROM pg_control_system()) AS system,
 pg_last_wal_replay_lsn()::text AS position,
 CASE WHEN pg_is_in_recovery() THEN pg_is_wal_replay_paused() END AS is_paused,
 extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp())::float8 AS replayed_s,
 (SELECT count(*) FROM pg_stat_wal_receiver) AS receivers,
 (SELECT max(status) FROM pg_stat_wal_receiver) AS status"""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Replica:
    """What a replica says of itself; `position` in bytes of the write-ahead log."""

    position: int
    is_paused: bool
    replayed_s: float | None
    is_streaming: bool
    status: str


def compare(databases: Databases, model: Replication) -> Compared:
    """Read the position of the primary, then watch the replica arrive there.

    Raises:
        CannotLookError: one of them did not answer, or may not tell.
    """
    started = clock.monotonic()
    primary = _row(databases, model.primary, _PRIMARY)
    source = f"{_shown(model.primary)} -> {_shown(model.replica)}: replayed position"
    if primary["is_replica"]:
        text = f"{_shown(model.primary)} is no primary: it is in recovery itself"
        return Compared(values={}, source=source, words=text, problems=(text,))
    wanted = _bytes(primary["position"])
    while True:
        row = _row(databases, model.replica, _REPLICA)
        if (problem := _stranger(row, primary, model)) is not None:
            return Compared(values={}, source=source, words=problem, problems=(problem,))
        replica = _read(row, model)
        waited_s = clock.monotonic() - started
        if replica.position >= wanted or waited_s >= CATCH_UP_S:
            return _compared(replica, wanted, source)
        clock.wait(_POLL_S)


def _compared(replica: _Replica, wanted: int, source: str) -> Compared:
    behind = max(0, wanted - replica.position)
    values: dict[str, float] = {"behind": behind}
    if behind == 0:
        values["lag"] = 0.0
    elif replica.replayed_s is not None:
        values["lag"] = round(max(CATCH_UP_S, replica.replayed_s), 1)
    problems = []
    if not replica.is_streaming:
        problems.append(f"the replica receives nothing: {replica.status}")
    words = [f"{format_size(behind)} not replayed", replica.status]
    if replica.replayed_s is not None:
        words.append(f"last commit replayed {format_duration(replica.replayed_s)} ago")
    if replica.is_paused:
        words.append("replay is paused")
    return Compared(values=values, source=source, words="; ".join(words), problems=tuple(problems))


def _stranger(
    replica: Mapping[str, object], primary: Mapping[str, object], model: Replication
) -> str | None:
    """Say why a server is no replica of the other: its position would prove nothing."""
    name = _shown(model.replica)
    if not replica["is_replica"]:
        return f"{name} is no replica: it accepts writes of its own"
    if replica["system"] != primary["system"]:
        return f"{name} is the replica of another server than {_shown(model.primary)}"
    return None


def _read(row: Mapping[str, object], model: Replication) -> _Replica:
    receivers, status, replayed_s = row["receivers"], row["status"], row["replayed_s"]
    if receivers and status is None:
        raise CannotLookError(
            f"{_shown(model.replica)}: the account may not see the receiver of the replica",
            hint="GRANT pg_read_all_stats TO this account",
        )
    return _Replica(
        position=_bytes(row["position"]),
        is_paused=bool(row["is_paused"]),
        replayed_s=replayed_s if isinstance(replayed_s, float) else None,
        is_streaming=status == "streaming",
        status=f"receiver {status}" if receivers else "no receiver runs",
    )


def _row(databases: Databases, database: Database, query: str) -> Mapping[str, object]:
    if not database.url.startswith("postgresql"):
        raise CannotLookError(f"{_shown(database)}: replication of PostgreSQL only is known")
    answer = databases.rows(Query(database=database, query=query))
    return dict(zip(answer.columns, answer.rows[0], strict=True))


def _bytes(position: object) -> int:
    """Return a position such as `1/6B3740` as bytes since the beginning of the log."""
    try:
        high, low = str(position).split("/")
        return (int(high, 16) << 32) + int(low, 16)
    except ValueError:
        raise CannotLookError(f"not a position of a write-ahead log: {position!r}") from None


def _shown(database: Database) -> str:
    return database.url.partition("?")[0]
