"""What an action on a whole host waits for: its window, an approval, and nobody else at work."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_ddd import clock, login
from pytest_ddd.errors import UsageError
from pytest_ddd.plugin.reachable import place_of
from pytest_ddd.plugin.site import SITE_KEY, Site
from pytest_ddd.results import Reading

if TYPE_CHECKING:
    from pytest_ddd.actions.approvals import Decision
    from pytest_ddd.actions.carrying_out import Hand
    from pytest_ddd.actions.interface import Action

_NOUNS = ("rollback_point", "patch")
_DECISION_KEY = pytest.StashKey["Decision"]()
_LOCK_KEY = pytest.StashKey[ExitStack]()
_HELP = (
    "A file that allows the change, signed by somebody else: FILE.sig is beside it. Repeatable; "
    "only on the command line."
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Register `--ddd-approval`; it has no twin in the ini file or the environment."""
    parser.getgroup("ddd").addoption(
        "--ddd-approval",
        action="append",
        default=[],
        dest="ddd_approval",
        metavar="FILE",
        help=_HELP,
    )


def pytest_unconfigure(config: pytest.Config) -> None:
    """Let others change the environment."""
    if _LOCK_KEY in config.stash:
        config.stash[_LOCK_KEY].close()


def obstacles(item: pytest.Item, action: Action, hand: Hand) -> list[str]:
    """Return why an action on a whole host may not begin now; of any other action nothing.

    Raises:
        CannotLookError: nobody can say.
    """
    from pytest_ddd.actions import hours
    from pytest_ddd.actions.interface import WholeMachine

    if not isinstance(action, WholeMachine):
        return []
    site, at = item.config.stash[SITE_KEY], clock.now()
    windows = hours.obstacles(site.baseline, action.subject.target, at=at, needs_s=action.needs_s)
    return [*windows, *_decided(item, site).obstacles, *_left_elsewhere(site, hand)]


def approval(item: pytest.Item) -> Reading | None:
    """Return who has allowed it, for the record; nothing when nobody had to."""
    decision = item.config.stash.get(_DECISION_KEY, None)
    if decision is None or not decision.approvers:
        return None
    who = ", ".join(f"{one.principal} ({one.key})" for one in decision.approvers)
    return Reading(
        name="approved by", value=who, at=clock.now(), detail="\n---\n".join(decision.texts)
    )


def lock(config: pytest.Config, hand: Hand) -> None:
    """Change the environment alone, from the first action to the end of the run.

    Raises:
        CannotLookError: another run is changing it now.
    """
    if _LOCK_KEY not in config.stash:
        stack = ExitStack()
        stack.enter_context(hand.journal.lock(f"run-{config.stash[SITE_KEY].baseline.name}"))
        config.stash[_LOCK_KEY] = stack


def _decided(item: pytest.Item, site: Site) -> Decision:
    """Decide about all hosts of the run, and anew for each: an approval may expire meanwhile."""
    from pytest_ddd.actions import approvals

    config, settings = item.config, site.settings
    request = approvals.Request(
        change=settings.change,
        environment=site.baseline.name,
        scenario=place_of(item).scenario.name,
        hosts=set(_targets(site)),
        at=clock.now(),
        operators=set(filter(None, (login.name(), os.environ.get("SUDO_USER"), settings.operator))),
        keys=set(filter(None, (site.key, _fingerprint(settings.sign)))),
    )
    files = [config.invocation_params.dir / Path(one) for one in config.getoption("ddd_approval")]
    try:
        decision = approvals.decide(site.baseline, files, request)
    except UsageError as mistake:
        decision = approvals.Decision(obstacles=(mistake.message,))
    config.stash[_DECISION_KEY] = decision
    return decision


def _fingerprint(key: Path | None) -> str:
    from pytest_ddd import signatures

    return signatures.fingerprint(key) if key is not None else ""


def _targets(site: Site) -> Iterator[str]:
    for noun in _NOUNS:
        for entry in site.entries(noun):
            yield entry.target


def _left_elsewhere(site: Site, hand: Hand) -> list[str]:
    """Name what was left in the middle on hosts that this run does not touch."""
    mine, name = set(_targets(site)), site.baseline.name
    return [
        f"{deed.words}: name {deed.subject.target} in --host too, and it is finished, or take it "
        f"back: pytest-ddd action undo --host={name} --kind={deed.subject.kind}"
        for deed in hand.left_open()
        if deed.subject.environment == name
        and deed.subject.kind in ("patches", "rollback")
        and deed.subject.target not in mine
    ]
