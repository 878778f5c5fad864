"""pytest-html's page: our columns, and nothing in it that runs."""

from __future__ import annotations

import html
import json
import re

from tests.plugin.conftest import Site

EVIL = "<img src=x onerror=alert(1)>"


def _page(site: Site) -> tuple[str, list[dict[str, object]]]:
    text = (site.root / "page.html").read_text(encoding="utf-8")
    blob = re.search(r'data-jsonblob="([^"]*)"', text)
    assert blob is not None
    data = json.loads(html.unescape(blob[1]))
    rows = [row for rows in data["tests"].values() for row in rows]
    return text, rows


def test_columns(site: Site, plugin_args: tuple[str, ...]) -> None:
    """Outcome, scenario, step, host, reading and threshold stand in columns of their own."""
    site.check(
        """
        from pytest_ddd import clock

        def test_it(host, judge):
            reading = Reading(name="queue", value=95, unit="%", at=clock.now())
            judge(reading, Threshold(warn=Limit(value=80), crit=Limit(value=90), unit="%"))
        """
    )

    site.run("--html=page.html", "--self-contained-html", *plugin_args)

    text, rows = _page(site)
    (row,) = (row for row in rows if "test_it" in str(row["resultsTableRow"]))
    cells = " ".join(row["resultsTableRow"])  # type: ignore[arg-type]
    for part in ("✗ RED", "daily-checks", "localhost", "queue 95 %", "crit 90 %"):
        assert part in cells
    assert "Action needed" in text


def test_page_of_a_run_without_checks(site: Site) -> None:
    """Ordinary tests beside checks keep their rows."""
    site.check("def test_it():\n    pass\n")
    site.write("tests/test_plain.py", "def test_plain():\n    pass\n")

    done = site.run("--html=page.html", "--self-contained-html", "tests", "checks")

    _, rows = _page(site)
    assert done.status == 0
    assert len(rows) == 2


def test_nothing_runs(site: Site) -> None:
    """Names, reasons and versions are shown as text, never as markup."""
    site.check(
        f"""
        @pytest.mark.parametrize("name", ["{EVIL}"])
        def test_it(name):
            assert name == "fine", name
        """
    )

    site.run("--html=page.html", "--self-contained-html")

    _, rows = _page(site)
    assert EVIL not in json.dumps(rows)
    assert "&lt;img" in json.dumps(rows)
    (report,) = site.root.glob("evidence/*/report.html")
    assert EVIL not in report.read_text(encoding="utf-8")


def test_environment_table_is_ours(site: Site) -> None:
    """CI variables with passwords in them do not get into the page."""
    site.check("def test_it():\n    pass\n")
    ci = {"GIT_URL": "https://user:hunter2secret@example.org/x.git", "BUILD_ID": "1", "CI": "true"}

    site.run(
        "--html=page.html",
        "--self-contained-html",
        env={**ci, "JENKINS_URL": "https://ci.example.org", "GIT_COMMIT": "abc"},
    )

    assert "hunter2secret" not in (site.root / "page.html").read_text(encoding="utf-8")
