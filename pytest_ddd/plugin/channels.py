"""Opens the channels of a run: those of the baseline, and those that conftests register."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pytest

from pytest_ddd import redaction

if TYPE_CHECKING:
    from pytest_ddd.baseline.model import Baseline
    from pytest_ddd.escalation.interface import Channel

UNREGISTERED_KEY = pytest.StashKey[list[str]]()
"""Implementations of pytest_ddd_register_channels that failed, and how."""


def open_all(config: pytest.Config, baseline: Baseline) -> Mapping[str, Channel]:
    """Return the channels of the baseline, and those that conftests register."""
    from pytest_ddd.escalation.planning import channels_of

    registered: dict[str, Channel] = {}
    failures = each(config, "pytest_ddd_register_channels", channels=registered)
    config.stash[UNREGISTERED_KEY] = failures
    return {**channels_of(baseline), **registered}


def each(config: pytest.Config, name: str, **arguments: object) -> list[str]:
    """Call each implementation of a hook alone; return how some failed."""
    manager = config.pluginmanager
    plugins = [one.plugin for one in getattr(config.hook, name).get_hookimpls()]
    failures = []
    for plugin in plugins:
        others = [one for one in plugins if one is not plugin]
        try:
            manager.subset_hook_caller(name, others)(config=config, **arguments)
        except Exception as failure:  # noqa: BLE001 - whatever a conftest raises
            text = f"{name} in {manager.get_name(plugin)}: {type(failure).__name__}: {failure}"
            failures.append(redaction.DEFAULT.scrub(text))
    return failures
