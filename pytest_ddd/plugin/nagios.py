"""Speaks as a Nagios plugin: one line on stdout, 0 to 3 as exit status, all else on stderr.

See https://nagios-plugins.org/doc/guidelines.html for line, performance data and status.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from enum import IntEnum
from typing import TYPE_CHECKING

import pytest

from pytest_ddd.outcomes import Outcome
from pytest_ddd.plugin.session import CONTROLLER_KEY

if TYPE_CHECKING:
    from pytest_ddd.evidence.summary import RunSummary

_HELP = (
    "Be a Nagios plugin: one line on stdout, exit status 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN."
)
_STATUS_KEY = pytest.StashKey["_Status"]()


class _Status(IntEnum):
    OK = 0
    WARNING = 1
    CRITICAL = 2
    UNKNOWN = 3


def pytest_addoption(parser: pytest.Parser) -> None:
    """Register the option and its twin in the ini file."""
    group = parser.getgroup("ddd")
    group.addoption("--ddd-nagios", action="store_true", dest="ddd_nagios", help=_HELP)
    parser.addini("ddd_nagios", f"Same as --ddd-nagios. {_HELP}", type="bool", default=False)


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Send what pytest says to stderr."""
    reporter = session.config.pluginmanager.getplugin("terminalreporter")
    if _is_asked(session.config) and reporter is not None:
        from _pytest.config import create_terminal_writer

        reporter._tw = create_terminal_writer(session.config, sys.stderr)  # noqa: SLF001  # pytest has no other way to standard error


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Turn pytest's exit status into one of Nagios."""
    if _is_asked(session.config):
        status = _status(_summaries(session.config), int(session.exitstatus))
        session.config.stash[_STATUS_KEY] = status
        session.exitstatus = int(status)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Say the line, after everything else."""
    status = config.stash.get(_STATUS_KEY, None)
    if status is not None:
        sys.stdout.write(f"{_line(status, _summaries(config))}\n")


def _is_asked(config: pytest.Config) -> bool:
    if hasattr(config, "workerinput"):
        return False
    asked = config.getoption("ddd_nagios") or config.getini("ddd_nagios")
    return bool(asked or os.environ.get("DDD_NAGIOS"))


def _summaries(config: pytest.Config) -> list[RunSummary]:
    controller = config.stash.get(CONTROLLER_KEY, None)
    return [one.summary for one in controller.finished] if controller is not None else []


def _status(summaries: list[RunSummary], exit_status: int) -> _Status:
    """Return the worst that is known; a run that could not look, or write, is UNKNOWN."""
    outcomes = {one.verdict.outcome for one in summaries}
    found = {check.outcome for one in summaries for check in one.checks} | outcomes
    if Outcome.RED in found:
        return _Status.CRITICAL
    ended = (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)
    if exit_status not in ended or not summaries or found & {Outcome.UNKNOWN, Outcome.BLOCKED}:
        return _Status.UNKNOWN
    if Outcome.YELLOW in found:
        return _Status.WARNING
    return _Status.CRITICAL if exit_status else _Status.OK


def _line(status: _Status, summaries: list[RunSummary]) -> str:
    """Return `DDD OK: Morning Health Check prod: GREEN, … | checks=41 …`."""
    if not summaries:
        return f"DDD {status.name}: nothing was looked at"
    told = "; ".join(
        f"{one.facts.title} {one.facts.environment}: {one.verdict.outcome.word}, "
        f"{one.verdict.sentence}"
        for one in summaries
    )
    data = " ".join(figure for one in summaries for figure in _figures(one, len(summaries) > 1))
    plain = " ".join(told.replace("|", "/").split())
    return f"DDD {status.name}: {plain} | {data}"


def _figures(summary: RunSummary, several: bool) -> Iterator[str]:
    """Yield performance data: `label=value[unit];warn;crit;min`."""
    prefix = f"{summary.facts.scenario}_" if several else ""
    for outcome, count in summary.counts:
        yield f"{prefix}{outcome.value.lower()}={count};;;0"
    budget = "" if summary.facts.budget_s is None else f"{summary.facts.budget_s:g}"
    yield f"{prefix}used={summary.facts.used_s:.3f}s;;{budget};0"
