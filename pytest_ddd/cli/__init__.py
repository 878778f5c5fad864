"""The command `pytest-ddd`."""
