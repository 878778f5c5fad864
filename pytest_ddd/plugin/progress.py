"""Shows, while a run goes on, which step it is at, how much time is used, and what it waits for."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from pytest_ddd import clock
from pytest_ddd.outcomes import Outcome
from pytest_ddd.plugin.letters import COLOURS, LETTERS
from pytest_ddd.plugin.markers import Place
from pytest_ddd.plugin.reachable import is_recorded, place_of
from pytest_ddd.plugin.recording import result_of
from pytest_ddd.plugin.site import Site
from pytest_ddd.scenarios import timing
from pytest_ddd.scenarios.model import Step
from pytest_ddd.units import format_duration

if TYPE_CHECKING:
    from pytest_ddd.probes.ahead import HowFar

_TITLE_WIDTH = 38
_PERCENT_WIDTH = len(" [100%] ")
_SAVE, _RESTORE, _ERASE = "\x1b7", "\x1b8", "\x1b[K"
"""What every terminal since the VT100 knows: the cursor's place, and the rest of a line."""


@dataclass(slots=True, kw_only=True, eq=False)
class _Line:
    """One step on the terminal: how many checks it still waits for, and what is not shown yet."""

    place: Place
    left: int = 0
    held: list[Outcome] = field(default_factory=list)


class Progress:
    """Writes one line for each step, and on it the letters of its checks.

    Checks run as soon as what they look at is there. Their letters stand in the order of the steps
    all the same: those of a later step are held until every earlier one is complete.
    """

    def __init__(self, reporter: pytest.TerminalReporter, site: Site, items: Sequence[pytest.Item]):
        self._reporter = reporter
        self._site = site
        self._scenario = ""
        self._began = 0.0
        self._lines: deque[_Line] = deque()
        """The line that is being written, and those to come."""
        self._line_of: dict[str, _Line] = {}
        self._is_over = False
        self._plan(items)

    def follow(self, item: pytest.Item) -> None:
        """Begin a check: write the line of its step, if it is that one's turn."""
        self._go_on(self._line_of[item.nodeid])
        # pytest goes on where the path of its next letter says that it already is
        self._reporter.currentfspath = self._reporter.config.rootpath / item.nodeid.split("::")[0]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Show the letter of a result, or hold it; the controller has taken it off the report."""
        result, line = result_of(report), self._line_of.get(report.nodeid)
        if result is None or line is None or self._reporter.verbosity > 0:
            return
        line.held.append(result.outcome)
        if self._is_over or line is self._lines[0]:
            self._release(line)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        """Go on to the next line when all checks of this one have run."""
        line = self._line_of.get(nodeid)
        if line is not None:
            line.left -= 1
            self._go_on(line)

    def end(self) -> None:
        """Show what is held yet, also where a run was stopped within an earlier step."""
        while len(self._lines) > 1:
            self._lines.popleft()
            if self._lines[0].held:
                self._begin(self._lines[0])
        self._is_over = True

    def _plan(self, items: Sequence[pytest.Item]) -> None:
        for item in filter(is_recorded, items):
            place = place_of(item)
            last = self._lines[-1].place if self._lines else None
            if last is None or (last.scenario, last.step) != (place.scenario, place.step):
                self._lines.append(_Line(place=place))
            self._lines[-1].left += 1
            self._line_of[item.nodeid] = self._lines[-1]

    def _go_on(self, line: _Line) -> None:
        """Write the lines whose turn it is; `line` has a check that begins or has ended."""
        if not self._scenario:
            self._begin(self._lines[0])
        while len(self._lines) > 1 and not self._lines[0].left:
            following = self._lines[1]
            if following.left and not following.held and following is not line:
                return  # a run that stops here leaves no line without letters
            self._lines.popleft()
            self._begin(following)

    def _begin(self, line: _Line) -> None:
        """Write what stands before the letters of a step, and those that were held."""
        scenario = line.place.scenario
        budget_s = timing.budget_s(scenario, self._site.baseline)
        if scenario.name != self._scenario:
            self._scenario, self._began = scenario.name, clock.monotonic()
            title = f"{scenario.title}, {self._site.baseline.name}"
            self._end_line()
            self._reporter.write_line(f"\n{title} ({format_duration(budget_s)})", bold=True)
        self._write(scenario.step(line.place.step), budget_s)
        self._release(line)

    def _release(self, line: _Line) -> None:
        writer = self._reporter.config.get_terminal_writer()
        for outcome in line.held:
            if writer.width_of_current_line + _PERCENT_WIDTH >= writer.fullwidth:
                self._end_line()
            self._reporter.write(LETTERS[outcome], **COLOURS[outcome])
        line.held.clear()

    def waiting(self, far: HowFar) -> None:
        """Show behind the letters of the step how far reading ahead has come."""
        if len(self._lines) > 1:
            self._go_on(self._lines[1])  # the next check is one of it, if nothing is left of this
        reads = f" … {far.reads_done}/{far.reads} reads"
        whole = f" … {far.hosts_done}/{far.hosts} hosts,{reads[2:]}" if far.hosts else reads
        writer = self._reporter.config.get_terminal_writer()
        room = writer.fullwidth - writer.width_of_current_line
        text = next((text for text in (whole, reads) if len(text) < room), "")
        if text:
            self._raw(f"{_SAVE}{text}{_ERASE}{_RESTORE}")

    def waited(self) -> None:
        """Take that away again."""
        self._raw(_ERASE)

    def _raw(self, text: str) -> None:
        """Write past pytest's count of the columns, as nothing of it stays."""
        file = self._reporter.config.get_terminal_writer()._file  # noqa: SLF001 - no other way
        file.write(text)
        file.flush()

    def _write(self, step: Step, budget_s: float) -> None:
        reporter = self._reporter
        used_s = clock.monotonic() - self._began
        # Short of the budget nobody needs the clock; from half of it on it stands in the line.
        used = f" {format_duration(used_s)} used" if used_s > budget_s / 2 else ""
        line = f"{step.number or ' '} {step.title + used:<{_TITLE_WIDTH}} "
        if reporter.verbosity > 0:
            reporter.write_line(line, bold=True)
        else:
            self._end_line()
            reporter.write(line)

    def _end_line(self) -> None:
        """End what was written, also where pytest does not know of it."""
        writer = self._reporter.config.get_terminal_writer()
        if writer.width_of_current_line:
            writer.line()
        self._reporter.currentfspath = None


class Waiting:
    """Shows, in a `with` block that waits, how far reading ahead has come, at each tick."""

    def __init__(self, config: pytest.Config, far: Callable[[], HowFar]) -> None:
        reporter = config.pluginmanager.get_plugin("terminalreporter")
        is_seen = reporter is not None and reporter.isatty
        self._progress = config.stash.get(PROGRESS_KEY, None) if is_seen else None
        self._far = far
        self._is_shown = False

    def __enter__(self) -> Callable[[], None]:
        return self._tick

    def __exit__(self, *exception: object) -> None:
        if self._progress is not None and self._is_shown:
            self._progress.waited()
        self._is_shown = False

    def _tick(self) -> None:
        if self._progress is not None:
            self._progress.waiting(self._far())
            self._is_shown = True


PROGRESS_KEY = pytest.StashKey[Progress]()


def begin(session: pytest.Session, site: Site) -> None:
    """Follow a run, where there is a terminal to write to: never on an xdist worker."""
    config = session.config
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None and reporter.verbosity >= 0:
        config.stash[PROGRESS_KEY] = progress = Progress(reporter, site, session.items)
        config.pluginmanager.register(progress, "ddd-progress-lines")
        if is_recorded(session.items[0]):
            progress.follow(session.items[0])


def end(config: pytest.Config) -> None:
    """Hold nothing back any more."""
    if PROGRESS_KEY in config.stash:
        config.stash[PROGRESS_KEY].end()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Write the line of a check before it is waited for."""
    progress = item.config.stash.get(PROGRESS_KEY, None)
    if progress is not None and is_recorded(item):
        progress.follow(item)
    return (yield)
