"""Writes metrics for node_exporter at the end of a run, where a file was named."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_ddd.errors import RecordError
from pytest_ddd.plugin import unwritten
from pytest_ddd.plugin.options import SETTINGS_KEY

if TYPE_CHECKING:
    from pytest_ddd.run import Finished


def pytest_ddd_scenario_finished(config: pytest.Config, finished: Finished) -> None:
    """Write the metrics of the environment; a failure is one of the run."""
    settings = config.stash[SETTINGS_KEY]
    if settings.textfile is None or settings.history is None:
        return
    try:
        _write(settings.textfile, settings.history, config.rootpath, finished)
    except RecordError as failure:
        unwritten.note(config, failure)


def _write(path: Path, history: str, root: Path, finished: Finished) -> None:
    from pytest_ddd.analysis.objective_table import LONGEST_DAYS, OBJECTIVES, READINGS
    from pytest_ddd.analysis.objectives import judge
    from pytest_ddd.history import exposition, measures
    from pytest_ddd.history.store import Store

    facts = finished.summary.facts
    now, environment = facts.finished_at, facts.environment
    since = now - timedelta(days=LONGEST_DAYS)
    with Store.open(history, root) as store:
        with store.reading() as tx:
            gathered = measures.gather(tx, environment, since, now, READINGS)
        standings = [judge(one, environment, gathered, now) for one in OBJECTIVES]
        exposition.write(path, store, environment, standings)
