"""The sub-verbs of `pytest-ddd escalation`, one module each."""
