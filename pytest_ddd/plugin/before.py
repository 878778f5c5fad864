"""The fixture `before`: what the check `…_before` of the same entry attached, for its twin."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Protocol, Self

import pytest

from pytest_ddd.errors import CannotLookError
from pytest_ddd.plugin import gating, parametrize
from pytest_ddd.plugin.reachable import is_recorded, place_of
from pytest_ddd.plugin.site import SITE_KEY
from pytest_ddd.plugin.verdict import VERDICT_KEY
from pytest_ddd.probes.entry import Answer
from pytest_ddd.results import Reading

_CUT = re.compile(r"… \[cut: [0-9]+ bytes in all, sha256 ([0-9a-f]{64})\]\Z")


class Comparable(Answer, Protocol):
    """An answer that can be compared with texts that were attached before."""

    def since(self, before: Mapping[str, str]) -> Self:
        """Return the answer with what is not as it was, as problems."""


@pytest.fixture
def before(request: pytest.FixtureRequest) -> Callable[[Comparable], Comparable]:
    """Compare an answer with what was there before the change.

    `state = before(host_state.read())`. In a check whose name ends in `_after`; the one that ends
    in `_before` has to attach what is to be compared, in the same run or in the one that took
    the snapshot for the gate.
    """

    def compared(answer: Comparable) -> Comparable:
        verdict = request.node.stash[VERDICT_KEY]
        verdict.answer = found = answer.since(_texts(request.node))
        return found

    return compared


def _texts(item: pytest.Function) -> Mapping[str, str]:
    from pytest_ddd.snapshots import AFTER, BEFORE

    name = item.originalname
    if not name.endswith(AFTER):
        pytest.fail(f"`before` is for checks whose name ends in {AFTER}", pytrace=False)
    twin = f"{name.removesuffix(AFTER)}{BEFORE}"
    found = _in_snapshot(item, twin) if gating.mode(item.config) == "after" else _here(item, twin)
    if not found:
        raise CannotLookError(f"{twin} of the same entry saw nothing that could be compared with")
    return found


def _here(item: pytest.Function, twin: str) -> Mapping[str, str]:
    """Return what the twin attached in this process: both are of one host, so of one worker."""
    environment = item.config.stash[SITE_KEY].baseline.name
    about, scenario = parametrize.subject(item, environment), place_of(item).scenario.name
    for one in item.session.items:
        if not is_recorded(one) or getattr(one, "originalname", "") != twin:
            continue
        other = parametrize.subject(one, environment)
        same = (other.target, other.key) == (about.target, about.key)
        if same and place_of(one).scenario.name == scenario and VERDICT_KEY in one.stash:
            return _attached(one.stash[VERDICT_KEY].readings, {})
    return {}


def _in_snapshot(item: pytest.Function, twin: str) -> Mapping[str, str]:
    from pytest_ddd.snapshots import BEFORE, name_of

    about = parametrize.subject(item, item.config.stash[SITE_KEY].baseline.name)
    snapshot = gating.snapshot_of(item.config, place_of(item).scenario.name)
    wanted = name_of(twin.removeprefix("test_"))
    for one in snapshot.results:
        function = one.check_id.rpartition("/")[2]
        is_twin = function.endswith(BEFORE) and name_of(function) == wanted
        if is_twin and (one.target, one.entry) == (about.target, about.key):
            return _attached(one.readings, snapshot.texts)
    return {}


def _attached(
    readings: tuple[Reading, ...] | list[Reading], whole: Mapping[str, str]
) -> Mapping[str, str]:
    """Return the attached texts by name; of one that the record cut, the whole."""
    found = {}
    for one in readings:
        if one.value is None and one.detail:
            cut = _CUT.search(one.detail)
            text = whole.get(cut[1], "") if cut else one.detail
            if text:
                found[one.name] = text
    return found
