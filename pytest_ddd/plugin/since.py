"""Says from when on logs are read: the last night, or the last scheduled run if that is earlier."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from pytest_ddd.baseline.model import Baseline
from pytest_ddd.errors import RecordError, UsageError

SCENARIO = "morning-health-check"
"""The routine that reviews logs; a run of it that a schedule asked for has read all before it."""

_SQLITE = "sqlite:///"


def logs_since(url: str | None, root: Path, baseline: Baseline, night: datetime) -> datetime:
    """Return when reading begins, so that no day is left out after a run was missed.

    A history that cannot be read is told of at the end of the run, when it cannot be written.
    """
    if url is None or not _may_know(url, root) or not _has_logs(baseline):
        return night
    from pytest_ddd.history import previous
    from pytest_ddd.history.store import Store

    try:
        with Store.open(url, root) as store, store.reading() as tx:
            last = previous.last_scheduled_at(tx, baseline.name, SCENARIO)
    except (RecordError, UsageError):
        return night
    return night if last is None else min(night, last)


def _may_know(url: str, root: Path) -> bool:
    """Whether there can be runs: a SQLite file that is not there yet knows none."""
    return not url.startswith(_SQLITE) or (root / url.removeprefix(_SQLITE)).exists()


def _has_logs(baseline: Baseline) -> bool:
    every = (baseline.for_environment, *baseline.for_host.values())
    return any(declared.get("logs") for declared in every)
