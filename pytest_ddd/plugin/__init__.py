"""The pytest plugin: the only package that knows pytest.

It stays out of the way of a pytest run that has no checks: nothing heavy is imported, nothing is
printed and no file is written before the first check is collected.
"""

pytest_plugins = [
    "pytest_ddd.plugin.options",
    "pytest_ddd.plugin.markers",
    "pytest_ddd.plugin.fixtures",
    "pytest_ddd.plugin.parametrize",
    "pytest_ddd.plugin.ordering",
    "pytest_ddd.plugin.reachable",
    "pytest_ddd.plugin.recording",
    "pytest_ddd.plugin.recheck",
    "pytest_ddd.plugin.session",
    "pytest_ddd.plugin.summary",
]
