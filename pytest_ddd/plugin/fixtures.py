"""What a check may ask for: judge, baseline, attach and one fixture for each noun."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextvars import ContextVar
from typing import TYPE_CHECKING, NoReturn

import pytest

from pytest_ddd.outcomes import Outcome
from pytest_ddd.plugin import stumbling
from pytest_ddd.plugin.parametrize import NotDeclared
from pytest_ddd.plugin.recording import redact_logging
from pytest_ddd.plugin.site import NOUNS, SITE_KEY
from pytest_ddd.plugin.verdict import VERDICT_KEY, Verdict
from pytest_ddd.probes.entry import AnyEntry
from pytest_ddd.results import Reading, Threshold
from pytest_ddd.scenarios.model import Frequency

if TYPE_CHECKING:
    from pytest_ddd.baseline.model import Baseline

_HOST_FIXTURE = "ddd-host"
_OURS = {*NOUNS, "judge", "attach"}

_ASKING: ContextVar[pytest.FixtureRequest] = ContextVar("asking")
"""For whom a fixture of ours is made. As an argument, `request`, pytest would make a fixture of its
own of it three times for each check: 0.05 ms."""


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(
    fixturedef: pytest.FixtureDef[object], request: pytest.FixtureRequest
) -> Generator[None, object, object]:
    """Remember for whom one of our fixtures is made."""
    if fixturedef.argname not in _OURS:
        return (yield)
    token = _ASKING.set(request)
    try:
        return (yield)
    finally:
        _ASKING.reset(token)


@pytest.fixture
def judge() -> Callable[[Reading, Threshold], Outcome]:
    """Hold a reading against a threshold: `judge(answer.latency, endpoint.latency)`.

    Records both, returns the outcome and never raises.
    """
    verdict, node = _verdict(), _ASKING.get().node

    def judged(reading: object, threshold: object) -> Outcome:
        if isinstance(reading, Reading) and isinstance(threshold, Threshold):
            return verdict.judge(reading, threshold)
        verdict.fails(
            Outcome.UNKNOWN,
            f"judge takes a Reading and a Threshold, not {reading!r} and {threshold!r} "
            f"({stumbling.function(node)})\n"
            "  hint: judge(answer.latency, endpoint.latency)",
        )
        return Outcome.UNKNOWN

    return judged


@pytest.fixture
def attach() -> Callable[[str, str], None]:
    """Keep a text as evidence of this check: `attach("df", output)`."""
    return _verdict().attach


@pytest.fixture
def baseline(request: pytest.FixtureRequest) -> Baseline:
    """The baseline of the environment that is looked at."""
    return request.config.stash[SITE_KEY].baseline


def _verdict() -> Verdict:
    request = _ASKING.get()
    verdict: Verdict | None = request.node.stash.get(VERDICT_KEY, None)
    return verdict if verdict is not None else _refuse(request)


def _entry() -> AnyEntry:
    """Return the entry that the check was parametrized with."""
    request = _ASKING.get()
    param = getattr(request, "param", None)
    if isinstance(param, NotDeclared):
        pytest.skip(param.reason)
    if param is None:
        _refuse(request)
    return param  # type: ignore[no-any-return]  # pytest types param as Any


def _refuse(request: pytest.FixtureRequest) -> NoReturn:
    pytest.fail(
        f"{request.fixturename} is for checks: mark the function daily, weekly, monthly or "
        "quarterly",
        pytrace=False,
    )


@pytest.fixture
def endpoint() -> AnyEntry:
    """One health endpoint of the baseline; parametrizes the check over all of them."""
    return _entry()


@pytest.fixture
def resource() -> AnyEntry:
    """One resource of one host; parametrizes the check over `thresholds`."""
    return _entry()


@pytest.fixture
def log() -> AnyEntry:
    """One log of one host; parametrizes the check over `logs`."""
    return _entry()


@pytest.fixture
def backup() -> AnyEntry:
    """One backup; parametrizes the check over `backups`."""
    return _entry()


@pytest.fixture
def drift_item() -> AnyEntry:
    """One thing that should be as configured; parametrizes the check over `configuration`."""
    return _entry()


@pytest.fixture
def job() -> AnyEntry:
    """One batch job; parametrizes the check over `jobs`."""
    return _entry()


@pytest.fixture
def queue() -> AnyEntry:
    """One queue; parametrizes the check over `queues`."""
    return _entry()


@pytest.fixture
def sync_pair() -> AnyEntry:
    """One pair of data that has to be the same; parametrizes the check over `sync`."""
    return _entry()


@pytest.fixture
def metric() -> AnyEntry:
    """One performance metric; parametrizes the check over `metrics`."""
    return _entry()


@pytest.fixture
def rule_set() -> AnyEntry:
    """One file of alerting rules; parametrizes the check over `rule_sets`."""
    return _entry()


@pytest.fixture
def regulation() -> AnyEntry:
    """One framework; parametrizes the check over `controls`."""
    return _entry()


@pytest.fixture
def safeguard() -> AnyEntry:
    """One thing that protects; parametrizes the check over `security`."""
    return _entry()


@pytest.fixture
def access_log() -> AnyEntry:
    """The log-ins of one host; parametrizes the check over `access`."""
    return _entry()


@pytest.fixture
def records() -> AnyEntry:
    """One kind of records that are kept; parametrizes the check over `retention`."""
    return _entry()


@pytest.fixture
def attestation() -> AnyEntry:
    """One manual step that a person confirms; parametrizes the check over `attestations`."""
    return _entry()


@pytest.fixture
def host_state() -> AnyEntry:
    """What one host has to be like; parametrizes the check over `host_states`."""
    return _entry()


@pytest.fixture
def rollback_point() -> AnyEntry:
    """One rollback point of one host; parametrizes the check over `rollback`."""
    return _entry()


@pytest.fixture
def smoke_test() -> AnyEntry:
    """One command that uses a service; parametrizes the check over `smoke_tests`."""
    return _entry()


@pytest.fixture
def scan() -> AnyEntry:
    """One security scan; parametrizes the check over `scans`."""
    return _entry()


@pytest.fixture
def patch() -> AnyEntry:
    """One kind of update of one host, batch by batch; parametrizes the check over `patches`."""
    return _entry()


@pytest.fixture
def probe() -> AnyEntry:
    """One look of a kind of the site's own; parametrizes the check over `probes`."""
    return _entry()


@pytest.hookimpl(tryfirst=True)
def pytest_pycollect_makeitem(collector: pytest.Collector, name: str, obj: object) -> None:
    """Before the first check is collected: give `host` our meaning and redact the logs.

    A plugin that is registered late wins over testinfra's `host`; a conftest wins over both.
    """
    manager = collector.config.pluginmanager
    if manager.has_plugin(_HOST_FIXTURE) or not _is_check(collector, obj):
        return
    redact_logging()
    if not _is_of_the_site(collector, "host"):
        from pytest_ddd.plugin import host_fixture

        manager.register(host_fixture, _HOST_FIXTURE)


def _is_of_the_site(collector: pytest.Collector, name: str) -> bool:
    """Whether a conftest has a fixture of that name; pytest has no public way to ask."""
    manager = getattr(collector.session, "_fixturemanager", None)
    if manager is None:
        return False
    found = list(manager.getfixturedefs(name, collector) or ())
    return bool(found) and not found[-1].func.__module__.startswith("testinfra")


def _is_check(collector: pytest.Collector, obj: object) -> bool:
    own = getattr(obj, "pytestmark", ())
    if not isinstance(own, list):  # sqlalchemy's `func` and mocks have every attribute
        own = []
    marks = [*own, *collector.iter_markers()]
    return any(mark.name in set(Frequency) for mark in marks)
