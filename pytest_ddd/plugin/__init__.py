"""The pytest plugin: the only package that knows pytest.

It stays out of the way of a pytest run that has no checks: nothing heavy is imported, nothing is
printed and no file is written before the first check is collected.
"""

from __future__ import annotations

import importlib

import pytest

_MODULES = (
    "options",
    "markers",
    "fixtures",
    "parametrize",
    "logging_in",
    "ordering",
    "gating",
    "before",
    "complying",
    "announcing",
    "narrowing",
    "reachable",
    "read_ahead",
    "planning",
    "recording",
    "recheck",
    "waiving",
    "packaging",
    "session",
    "changing",
    "guiding",
    "frequencies",
    "taking_back",
    "guarding",
    "progress",
    "summary",
    "history_fixture",
    "exposing",
    "nagios",
    "html",
    "workers",
)


def pytest_addoption(pluginmanager: pytest.PytestPluginManager) -> None:
    """Register every part; `-p no:ddd` leaves all of them out."""
    for name in _MODULES:
        pluginmanager.register(importlib.import_module(f"{__name__}.{name}"), f"ddd-{name}")
