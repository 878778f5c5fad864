"""Connections close while reports are written, and are there for whoever comes late."""

from __future__ import annotations

from tests.plugin.conftest import Site

KEEPS = """
    from pathlib import Path

    KEPT = []

    def pytest_sessionfinish(session):
        Path("late.txt").write_text(KEPT[0].check_output("echo late"))
"""


def test_a_hook_after_the_last_check_may_still_ask_a_host(site: Site) -> None:
    site.write("conftest.py", KEEPS)
    site.check("from conftest import KEPT\n\ndef test_it(host):\n    KEPT.append(host)\n")

    done = site.run()

    assert (done.status, (site.root / "late.txt").read_text()) == (0, "late")


def test_fixtures_of_a_stopped_run_end_on_their_connection(site: Site) -> None:
    """Then pytest ends what spans several checks after its loop."""
    site.check(
        """
        from pathlib import Path

        @pytest.fixture(scope="module")
        def shell(host):
            pid = host.check_output("ps -o ppid= -p $PPID")
            yield
            Path("same.txt").write_text(str(pid == host.check_output("ps -o ppid= -p $PPID")))

        def test_stop(shell):
            raise KeyboardInterrupt

        def test_never(shell):
            pass
        """
    )

    done = site.run()

    assert (done.status, (site.root / "same.txt").read_text()) == (2, "True")


def test_the_recheck_looks_through_the_connection_that_is_open(site: Site) -> None:
    site.check(
        """
        from datetime import UTC, datetime
        from pathlib import Path

        def test_yellow_once(host, judge):
            with Path("shells.txt").open("a") as file:
                file.write(host.check_output("ps -o ppid= -p $PPID") + "\\n")
            value = 0 if Path("again").exists() else 5
            Path("again").touch()
            reading = Reading(name="it", value=value, at=datetime.now(UTC))
            judge(reading, Threshold(warn=Limit(value=1)))
        """
    )

    done = site.run("--ddd-recheck=30s")

    shells = (site.root / "shells.txt").read_text().split()
    assert (done.status, len(shells), len(set(shells))) == (0, 2, 1)
