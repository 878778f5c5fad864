"""Fixtures of all tests: the lab with real servers, and pytest run inside pytest."""

pytest_plugins = ["pytester", "tests.lab.plugin", "tests.lab.servers"]
