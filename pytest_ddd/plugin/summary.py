"""What a run says in the terminal: its targets first, each step, and the answer at the end."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING

import pytest

from pytest_ddd.outcomes import Outcome
from pytest_ddd.plugin import before_after, escalating, over_time
from pytest_ddd.plugin.letters import COLOURS, LETTERS
from pytest_ddd.plugin.progress import PROGRESS_KEY
from pytest_ddd.plugin.recording import result_of
from pytest_ddd.plugin.session import CONTROLLER_KEY
from pytest_ddd.plugin.site import SITE_KEY, Site
from pytest_ddd.results import CheckResult
from pytest_ddd.units import format_duration, plural

if TYPE_CHECKING:
    from pytest_ddd.evidence.summary import Cause, RunSummary, StepSummary
    from pytest_ddd.run import Finished

_SHOWN = 40
"""How many things that need attention are listed; the report has them all."""


def pytest_report_teststatus(
    report: pytest.TestReport | pytest.CollectReport, config: pytest.Config
) -> tuple[str, str, tuple[str, dict[str, bool]]] | None:
    """Show a check by its outcome; with -v also by what it saw."""
    result = result_of(report)
    if result is None:
        return None
    category = {Outcome.NOT_APPLICABLE: "skipped"}.get(result.outcome, "passed")
    if report.failed:
        category = "failed"
    word = f"{result.outcome.symbol} {result.outcome.word}"
    if config.get_verbosity() > 0:
        word = f"{word} {_one_line(result.reason)}"
    letter = "" if PROGRESS_KEY in config.stash else LETTERS[result.outcome]  # it writes them then
    return category, letter, (word, COLOURS[result.outcome])


def pytest_report_collectionfinish(config: pytest.Config) -> list[str]:
    """Say what is looked at before anything is."""
    site = config.stash.get(SITE_KEY, None)
    return _targets(site) if site is not None else []


def _targets(site: Site) -> list[str]:
    """Return the lines that say which baseline and which hosts were chosen."""
    baseline, hosts = site.baseline, site.scope.hosts
    shown = ", ".join(hosts[:8]) + (f" and {len(hosts) - 8} more" if len(hosts) > 8 else "")
    chosen = " (no --host given: this machine)" if site.is_default else ""
    lines = [
        f"environment: {baseline.name}{chosen}, baseline {baseline.root}, "
        f"{site.scope.profile} limits",
        f"hosts: {shown or 'none'}",
    ]
    if not site.settings.host_is_ours:
        lines.append("note: --host belongs to another plugin or a conftest here: use --ddd-host")
    return [*lines, *_confusing_directories(site)]


def _confusing_directories(site: Site) -> list[str]:
    """Warn of a directory that pytest may have taken for a path to collect."""
    root = site.settings.baselines.parent
    return [
        f"warning: a directory ./{name} exists too: write --host={name}, or pytest may read it "
        "as a path"
        for name in site.settings.hosts
        if name.isidentifier() and (root / name).exists()
    ]


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> Generator[None, None, None]:
    """Put our summary in the place of pytest's failure section, whose cost grows with its square.

    The reports of checks are taken out while pytest writes its own sections, and put back for
    the last line.
    """
    controller = config.stash.get(CONTROLLER_KEY, None)
    stats = terminalreporter.stats
    kept = {name: list(reports) for name, reports in stats.items()}
    if controller is not None and controller.finished:
        for name, reports in stats.items():
            stats[name] = [one for one in reports if result_of(one) is None]
    yield
    stats.update(kept)
    if controller is not None:
        for finished in controller.finished:
            _write(terminalreporter, finished)
        _write_overlooked(terminalreporter, config, controller.finished)
        if controller.run is not None:
            escalating.write(terminalreporter, controller.run, controller.unheard)
        for failure in controller.run.failures if controller.run is not None else ():
            terminalreporter.write_line(f"NOT WRITTEN: {failure}", red=True, bold=True)
        if controller.mistake:
            terminalreporter.write_line(f"ERROR: {controller.mistake}", red=True)


def _write(reporter: pytest.TerminalReporter, finished: Finished) -> None:
    summary = finished.summary
    verdict = summary.verdict
    facts = summary.facts
    reporter.write_sep("=", f"{facts.title}, {facts.environment}", bold=True)
    over_time.write(reporter, facts.changes)
    before_after.write(reporter, facts.comparison)
    before_after.write_entered(reporter, facts.entered)
    for step in summary.steps:
        _write_step(reporter, step)
    _write_attention(reporter, summary.attention)
    _write_not_applicable(reporter, summary)
    used = format_duration(facts.used_s)
    allowed = format_duration(facts.budget_s) if facts.budget_s is not None else "no budget"
    word = f"{verdict.outcome.symbol} {verdict.outcome.word}"
    reporter.write_line("")
    reporter.write_line(f"{word}: {verdict.words}. {verdict.sentence}", **COLOURS[verdict.outcome])
    for note in verdict.notes:
        reporter.write_line(f"  {note}")
    waited = f", and waited {format_duration(facts.waited_s)}" if facts.waited_s >= 1 else ""
    reporter.write_line(f"Time: {used} of {allowed}{waited}")
    over_time.write_objectives(reporter, facts.objectives)
    if finished.directory is not None and (finished.directory / "report.html").exists():
        reporter.write_line(f"Report: {finished.directory / 'report.html'}")


def _write_step(reporter: pytest.TerminalReporter, step: StepSummary) -> None:
    outcome, facts = step.outcome, step.facts
    count = plural(len(step.checks), "check")
    number = str(facts.number) if facts.number else " "
    reporter.write(f" {number} {outcome.symbol} {outcome.word:<14} ", **COLOURS[outcome])
    used = format_duration(facts.used_s)
    reporter.write_line(f"{facts.title:<42} {count:>10} {used:>9}")


def _write_attention(reporter: pytest.TerminalReporter, attention: Sequence[Cause]) -> None:
    if attention:
        reporter.write_line("")
    for cause in attention[:_SHOWN]:
        count = len(cause.blocked)
        blocked = f" (blocks {plural(count, 'check')})" if count else ""
        text = cause.told + blocked if cause.check is None else _named(cause.check.last, blocked)
        outcome = cause.outcome
        reporter.write(f"{outcome.symbol} {outcome.word}", **COLOURS[outcome])
        reporter.write_line(f" {text}")
    if len(attention) > _SHOWN:
        reporter.write_line(f"… and {len(attention) - _SHOWN} more: see the report")


def _named(result: CheckResult, blocked: str) -> str:
    """Return target, entry and reason, without a name twice."""
    first, *rest = result.reason.splitlines() or [""]
    named = first if first.startswith(f"{result.target} ") else f"{result.target} {first}"
    if result.entry.partition(":")[2] not in named:  # `mode is 0666` of which file?
        named = f"{result.target} {result.entry} {first}"
    return "\n".join([named + blocked, *(f"    {line}" for line in rest)])


def _write_not_applicable(reporter: pytest.TerminalReporter, summary: RunSummary) -> None:
    for step in summary.steps:
        if step.checks and step.outcome is Outcome.NOT_APPLICABLE:
            reason = step.checks[0].last.reason
            word = f"{Outcome.NOT_APPLICABLE.symbol} {Outcome.NOT_APPLICABLE.word}"
            reporter.write(word, light=True)
            reporter.write_line(f" step {step.facts.number}: {reason}")


def _write_overlooked(
    reporter: pytest.TerminalReporter, config: pytest.Config, finished: Sequence[Finished]
) -> None:
    site = config.stash.get(SITE_KEY, None)
    if site is None or not finished:
        return
    seen = {target.name for one in finished for target in one.summary.targets}
    for line in site.overlooked(seen):
        reporter.write_line(f"warning: {line}", yellow=True)


def _one_line(text: str) -> str:
    return " ".join(text.split())
