"""report.html: harmless whatever hosts say, complete, readable, the same each time."""

from __future__ import annotations

import base64
import hashlib
import io
import re
import stat
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from pytest_ddd.baseline.model import BaselineFile
from pytest_ddd.errors import RecordError
from pytest_ddd.evidence import statements
from pytest_ddd.evidence.account import Account, account
from pytest_ddd.evidence.facts import RunFacts, StepFacts
from pytest_ddd.evidence.record import RecordWriter, read_record
from pytest_ddd.evidence.report import bars, percent, render_report, write_report
from pytest_ddd.evidence.summary import summarize
from pytest_ddd.outcomes import Outcome
from pytest_ddd.redaction import DEFAULT, Redactor
from pytest_ddd.results import CheckResult, Reading, from_record, to_record
from tests.unit.evidence.samples import FACTS, START, disk, reachable, result

VOID = {"meta", "link", "input", "rect", "br"}

INJECTIONS = (
    "<script>alert(1)</script>",
    "</style><script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "</title></head><body onload=alert(1)>",
    "--><svg onload=alert(1)>",
    "javascript:alert(1)",
    "{{ 7 * 7 }}{% raw %}",
    "<iframe srcdoc='<script>1</script>'>",
    "]]><a href=//evil>x</a>",
    "\u202egnp.exe",
    "\x1b]0;x\x07\x00\udcff",
)


@dataclass
class Page(HTMLParser):
    """Everything that a test wants to know of a page."""

    tags: Counter[str] = field(default_factory=Counter)
    attributes: list[tuple[str, str, str]] = field(default_factory=list)
    text: str = ""
    style: str = ""
    script: str = ""
    open_tags: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open_tags.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open_tags.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open_tags.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open_tags[-1:] == ["style"]:
            self.style += data
        elif self.open_tags[-1:] == ["script"]:
            self.script += data
        else:
            self.text += data

    def values(self, tag: str, name: str) -> list[str]:
        return [value for t, n, value in self.attributes if (t, n) == (tag, name)]


def summed(
    facts: RunFacts,
    results: Iterable[CheckResult],
    damage: tuple[str, ...] = (),
    redactor: Redactor = DEFAULT,
) -> Account:
    """Return the account of results as the record has them: without secrets."""
    recorded = [from_record(to_record(one, redactor)) for one in results]
    lines = [redactor.clean(line) for line in damage]
    return account(summarize(statements.cleaned(facts, redactor), recorded, lines), recorded)


def page_of(*results: CheckResult, facts: RunFacts = FACTS, damage: tuple[str, ...] = ()) -> Page:
    file = io.StringIO()
    render_report(file, summed(facts, results, damage))
    page = Page()
    page.feed(file.getvalue())
    page.close()
    assert page.open_tags == []
    return page


def hostile(text: str) -> tuple[RunFacts, list[CheckResult]]:
    """Return a run in which every text that a host or baseline can set is this one."""
    reading = Reading(
        name=text,
        value=text,
        unit=text,
        source=text,
        at=START,
        attempt=2,
        **dict.fromkeys(("expected", "detail", "digest", "error"), text),  # type: ignore[arg-type]
    )
    texts = dict.fromkeys(
        ("target", "entry", "check_id", "nodeid", "reason", "title", "waiver", "result_id"), text
    )
    results = [
        result(outcome, blocked_by=text, readings=(reading, disk(95)), controls=(text,), **texts)  # type: ignore[arg-type]
        for outcome in Outcome
    ]
    facts = replace(
        FACTS,
        run_id=text,
        versions={text: text},
        baseline_files=(BaselineFile(path=text, sha256=text),),
        steps=(StepFacts(number=2, title=text, outcome=Outcome.RED, reason=text),),
        environment=text,
        scenario=text,
        title=text,
        frequency=text,
        operator=text,
        controller=text,
        command_line=text,
    )
    return facts, results


@pytest.fixture(params=range(len(INJECTIONS)))
def attacked(request: pytest.FixtureRequest) -> Page:
    facts, results = hostile(INJECTIONS[request.param])
    return page_of(*results, facts=facts, damage=(INJECTIONS[request.param],))


def test_no_text_becomes_a_tag(attacked: Page) -> None:
    facts, results = hostile("harmless")
    harmless = page_of(*results, facts=facts, damage=("harmless",))
    assert attacked.tags == harmless.tags


def test_no_text_becomes_an_attribute(attacked: Page) -> None:
    names = {name for _, name, _ in attacked.attributes}
    assert not {name for name in names if name.startswith("on") or name in ("style", "src")}


def test_links_lead_only_inside_the_page(attacked: Page) -> None:
    assert all(link.startswith("#") for link in attacked.values("a", "href"))


def test_the_page_has_one_script_which_no_text_gets_into(attacked: Page) -> None:
    assert attacked.tags["script"] == 1
    assert attacked.script == page_of(result()).script


def test_no_control_character_is_in_the_page(attacked: Page) -> None:
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]", attacked.text)


def test_what_a_host_said_is_still_readable() -> None:
    facts, results = hostile("<script>alert(1)</script>")
    assert "<script>alert(1)</script>" in page_of(*results, facts=facts).text


def test_the_policy_allows_exactly_the_style_and_the_script_of_the_page() -> None:
    page = page_of(result())
    style, script = (
        base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        for text in (page.style, page.script)
    )
    policy = next(v for v in page.values("meta", "content") if "default-src" in v)
    assert policy == (
        f"default-src 'none'; style-src 'sha256-{style}'; script-src 'sha256-{script}'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


def test_the_page_loads_nothing_from_elsewhere() -> None:
    page = page_of(result())
    assert "url(" not in page.style
    assert "@import" not in page.style
    assert page.values("link", "href") == ["data:,"]


def test_every_id_is_there_once_and_every_link_has_its_aim() -> None:
    page = page_of(reachable(Outcome.RED), result(Outcome.BLOCKED, blocked_by="web1"))
    ids = [value for _, name, value in page.attributes if name == "id"]
    assert len(ids) == len(set(ids))
    assert {link[1:] for link in page.values("a", "href")} <= set(ids)


def test_the_page_has_a_language_and_table_captions() -> None:
    page = page_of(result())
    assert page.values("html", "lang") == ["en"]
    assert page.tags["caption"] == page.tags["table"]


def test_every_outcome_is_told_in_a_word_and_a_symbol() -> None:
    text = page_of(*(result(o, target=f"web{n}") for n, o in enumerate(Outcome))).text
    assert all(f"{outcome.symbol}1 {outcome.word}" in text for outcome in Outcome)


def test_the_answer_stands_first() -> None:
    page = page_of(result(Outcome.RED, target="web2"), result())
    before, _, _ = page.text.partition("What needs attention")
    assert "Action needed" in before
    assert "1 of 2 checks needs attention on web2." in before


def test_a_failure_tells_reason_observed_expected_and_where() -> None:
    reason = "disk /var 93 % >= crit 90 % (baselines/prod/thresholds.yaml:12)"
    text = page_of(result(Outcome.RED, readings=(disk(93),), reason=reason)).text
    item = text.partition("What needs attention")[2].partition("Everything that was read")[0]
    parts = (reason, "disk /var: 93 %", "yellow from 80 %, red from 90 %", "thresholds.yaml:12")
    assert [part for part in parts if part not in item] == []


def test_a_passed_check_says_what_it_saw() -> None:
    assert "disk /var 41 % < warn 80 %" in page_of(result()).text


def test_a_recheck_shows_both_looks() -> None:
    page = page_of(result(Outcome.YELLOW, readings=(disk(85),)), result(look=2))
    assert "disk /var 85 %" in page.text
    assert "the last one decides, 1m after the first" in page.text


def test_each_check_has_one_row() -> None:
    page = page_of(*(result(target=f"web{n}") for n in range(7)))
    assert sum(value.startswith("r-") for _, name, value in page.attributes if name == "id") == 7


def test_rows_come_in_sections_that_a_browser_can_put_off() -> None:
    page = page_of(*(result(target=f"web{n}") for n in range(501)))
    assert page.values("div", "class").count("rows") == 3


def test_a_run_without_results_is_not_called_good() -> None:
    text = page_of(facts=replace(FACTS, steps=())).text
    assert "No check was run" in text
    assert "All good" not in text


@pytest.mark.parametrize(
    ("changes", "damage"), [({"interrupted": True}, ()), ({}, ("results.jsonl:3: cut",))]
)
def test_a_run_that_is_not_whole_is_not_called_good(
    changes: dict[str, bool], damage: tuple[str, ...]
) -> None:
    text = page_of(result(), facts=replace(FACTS, **changes), damage=damage).text  # type: ignore[arg-type]
    assert "All good" not in text
    assert "Nothing. Every check" not in text


def test_damage_of_the_record_is_shown() -> None:
    assert "results.jsonl:3: cut" in page_of(result(), damage=("results.jsonl:3: cut",)).text


def test_the_same_run_gives_the_same_bytes(tmp_path: Path) -> None:
    results = [result(), result(Outcome.RED, target="web2")]
    first = write_report(tmp_path, summed(FACTS, results)).read_bytes()
    assert write_report(tmp_path, summed(FACTS, results)).read_bytes() == first


def test_the_report_can_be_made_again_from_the_record(tmp_path: Path) -> None:
    redactor = Redactor()
    results = [result(reason="password=hunter2 \x1b[31m"), result(Outcome.RED, target="web2")]
    with RecordWriter(tmp_path, redactor) as writer:
        for one in results:
            writer.add(one)
    first = write_report(tmp_path, summed(FACTS, results, redactor=redactor)).read_bytes()
    record = read_record(writer.path)
    assert (
        write_report(
            tmp_path, account(summarize(FACTS, record.results), record.results)
        ).read_bytes()
        == first
    )


def test_no_secret_reaches_the_report() -> None:
    redactor = Redactor()
    redactor.register("canary-4711")
    facts, results = hostile("canary-4711")
    file = io.StringIO()
    render_report(file, summed(facts, results, redactor=redactor))
    assert "canary" not in file.getvalue()


def test_only_the_owner_can_read_the_report(tmp_path: Path) -> None:
    path = write_report(tmp_path, summed(FACTS, [result()]))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_nothing_else_is_left_in_the_directory(tmp_path: Path) -> None:
    write_report(tmp_path, summed(FACTS, [result()]))
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]


def test_a_report_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match=r"report.html: cannot be written"):
        write_report(tmp_path / "missing", summed(FACTS, [result()]))


def test_the_page_is_written_while_it_is_made() -> None:
    class Sink(io.StringIO):
        """Counts what it is given and forgets it."""

        total = largest = 0

        def writelines(self, lines: Iterable[str]) -> None:  # type: ignore[override]  # text only
            for line in lines:
                self.total += len(line)
                self.largest = max(self.largest, len(line))

    sink = Sink()
    render_report(sink, summed(FACTS, [result(target=f"web{n}") for n in range(5_000)]))

    assert sink.total > 4_000_000
    assert sink.largest < 100_000


def test_the_bar_of_outcomes_is_full() -> None:
    counts = [(Outcome.RED, 1), (Outcome.YELLOW, 0), (Outcome.GREEN, 2)]
    found = bars(counts)
    assert [outcome for outcome, _, _ in found] == [Outcome.RED, Outcome.GREEN]
    assert found[-1][1] + found[-1][2] == pytest.approx(100, abs=0.1)


@pytest.mark.parametrize(
    ("part", "whole", "shown"), [(1, 4, 25.0), (9, 3, 100.0), (1, 0, 0.0), (-1, 3, 0.0)]
)
def test_a_bar_stays_within_its_frame(part: float, whole: float, shown: float) -> None:
    assert percent(part, whole) == shown


def luminance(colour: str) -> float:
    """Return the relative luminance of `#rrggbb` (WCAG 2.2)."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def palettes() -> dict[str, dict[str, str]]:
    blocks = re.findall(r":root \{(.*?)\}", page_of(result()).style, re.DOTALL)
    found = [dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", block)) for block in blocks]
    return {"light": found[0], "dark": found[1]}


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(
    ("ink", "ground"),
    [
        *((name, f"{name}-soft") for name in ("red", "yellow", "unknown", "blocked", "waived")),
        *((name, f"{name}-soft") for name in ("green", "none")),
        *(
            (ink, ground)
            for ink in ("text", "muted", "link")
            for ground in ("page", "card", "sunk")
        ),
    ],
)
def test_text_stands_out_from_its_ground(theme: str, ink: str, ground: str) -> None:
    colours = palettes()[theme]
    light, dark = sorted((luminance(colours[ink]), luminance(colours[ground])), reverse=True)
    assert (light + 0.05) / (dark + 0.05) >= 4.5
