"""Writes `junit.xml`: the results for programs that read JUnit, one case a check."""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.sax.saxutils import escape, quoteattr

from pytest_ddd.clock import stamp
from pytest_ddd.evidence import wording
from pytest_ddd.evidence.summary import Check, RunSummary
from pytest_ddd.outcomes import Outcome

_KINDS = {
    Outcome.RED: "failure",
    Outcome.UNKNOWN: "error",
    Outcome.BLOCKED: "error",
    Outcome.NOT_APPLICABLE: "skipped",
}
"""YELLOW and WAIVED pass, as they do in pytest."""

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit_lines(summary: RunSummary) -> Iterator[str]:
    """Yield the file line by line."""
    facts, checks = summary.facts, summary.checks
    kinds = [_KINDS.get(check.outcome) for check in checks]
    numbers = {
        "tests": len(checks),
        "failures": kinds.count("failure"),
        "errors": kinds.count("error"),
        "skipped": kinds.count("skipped"),
    }
    counts = " ".join(f'{name}="{number}"' for name, number in numbers.items())
    yield '<?xml version="1.0" encoding="utf-8"?>\n<testsuites>\n'
    yield (
        f"<testsuite name={_quoted(facts.scenario)} {counts} "
        f"hostname={_quoted(facts.controller)} timestamp={_quoted(stamp(facts.started_at))} "
        f'time="{facts.used_s:.3f}">\n'
    )
    yield f"<properties>{_property('run_id', facts.run_id)}"
    yield f"{_property('environment', facts.environment)}</properties>\n"
    for check in checks:
        yield from _case(check)
    yield "</testsuite>\n</testsuites>\n"


def _case(check: Check) -> Iterator[str]:
    last = check.last
    name = (
        f"{last.check_id.rpartition('/')[2]}[{last.target}{'-' if last.entry else ''}{last.entry}]"
    )
    target = last.target.replace(".", "_")  # a dot would begin a new level
    yield (
        f"<testcase classname={_quoted(f'{last.scenario}.{target}')} name={_quoted(name)} "
        f'time="{last.took_s:.3f}"><properties>'
    )
    yield _property("outcome", last.outcome.value)
    if last.controls:
        yield _property("controls", ", ".join(last.controls))
    yield "</properties>"
    kind, said = _KINDS.get(last.outcome), wording.saw(last)
    if kind:
        yield f"<{kind} message={_quoted(f'{last.outcome.word} {last.target}: {said}')}/>"
    else:
        yield f"<system-out>{escape(_clean(said))}</system-out>"
    yield "</testcase>\n"


def _property(name: str, value: str) -> str:
    return f'<property name="{name}" value={_quoted(value)}/>'


def _quoted(text: str) -> str:
    return quoteattr(_clean(text))


def _clean(text: str) -> str:
    return _NOT_XML.sub("\ufffd", text)
