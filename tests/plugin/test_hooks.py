"""Hooks that a conftest may implement."""

from __future__ import annotations

from tests.plugin.conftest import Site


def test_each_hook_is_called_in_order(site: Site, plugin_args: tuple[str, ...]) -> None:
    """Started once a scenario, one call a result, finished when the report is there."""
    site.write(
        "conftest.py",
        """
        from pathlib import Path

        def say(line):
            with Path("heard.txt").open("a") as file:
                file.write(line + "\\n")

        def pytest_ddd_scenario_started(scenario, environment):
            say(f"started {scenario.name} {environment}")

        def pytest_ddd_result(result):
            say(f"result {result.target} {result.outcome.value}")

        def pytest_ddd_scenario_finished(finished):
            say(f"finished {(finished.directory / 'report.html').exists()}")
        """,
    )
    site.check("def test_it():\n    pass\n")

    site.run(*plugin_args)

    assert (site.root / "heard.txt").read_text().splitlines() == [
        "started daily-checks local",
        "result local GREEN",
        "finished True",
    ]
