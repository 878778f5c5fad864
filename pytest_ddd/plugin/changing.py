"""Actions in checks: `--ddd-apply`, the fixture `change`, and when an action may not begin."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from pytest_ddd import login, results
from pytest_ddd.errors import NotApplicableError, RecordError
from pytest_ddd.outcomes import Outcome
from pytest_ddd.plugin import announcing, guarding, markers, parametrize, site, unwritten
from pytest_ddd.plugin.reachable import BlockedError, is_recorded, place_of
from pytest_ddd.plugin.verdict import VERDICT_KEY, Verdict
from pytest_ddd.results import Limit, Reading, Threshold

if TYPE_CHECKING:
    from pytest_ddd.actions.carrying_out import Carried, Hand
    from pytest_ddd.actions.interface import Action

_HELP = (
    "Let actions change something: without it each shows what it would do. Only on the command "
    "line, with --host, and without -n."
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Register `--ddd-apply`; it has no twin in the ini file or the environment."""
    group = parser.getgroup("ddd")
    group.addoption("--ddd-apply", action="store_true", dest="ddd_apply", help=_HELP)


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Refuse to change anything that was not named, or in several processes at once."""
    if not config.getoption("ddd_apply") or hasattr(config, "workerinput"):
        return
    if not config.getoption("ddd_host"):
        raise pytest.UsageError("--ddd-apply changes things: name where with --host=ENVIRONMENT")
    if config.getoption("dist", "no") != "no":
        raise pytest.UsageError(
            "--ddd-apply changes things in the order of the steps: leave out -n, which does not "
            "keep it"
        )


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Name what an earlier run began to change and did not bring to its end."""
    if site.SITE_KEY not in config.stash:
        return
    for line in _left_open(config):
        terminalreporter.write_line(line, yellow=True)


def refuse_misuse(item: pytest.Item) -> None:
    """Refuse a check that may change things and is not marked `action`.

    Raises:
        pytest.UsageError: it is not.
    """
    if item.get_closest_marker("action") is not None:
        return
    for name in ("change", "take_back"):
        if name in getattr(item, "fixturenames", ()):
            raise pytest.UsageError(
                f"{item.nodeid}: only an action may use `{name}`: mark it with @pytest.mark.action"
            )


@pytest.fixture
def change(request: pytest.FixtureRequest) -> Callable[[Action], Carried]:
    """Carry out an action, with a plan and a way back.

    Without `--ddd-apply` it shows the plan and ends the check as NOT_APPLICABLE; after a RED in an
    earlier step, or a step that was left out, it ends it as BLOCKED. Both touch nothing.
    """

    def carry_out(action: Action) -> Carried:
        return _change(request.node, action)

    return carry_out


def _change(item: pytest.Item, action: Action) -> Carried:
    verdict = item.stash[VERDICT_KEY]
    hand = hand_of(item.config)
    if not item.config.getoption("ddd_apply"):
        plan = action.plan()
        not_yet = [f"not now: {one}" for one in guarding.obstacles(item, action, hand)]
        verdict.attach("plan", "\n".join([plan.summary, *not_yet, plan.detail]).rstrip())
        raise NotApplicableError(f"{results.PLANNED}: {plan.summary} (--ddd-apply does it)")
    _block_after_red(item, verdict, is_whole=_is_whole(action))
    for obstacle in guarding.obstacles(item, action, hand):
        _block(verdict, action.subject.target, obstacle)
    with telling_the_run(item.config):
        if _is_whole(action):
            guarding.lock(item.config, hand)
        announcing.before_change(item)
        carried = hand.carry_out(action)
    _forget(item)
    verdict.readings += [*filter(None, [guarding.approval(item)]), *carried.readings]
    _tell_left_open(verdict, carried)
    return carried


def _forget(item: pytest.Item) -> None:
    """Let everything else be looked at anew: a reading from before says nothing of afterwards."""
    here = item.config.stash[site.SITE_KEY]
    here.forget(but=parametrize.subject(item, here.baseline.name).entry)


def _is_whole(action: Action) -> bool:
    from pytest_ddd.actions.interface import WholeMachine

    return isinstance(action, WholeMachine)


@contextmanager
def telling_the_run(config: pytest.Config) -> Iterator[None]:
    """Let a journal that cannot be written show in the exit status."""
    try:
        yield
    except RecordError as failure:
        unwritten.note(config, failure)
        raise


def hand_of(config: pytest.Config) -> Hand:
    """Return who acts in this run."""
    from pytest_ddd.actions.carrying_out import Hand
    from pytest_ddd.actions.journal import Journal

    journal = Journal(config.rootpath)
    return Hand(journal=journal, run_id=site.run_id(config), operator=login.name())


def _block_after_red(item: pytest.Item, verdict: Verdict, *, is_whole: bool) -> None:
    """Let no action begin after a RED, or before everything in front of it was looked at.

    One on a whole host does not begin either where something could not be looked at.
    """
    stops = (Outcome.RED, *((Outcome.UNKNOWN, Outcome.BLOCKED) if is_whole else ()))
    place = markers.place(item)
    before = [
        one
        for one in item.session.items
        if one is not item
        and is_recorded(one)
        and place_of(one).scenario.name == place.scenario.name
        and (place_of(one).step < place.step or VERDICT_KEY in one.stash)
    ]
    for one in before:
        seen = one.stash.get(VERDICT_KEY, None)
        if seen is None:
            _block(verdict, one.nodeid, "it was not looked at before")
        elif seen.blocked_by and seen.outcome in stops:  # the cause is told once
            _block(verdict, seen.blocked_by, seen.said[0].partition(f"{seen.blocked_by}: ")[2])
        elif seen.outcome in stops:
            _block(verdict, one.nodeid, f"it is {seen.outcome.value}")
    steps = {place_of(one).step for one in before}
    for step in place.scenario.steps:
        if step.number < place.step and step.number not in steps:
            name = f"step {step.number}, {step.title}"
            _block(verdict, name, "it was left out of this run (-k, -m, --lf or a path)")


def _block(verdict: Verdict, by: str, reason: str) -> None:
    verdict.block(by, reason)
    verdict.said = [f"{results.NOT_DONE}: {by}: {reason}"]
    raise BlockedError(reason)


def _tell_left_open(verdict: Verdict, carried: Carried) -> None:
    if not carried.left_open:
        return
    from pytest_ddd import clock

    reading = Reading(
        name="left open by earlier runs",
        value=len(carried.left_open),
        at=clock.now(),
        detail="\n".join(deed.words for deed in carried.left_open),
    )
    verdict.judge(reading, Threshold(warn=Limit(value=1)))


def _left_open(config: pytest.Config) -> list[str]:
    from pytest_ddd.actions.journal import FOLDER

    if not (config.rootpath / FOLDER).exists():
        return []
    try:
        deeds = hand_of(config).left_open()
    except RecordError as failure:
        return [f"? the journal of actions cannot be read: {failure.message}"]
    return [f"! left open: {deed.words}" for deed in deeds]
