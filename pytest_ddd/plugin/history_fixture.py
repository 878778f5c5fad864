"""The fixture `history`: what earlier runs have read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from pytest_ddd.plugin.options import SETTINGS_KEY
from pytest_ddd.plugin.site import SITE_KEY

if TYPE_CHECKING:
    from pytest_ddd.history.asking import History


@pytest.fixture(scope="session")
def history(pytestconfig: pytest.Config) -> Iterator[History]:
    """Readings of earlier runs: `history.readings("disk /var", target="web1", days=30)`."""
    from pytest_ddd.history.asking import History

    settings, site = pytestconfig.stash[SETTINGS_KEY], pytestconfig.stash[SITE_KEY]
    asked = History(settings.history, pytestconfig.rootpath, site.baseline.name)
    yield asked
    asked.close()
