"""Starts and ends the run with the pytest session; decides the exit status."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol

import pytest

from pytest_ddd import clock, redaction
from pytest_ddd.outcomes import Outcome
from pytest_ddd.plugin import (
    attaching,
    escalating,
    gating,
    junit,
    narrowing,
    origin,
    planning,
    site,
    unwritten,
    waiving,
)
from pytest_ddd.plugin.options import SETTINGS_KEY
from pytest_ddd.plugin.reachable import is_recorded
from pytest_ddd.plugin.recording import carries, take_result
from pytest_ddd.results import CheckResult
from pytest_ddd.scenarios.model import Frequency

if TYPE_CHECKING:
    from pytest_ddd.evidence.summary import RunSummary
    from pytest_ddd.run import Finished, MaintenanceRun

EXIT_UNDELIVERED = 75
"""Somebody has to be told, and was not."""

EXIT_NOT_WRITTEN = 76
"""Record, history or evidence could not be written."""

_NOTHING: Mapping[str, str] = MappingProxyType({})

CONTROLLER_KEY = pytest.StashKey["Controller"]()


class _Node(Protocol):
    """An xdist worker as the controller sees it."""

    workerinput: dict[str, object]
    workeroutput: dict[str, object]


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """Offer our hooks to conftests and other plugins."""
    from pytest_ddd.plugin import hookspecs

    pluginmanager.add_hookspecs(hookspecs)


def pytest_configure(config: pytest.Config) -> None:
    """Make the one object that keeps results; on a worker there is none."""
    given = getattr(config, "workerinput", None)
    if given is None:
        config.stash[CONTROLLER_KEY] = controller = Controller(config)
        config.pluginmanager.register(controller, "ddd-controller")
    elif "ddd_key" in given:
        redaction.DEFAULT.use_key(bytes.fromhex(given["ddd_key"]))


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: _Node) -> None:
    """Tell an xdist worker which run it works for."""
    config: pytest.Config = node.config  # type: ignore[attr-defined]  # xdist is not typed
    node.workerinput["ddd_run_id"] = site.run_id(config)
    node.workerinput["ddd_started_at"] = clock.stamp(site.run_started_at(config))
    node.workerinput["ddd_key"] = redaction.DEFAULT.key.hex()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> Generator[None, object, object]:
    """Let connections close while reports are written: a loop that ends well took all fixtures.

    One that was stopped leaves fixtures whose end may still need them. It is around the recheck.
    """
    done = yield
    site.rest(session.config)
    return done


def pytest_unconfigure(config: pytest.Config) -> None:
    """Close all connections, on the controller and on workers."""
    site.close(config)


class Controller:
    """Feeds the run, on the controller process only."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.run: MaintenanceRun | None = None
        self.finished: tuple[Finished, ...] = ()
        self.mistake = ""
        """A mistake of the user that a worker found."""
        self.unheard: tuple[str, ...] = ()
        """Implementations of the hooks of escalation that failed, and how."""
        self._due: set[str] = set()
        """Nodeids that were collected and have not come to their end."""
        self._was_told = False

    @pytest.hookimpl(trylast=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Note which checks there are, so that one that never ends is missed."""
        if not session.config.option.collectonly:
            self._due.update(one.nodeid for one in session.items if is_recorded(one))

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Miss what a file that cannot be imported would have checked."""
        if report.failed:
            self._due.add(report.nodeid)
            self.config.stash[planning.PLANNED_KEY].unreadable.append(report.nodeid)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: Sequence[str]) -> None:
        """Note what a worker has collected; only nodeids travel, so other tests are among it."""
        if not self._was_told:
            self._was_told = True
            self._due.update(ids)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take the result off a report and into the record."""
        taken = None
        if carries(report):
            planning.receive(self.config, report)
            attached = attaching.receive(report)
            taken = take_result(report)
            if taken is not None:
                self._due.discard(report.nodeid)
                self._add(*taken, attached)
                junit.name_target(self.config, report, taken[0])
        elif report.when == "teardown":
            self._due.discard(report.nodeid)
        if taken is None and report.failed:
            gating.note_failure(self.config)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: _Node) -> None:
        """Hear of a mistake that a worker found while collecting."""
        self.mistake = str(getattr(node, "workeroutput", {}).get("ddd_mistake", "")) or self.mistake

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Write the reports and settle the exit status."""
        if self.mistake:
            session.exitstatus = pytest.ExitCode.USAGE_ERROR
        failures = unwritten.taken(self.config)
        if self.run is None and failures:
            self.run = _begin(self.config)
        if self.run is None:
            if self._due and exitstatus == pytest.ExitCode.OK:
                session.exitstatus = pytest.ExitCode.INTERRUPTED
            return
        stopped = exitstatus in (pytest.ExitCode.INTERRUPTED, pytest.ExitCode.INTERNAL_ERROR)
        interrupted = stopped or bool(self._due)
        for finding in waiving.findings(self.config, interrupted=interrupted):
            self._add(*finding)
        narrowed = partial(narrowing.is_narrowed, self.config)
        self.finished = self.run.finish(interrupted=interrupted, narrowed=narrowed)
        self.run.failures += failures + gating.settle(self.config, interrupted=interrupted)
        for finished in self.finished:
            self.config.hook.pytest_ddd_scenario_finished(config=self.config, finished=finished)
        self.unheard = escalating.announce(self.config, self.run.told)
        self.run.failures += unwritten.taken(self.config)
        session.exitstatus = self._exit_status(exitstatus)

    def _add(
        self, result: CheckResult, frequency: Frequency, attached: Mapping[str, str] = _NOTHING
    ) -> None:
        if self.run is None:
            self.run = _begin(self.config)
        if self.run is None:
            return
        hook = self.config.hook
        gating.keep(self.config, result, attached)
        started = self.run.add(result, frequency, attached)
        if started is not None:
            hook.pytest_ddd_scenario_started(
                config=self.config, scenario=started, environment=result.environment
            )
        hook.pytest_ddd_result(config=self.config, result=result)

    def _exit_status(self, status: int) -> int:
        assert self.run is not None
        if self.run.failures:
            return EXIT_NOT_WRITTEN
        if escalating.is_undelivered(self.run.told, self.unheard):
            return EXIT_UNDELIVERED
        if status in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
            status = _status_of(self.config, [one.summary for one in self.finished], status)
        return gating.exit_status(self.config, self.finished, status)


def _status_of(config: pytest.Config, summaries: Sequence[RunSummary], status: int) -> int:
    """Return 0 only when something was looked at and nothing is bad."""
    outcomes = {summary.verdict.outcome for summary in summaries}
    if any(outcome.is_bad for outcome in outcomes):
        return pytest.ExitCode.TESTS_FAILED
    if Outcome.YELLOW in outcomes and config.stash[SETTINGS_KEY].fail_on == "yellow":
        return pytest.ExitCode.TESTS_FAILED
    checks = (check for summary in summaries for check in summary.checks)
    beside = ("/reachable", "/waiver")
    looked = {check.outcome for check in checks if not check.last.check_id.endswith(beside)}
    if looked <= {Outcome.NOT_APPLICABLE}:
        return pytest.ExitCode.NO_TESTS_COLLECTED
    return status


def _begin(config: pytest.Config) -> MaintenanceRun | None:
    from pytest_ddd.run import MaintenanceRun

    here = site.site_of(config)
    return MaintenanceRun(origin.circumstances(config, here)) if here is not None else None
