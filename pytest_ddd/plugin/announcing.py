"""Announces a run that changes something: before its first change, and when it has ended."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pytest

from pytest_ddd import clock, login
from pytest_ddd.errors import DddError, RecordError
from pytest_ddd.outcomes import worst
from pytest_ddd.plugin import channels, gating, markers, site, unwritten

if TYPE_CHECKING:
    from pytest_ddd.alerts import Outgoing
    from pytest_ddd.escalation.announcing import Occasion
    from pytest_ddd.history.store import Store
    from pytest_ddd.scenarios.model import Scenario

_BUDGET_S = 15.0
"""How long a change waits for its announcement; what has not arrived then waits in the outbox."""


_KEY = pytest.StashKey[dict[str, "Occasion"]]()
"""The scenarios that have begun to change something, by name."""


def before_change(item: pytest.Item) -> None:
    """Tell that a scenario begins to change something, once, before it does."""
    config, scenario = item.config, markers.place(item).scenario
    here = config.stash[site.SITE_KEY]
    announced = config.stash.setdefault(_KEY, {})
    if scenario.name in announced or not _channels(here, scenario.name):
        return
    announced[scenario.name] = occasion = _occasion(config, here, scenario)
    if here.settings.escalate != "on":
        return
    from pytest_ddd.escalation.announcing import begins
    from pytest_ddd.history.store import Store

    assert here.settings.history is not None  # escalation that is on needs one

    try:
        store = Store.open(here.settings.history, config.rootpath)
        try:
            _put(store, begins(here.baseline.escalation, occasion, clock.now()))
            _flush(config, here, store)
        finally:
            store.close()
    except DddError as failure:  # a change that was approved is not given up for it
        told = RecordError(f"not announced: {failure.message}", hint=failure.hint)
        unwritten.note(config, told)


def put_ends(config: pytest.Config, store: Store) -> None:
    """Put into the outbox how each scenario has ended that was announced; others send it.

    Raises:
        RecordError: the history cannot be written.
    """
    here = config.stash[site.SITE_KEY]
    if here.settings.escalate != "on":
        return
    for name, occasion in _begun(config).items():
        from pytest_ddd.escalation.announcing import ended

        results = [one for one in gating.results(config) if one.scenario == name]
        last = {(one.identity, one.nodeid): one for one in results}
        changes = tuple(
            f"{one.target} {one.entry}: {one.outcome.word}: {one.reason}"
            for one in last.values()
            if any(reading.name == "do" for reading in one.readings)
        )
        section, outcome = here.baseline.escalation, worst(one.outcome for one in last.values())
        _put(store, ended(section, occasion, clock.now(), outcome=outcome, changes=changes))


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Say who was told, or would have been."""
    for name, occasion in _begun(config).items():
        here = config.stash[site.SITE_KEY]
        who = ", ".join(_channels(here, name))
        told = here.settings.escalate == "on"
        words = "announced to" if told else f"not announced ({here.settings.escalate}) to"
        terminalreporter.write_line(f"{occasion.title}: begin and end {words}: {who}")


def _begun(config: pytest.Config) -> dict[str, Occasion]:
    return config.stash.get(_KEY, {})


def _channels(here: site.Site, scenario: str) -> Sequence[str]:
    return here.baseline.escalation.announcements.get(scenario, ())


def _occasion(config: pytest.Config, here: site.Site, scenario: Scenario) -> Occasion:
    from pytest_ddd.escalation.announcing import Occasion

    return Occasion(
        environment=here.baseline.name,
        scenario=scenario.name,
        title=scenario.title,
        run_id=site.run_id(config),
        operator=here.settings.operator or login.name(),
        ticket=here.settings.change,
        hosts=here.scope.hosts,
    )


def _put(store: Store, outgoing: Sequence[Outgoing]) -> None:
    from pytest_ddd.history import outbox

    with store.transaction(durable=True) as tx:
        outbox.put(tx, outgoing, clock.now())


def _flush(config: pytest.Config, here: site.Site, store: Store) -> None:
    from pytest_ddd.escalation.flushing import flush
    from pytest_ddd.history.outbox import StoredOutbox

    mine = StoredOutbox(store, environment=here.baseline.name)
    flush(mine, channels.open_all(config, here.baseline), budget_s=_BUDGET_S)
