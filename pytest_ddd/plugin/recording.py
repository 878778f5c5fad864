"""Turns what pytest reports of a check into its result, without secrets."""

from __future__ import annotations

import logging
import uuid
import warnings
from collections.abc import Generator
from typing import Any

import pytest

from pytest_ddd import clock, redaction, results
from pytest_ddd.errors import NotApplicableError
from pytest_ddd.outcomes import Outcome
from pytest_ddd.plugin import attaching, evidencing, planning, stumbling, waiving
from pytest_ddd.plugin.journal import commands_of, host_of
from pytest_ddd.plugin.parametrize import Subject, subject
from pytest_ddd.plugin.reachable import BlockedError, Reachable, is_recorded, place_of
from pytest_ddd.plugin.site import SITE_KEY, Site, run_id
from pytest_ddd.plugin.verdict import AHEAD_KEY, LOOK_KEY, VERDICT_KEY, Look, Verdict, problems_in
from pytest_ddd.probes.entry import Answer
from pytest_ddd.results import CheckResult, Problem, Reading
from pytest_ddd.scenarios.model import Frequency

RECORD = "ddd_result"
"""Name of the user property in which a result travels from a worker to the controller."""


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Start a verdict for each look of each check."""
    if SITE_KEY not in item.config.stash or not is_recorded(item):
        return
    item.user_properties.clear()
    # A check that returns whether all is well, instead of asserting it, is never green. Not by a
    # marker, as pytest would then look for markers of that name and compile patterns each time.
    warnings.simplefilter("error", pytest.PytestReturnNotNoneWarning)
    site = item.config.stash[SITE_KEY]
    entry = _subject(item, site).entry
    item.stash[VERDICT_KEY] = Verdict(
        started_at=clock.now(),
        started=clock.monotonic(),
        look=item.stash.get(LOOK_KEY, Look()),
        reads_before=entry.reads if entry is not None else 0,
        ahead=item.stash.get(AHEAD_KEY, None),
        host=host_of(item),
    )
    item.stash[AHEAD_KEY] = None  # it is for one look
    if item.stash[VERDICT_KEY].host:
        commands_of(item.stash[VERDICT_KEY].host, site)  # what ran before belongs to no check


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Decide a check's outcome, attach its result, and redact everything that leaves here."""
    report = yield
    verdict = item.stash.get(VERDICT_KEY, None)
    if verdict is None:
        return report
    if verdict.host:
        verdict.readings += commands_of(verdict.host, item.config.stash[SITE_KEY])
    if call.excinfo is not None:
        _take_exception(item, verdict, call.excinfo, report)
    elif report.when == "call":
        _doubt_ending(item, verdict, report)
    if report.when == "call" or call.excinfo is not None:
        result = results.cleaned(waiving.applied(item, _result(item, verdict), verdict))
        _colour(item, report, result)
        item.user_properties[:] = _properties(result)
        beside = [*planning.unsent(item.config), *attaching.carried(verdict.attached)]
        verdict.properties = list(item.user_properties)
        verdict.knowledge = redaction.DEFAULT.knowledge
        report.user_properties = [*verdict.properties, *beside]
        _redact(report, verdict)
        report.user_properties.append((RECORD, _travel(item, result)))
    else:
        _redact(report, verdict)
    return report


def _travel(item: pytest.Item, result: CheckResult) -> dict[str, object]:
    """Return a result, without secrets, as it crosses to the controller: as text to another one."""
    frequency = place_of(item).scenario.frequency.value
    leaves = hasattr(item.config, "workerinput")
    return {"frequency": frequency, "result": results.to_record(result) if leaves else result}


def carries(report: pytest.TestReport) -> bool:
    """Whether a report brings a result, and perhaps something beside it."""
    return any(name == RECORD for name, _ in report.user_properties)


def take_result(report: pytest.TestReport) -> tuple[CheckResult, Frequency] | None:
    """Take the result off a report, leaving what JUnit shows; None when it carries none."""
    for name, value in report.user_properties:
        if name == RECORD and isinstance(value, dict):
            report.user_properties.remove((name, value))
            if isinstance(report, pytest.SubtestReport):
                return None  # the check's own report tells of it too
            result = value["result"]
            if not isinstance(result, CheckResult):
                result = results.from_record(result)
            report.ddd = result  # type: ignore[attr-defined]  # an attribute of ours
            return result, Frequency(value["frequency"])
    return None


def result_of(report: pytest.TestReport | pytest.CollectReport) -> CheckResult | None:
    """Return the check result that a report carries, if it carries one."""
    found = getattr(report, "ddd", None)
    return found if isinstance(found, CheckResult) else None


def _take_exception(
    item: pytest.Item,
    verdict: Verdict,
    excinfo: pytest.ExceptionInfo[BaseException],
    report: pytest.TestReport,
) -> None:
    """Say what an exception means for the outcome."""
    error, entry = excinfo.value, _subject(item, item.config.stash[SITE_KEY]).entry
    if isinstance(error, BlockedError):
        return
    if isinstance(error, pytest.skip.Exception):
        verdict.fails(Outcome.NOT_APPLICABLE, str(error.msg))
    elif isinstance(error, NotApplicableError):
        verdict.fails(Outcome.NOT_APPLICABLE, error.message)
    elif report.when != "call":
        verdict.fails(Outcome.UNKNOWN, f"{report.when}: {stumbling.said(item, excinfo, entry)}")
    elif isinstance(error, AssertionError | pytest.fail.Exception):
        if problems := _problems(item, excinfo):
            verdict.finds(problems)
        else:
            verdict.fails(Outcome.RED, _broken(item, excinfo))
    else:
        verdict.fails(Outcome.UNKNOWN, f"could not look: {stumbling.said(item, excinfo, entry)}")


def _doubt_ending(item: pytest.Item, verdict: Verdict, report: pytest.TestReport) -> None:
    """Say what is wrong with a check that ended well: green is only what was looked at."""
    if report.failed:  # a strict xfail that passed
        verdict.fails(Outcome.RED, report.longreprtext.strip())
        return
    entry = _subject(item, item.config.stash[SITE_KEY]).entry
    if entry is None:
        return
    was_read = entry.reads > verdict.reads_before
    if was_read and entry.failure is not None:
        verdict.fails(Outcome.UNKNOWN, f"could not look: {stumbling.words(entry.failure, entry)}")
    elif was_read and entry.taken is not None and entry.taken.problems:
        verdict.finds(entry.taken.problems)  # seen, and the check asserts nothing about it
    elif verdict.readings:
        return
    elif not was_read:
        verdict.fails(
            Outcome.UNKNOWN, f"{entry.key} was never looked at: the check does not call read()"
        )
    elif entry.taken is not None and not entry.taken.readings:
        verdict.fails(Outcome.UNKNOWN, f"{entry.key}: the look found nothing to judge")


def _broken(item: pytest.Item, excinfo: pytest.ExceptionInfo[BaseException]) -> str:
    """Return what a failed assert says: its text and its line."""
    text = str(excinfo.value).strip() or str(excinfo.traceback[-1].statement).strip()
    place = excinfo.traceback[-1]
    return f"{text} ({stumbling.relative(place.path, item)}:{place.lineno + 1})"


def _problems(
    item: pytest.Item, excinfo: pytest.ExceptionInfo[BaseException]
) -> tuple[Problem, ...]:
    """Return the entry's problems when they are what a failed assert asserts."""
    taken = _taken(item)
    if taken is None or "problems" not in str(excinfo.traceback[-1].statement):
        return ()
    return taken.problems


def _subject(item: pytest.Item, site: Site) -> Subject:
    if isinstance(item, Reachable):
        return Subject(target=item.host, key="", host=item.host, entry=None)
    return subject(item, site.baseline.name)


def _taken(item: pytest.Item) -> Answer | None:
    answer = item.stash[VERDICT_KEY].answer
    entry = _subject(item, item.config.stash[SITE_KEY]).entry
    return entry.taken if answer is None and entry is not None else answer


def _result(item: pytest.Item, verdict: Verdict) -> CheckResult:
    """Build the record of one look of one check."""
    site = item.config.stash[SITE_KEY]
    place, about = place_of(item), _subject(item, site)
    taken = _taken(item)
    seen = tuple(taken.readings) if taken is not None else ()
    function = "reachable" if isinstance(item, Reachable) else _function_name(item)
    check_id = f"{place.scenario.name}/{function}"
    readings = (*_evidence(verdict, seen), *verdict.resolution())
    return CheckResult(
        result_id=uuid.uuid4().hex,
        run_id=run_id(item.config),
        environment=site.baseline.name,
        scenario=place.scenario.name,
        step=place.step,
        check_id=check_id,
        target=about.target,
        entry=about.key,
        nodeid=item.nodeid,
        outcome=verdict.outcome,
        reason=verdict.reason(readings),
        readings=readings,
        started_at=verdict.began_at,
        took_s=round(verdict.took_s, 6),
        blocked_by=verdict.blocked_by,
        controls=evidencing.controls_of(item, check_id, place.controls, about.entry),
        worker=str(getattr(item.config, "workerinput", {}).get("workerid", "")),
        look=verdict.look.number,
        title=_title(item),
    )


def _function_name(item: pytest.Item) -> str:
    name = getattr(item, "originalname", None) or item.name
    return str(name).removeprefix("test_")


def _title(item: pytest.Item) -> str:
    if isinstance(item, Reachable):
        return "The host can be reached."
    doc = getattr(getattr(item, "obj", None), "__doc__", None) or ""
    return str(doc).strip().split("\n", 1)[0]


def _evidence(verdict: Verdict, seen: tuple[Reading, ...]) -> tuple[Reading, ...]:
    """Return, in order of time, what the check judged and everything else that its entry read."""
    judged = {(one.name, one.at, one.attempt) for one in verdict.readings}
    rest = (one for one in seen if (one.name, one.at, one.attempt) not in judged)
    return tuple(sorted([*verdict.readings, *rest], key=lambda one: one.at))


def _colour(item: pytest.Item, report: pytest.TestReport, result: CheckResult) -> None:
    """Make pytest's own outcome agree with ours, and its text readable without a traceback."""
    if result.outcome is Outcome.NOT_APPLICABLE:
        if report.failed:  # pytest knows a skip, not our error
            path, line, _ = item.location
            report.outcome, report.longrepr = "skipped", (path, line or 0, result.reason)
        return
    if result.outcome is Outcome.WAIVED:
        report.outcome, report.longrepr = "passed", None
    if result.outcome.is_bad:
        message = f"{result.outcome.symbol} {result.outcome.word} {result.target} {result.reason}"
        traceback = report.longreprtext if item.config.get_verbosity() > 1 else ""
        report.outcome = "failed"
        report.longrepr = f"{message}\n\n{traceback}".rstrip()


def _properties(result: CheckResult) -> list[tuple[str, object]]:
    """Return what JUnit shows as properties of the test case, of a result without secrets."""
    judged = [reading for reading in result.readings if reading.threshold is not None]
    read = "; ".join(map(results.explain, judged))
    shown = {
        "outcome": result.outcome.value,
        "environment": result.environment,
        "scenario": result.scenario,
        "step": result.step,
        "target": result.target,
        "entry": result.entry,
        "reason": result.reason,
        "reading": redaction.DEFAULT.scrub(read) if read else "",
        "controls": ", ".join(result.controls),
    }
    return [(name, value) for name, value in shown.items() if value != ""]


def _redact(report: pytest.TestReport, verdict: Verdict) -> None:
    """Scrub everything that a report carries but the properties that are known to be clean."""
    scrub = redaction.DEFAULT.scrub
    if report.longrepr is not None and not isinstance(report.longrepr, tuple):
        before = report.longreprtext
        after = scrub(before)
        if after != before:
            report.longrepr = after
    elif isinstance(report.longrepr, tuple):
        path, line, message = report.longrepr
        report.longrepr = (path, line, scrub(message))
    report.sections = [(name, scrub(text)) for name, text in report.sections]
    learnt = verdict.knowledge is not redaction.DEFAULT.knowledge
    if learnt or report.user_properties != verdict.properties:
        report.user_properties = scrub(report.user_properties)


@pytest.hookimpl(tryfirst=True)
def pytest_assertrepr_compare(op: str, left: object, right: object) -> list[str] | None:
    """Show problems as sentences, not as a comparison of tuples."""
    problems = problems_in(left)
    if op == "==" and problems and right in ((), []):
        return [str(problem) for problem in problems]
    return None


def redact_logging() -> None:
    """Scrub log records as they are made, for every handler that pytest or the user adds."""
    make = logging.getLogRecordFactory()
    if getattr(make, "scrubs", False):
        return

    def scrubbed(*args: Any, **kwargs: Any) -> logging.LogRecord:
        record = make(*args, **kwargs)
        record.msg, record.args = redaction.DEFAULT.scrub(record.getMessage()), ()
        return record

    scrubbed.scrubs = True  # type: ignore[attr-defined]  # an attribute of ours
    logging.setLogRecordFactory(scrubbed)
