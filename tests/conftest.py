"""Fixtures of all tests: the lab with real servers, and pytest run inside pytest."""

from hypothesis import settings

# How long an example takes says nothing on a machine that does other things meanwhile.
settings.register_profile("patient", settings(), deadline=None)
settings.load_profile("patient")

pytest_plugins = ["pytester", "tests.lab.plugin", "tests.lab.servers"]
