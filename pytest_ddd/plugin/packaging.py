"""The fixture of the last step of an audit: the evidence package of the run itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_ddd import clock
from pytest_ddd.plugin import markers
from pytest_ddd.plugin.site import SITE_KEY, run_id, run_started_at
from pytest_ddd.plugin.verdict import VERDICT_KEY

if TYPE_CHECKING:
    from pytest_ddd.evidence.rehearsal import Rehearsal

_ON_ITS_WAY_S, _PAUSE_S = 20.0, 0.1
"""How long an xdist worker waits for the record, and how often it looks."""


class EvidencePackage:
    """The evidence of this run, as far as it is recorded."""

    def __init__(self, item: pytest.Item) -> None:
        self._item = item

    def read(self) -> Rehearsal:
        """Pack, sign and verify a copy of it; what was seen is in the record.

        Raises:
            CannotLookError: this run records nothing.
            NotApplicableError: it has not looked at anything.
        """
        from pytest_ddd.evidence.record import FILE_NAME, run_directory
        from pytest_ddd.evidence.rehearsal import has_looked, rehearse

        config = self._item.config
        site = config.stash[SITE_KEY]
        root, scenario = site.settings.evidence, markers.place(self._item).scenario.name
        directory = None
        if root is not None:
            started_at, environment = run_started_at(config), site.baseline.name
            directory = run_directory(root, started_at, environment, scenario, run_id(config))
        if directory is not None and hasattr(config, "workerinput"):
            end = clock.monotonic() + _ON_ITS_WAY_S  # the controller writes what workers tell it
            while not has_looked(directory / FILE_NAME) and clock.monotonic() < end:
                clock.wait(_PAUSE_S)
        found = rehearse(directory, site.settings.sign)
        self._item.stash[VERDICT_KEY].answer = found
        return found


@pytest.fixture
def evidence_package(request: pytest.FixtureRequest) -> EvidencePackage:
    """The evidence package of this run: `read()` packs, signs and verifies a copy."""
    if VERDICT_KEY not in request.node.stash:
        pytest.fail(
            "evidence_package is for checks: mark the function daily, weekly, monthly or quarterly",
            pytrace=False,
        )
    return EvidencePackage(request.node)
