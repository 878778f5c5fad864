"""The sub-verbs of `pytest-ddd schedule`, one file each."""
