"""The fixture `host`: testinfra's Host on our connection, named as in the inventory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_ddd.plugin.parametrize import HOST_PARAM
from pytest_ddd.plugin.site import SITE_KEY

if TYPE_CHECKING:
    from pytest_ddd.connections import Host


@pytest.fixture(scope="session", name=HOST_PARAM)
def _ddd_host(request: pytest.FixtureRequest) -> str:
    name = getattr(request, "param", None)
    if name is None:
        pytest.fail(
            "host: in a run with checks, `host` is for checks: mark the function daily, weekly, "
            "monthly or quarterly, or run the other tests on their own",
            pytrace=False,
        )
    return str(name)


@pytest.fixture(scope="session")
def host(request: pytest.FixtureRequest, _ddd_host: str) -> Host:
    """One host of the baseline, as testinfra gives it; parametrizes the check over all of them."""
    return request.config.stash[SITE_KEY].connections.host(_ddd_host)
