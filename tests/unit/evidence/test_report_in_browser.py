"""report.html in a real browser: all there without scripts, nothing runs that hosts said, prints whole."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_ddd.evidence.report import write_report
from pytest_ddd.outcomes import Outcome
from pytest_ddd.results import Reading
from tests.support.chromium import Chromium, chromium
from tests.unit.evidence.packages import planned
from tests.unit.evidence.samples import START, disk, result
from tests.unit.evidence.test_report import INJECTIONS, hostile, summed

pytestmark = pytest.mark.needs("chromium")

SHOWN = "[...document.querySelectorAll('.row')].filter(row => row.checkVisibility()).length"
RESULTS = [
    *(result(target=f"web{n}", controls=("PCI 10.4.1",)) for n in range(300)),
    result(Outcome.RED, target="web7", entry="disk:/srv", readings=(disk(93),)),
    result(Outcome.YELLOW, target="db1", readings=(disk(85),), controls=("ISO A.8.9",)),
]


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    with chromium(tmp_path_factory.mktemp("profile")) as running:
        yield running


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_report(tmp_path_factory.mktemp("report"), summed(planned(RESULTS), RESULTS))


def test_its_own_policy_lets_it_work(browser: Chromium, page: Path) -> None:
    browser.open(page)
    assert browser.complaints() == []
    assert browser.ask("document.getElementById('more-filters').hidden") is False


def test_all_rows_are_there_without_scripts(browser: Chromium, page: Path) -> None:
    browser.without_scripts()
    browser.open(page)
    assert browser.ask(SHOWN) == len(RESULTS)
    assert browser.ask("document.getElementById('more-filters').hidden") is True
    browser.ask("document.getElementById('f-RED').checked = true")
    assert browser.ask(SHOWN) == 1
    browser.without_scripts(off=False)


def test_all_rows_are_there_where_nothing_is_allowed(
    browser: Chromium, page: Path, tmp_path: Path
) -> None:
    """As on a server that sends `default-src 'none'`: only the looks are lost."""
    strict = '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'">'
    text = page.read_text().replace("<head>", f"<head>{strict}", 1)
    (tmp_path / "strict.html").write_text(text)
    browser.open(tmp_path / "strict.html")
    assert browser.ask(SHOWN) == len(RESULTS)


@pytest.mark.parametrize(
    ("act", "shown"),
    [
        ("document.getElementById('f-bad').click()", 2),
        ("document.getElementById('f-GREEN').click()", 300),
        ("field('f-text', 'web123 warn')", 1),
        ("field('f-host', 'web7')", 2),
        ("field('f-control', 'ISO A.8.9')", 1),
        ("field('f-host', 'web7'); document.getElementById('f-reset').click()", 302),
        ("document.getElementById('f-RED').click(); location.hash = '#r-000001'", 302),
    ],
    ids=["attention", "outcome", "words", "host", "control", "reset", "link"],
)
def test_rows_can_be_filtered(browser: Chromium, page: Path, act: str, shown: int) -> None:
    browser.open(page)
    browser.ask(
        "window.field = (id, value) => { const field = document.getElementById(id); "
        "field.dispatchEvent(new Event('focus')); field.value = value; "
        "field.dispatchEvent(new Event(field.tagName === 'SELECT' ? 'change' : 'input')) }, 1"
    )
    browser.ask(f"{act}, 1" if ";" not in act else f"(() => {{ {act} }})()")
    browser.wait_until(f"{SHOWN} === {shown}")


@pytest.mark.parametrize("number", range(len(INJECTIONS)))
def test_nothing_that_a_host_said_is_run(browser: Chromium, tmp_path: Path, number: int) -> None:
    text = INJECTIONS[number].replace("alert(1)", "document.title='PWNED'")
    facts, results = hostile(text)
    page = write_report(tmp_path, summed(facts, results, (text,)))
    browser.open(page)
    browser.ask("document.querySelectorAll('details').forEach(one => one.open = true)")
    assert browser.ask("document.title") != "PWNED"
    assert browser.ask("document.scripts.length") == 1
    assert browser.complaints() == []


@pytest.mark.needs("pdftotext")
def test_every_failure_is_printed_whole(browser: Chromium, tmp_path: Path) -> None:
    lines = [f"line {n} of what the host answered" for n in range(200)]
    reading = Reading(name="log", value=None, at=START, detail="\n".join(lines), error="no value")
    told = result(Outcome.RED, target="web2", readings=(reading,), reason="the log has errors")
    page = write_report(tmp_path, summed(planned([told]), [told, result()]))
    browser.open(page)
    (tmp_path / "page.pdf").write_bytes(browser.pdf())

    command = ["pdftotext", "-layout", str(tmp_path / "page.pdf"), "-"]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout

    assert [line for line in lines if line not in printed] == []
    assert "disk /var 41 % < warn 80 %" in " ".join(printed.split())


@pytest.mark.parametrize("width", [360, 768, 1280])
def test_nothing_is_wider_than_the_window(browser: Chromium, page: Path, width: int) -> None:
    browser.call(
        "Emulation.setDeviceMetricsOverride",
        width=width,
        height=800,
        deviceScaleFactor=1,
        mobile=width < 500,
    )
    browser.open(page)
    browser.ask(
        "document.querySelectorAll('.row.RED, .item details').forEach(one => one.open = true)"
    )
    widest = browser.ask("document.documentElement.scrollWidth")
    browser.call("Emulation.clearDeviceMetricsOverride")
    assert widest <= width


def test_it_can_be_used_with_the_keyboard_alone(browser: Chromium, page: Path) -> None:
    browser.open(page)
    names = browser.ask(
        "[...document.querySelectorAll('input, select, button')]"
        ".filter(one => !(one.labels?.length || one.textContent.trim())).length"
    )
    assert names == 0
    assert browser.ask("document.querySelectorAll('[tabindex], [onclick]').length") == 0
