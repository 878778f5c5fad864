"""Shows, while a run goes on, which step it is at, how much time is used, and what it waits for."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from pytest_ddd import clock
from pytest_ddd.plugin.reachable import is_recorded, place_of
from pytest_ddd.plugin.site import SITE_KEY, Site
from pytest_ddd.scenarios import timing
from pytest_ddd.scenarios.model import Step
from pytest_ddd.units import format_duration

if TYPE_CHECKING:
    from pytest_ddd.probes.ahead import HowFar

_TITLE_WIDTH = 38
_SAVE, _RESTORE, _ERASE = "\x1b7", "\x1b8", "\x1b[K"
"""What every terminal since the VT100 knows: the cursor's place, and the rest of a line."""


class Progress:
    """Writes one line for each step, on which pytest then writes its letters."""

    def __init__(self, reporter: pytest.TerminalReporter, site: Site) -> None:
        self._reporter = reporter
        self._site = site
        self._scenario = ""
        self._step = -1
        self._began = 0.0

    def follow(self, item: pytest.Item) -> None:
        """Write a line when an item begins a scenario or a step."""
        place = place_of(item)
        if (place.scenario.name, place.step) == (self._scenario, self._step):
            return
        budget_s = timing.budget_s(place.scenario, self._site.baseline)
        if place.scenario.name != self._scenario:
            self._scenario, self._began = place.scenario.name, clock.monotonic()
            title = f"{place.scenario.title}, {self._site.baseline.name}"
            self._reporter.write_line(f"\n{title} ({format_duration(budget_s)})", bold=True)
        self._step = place.step
        self._write(place.scenario.step(place.step), budget_s, item)

    def waiting(self, far: HowFar) -> None:
        """Show behind the letters of the step how far reading ahead has come."""
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

    def _write(self, step: Step, budget_s: float, item: pytest.Item) -> None:
        reporter = self._reporter
        used_s = clock.monotonic() - self._began
        # Short of the budget nobody needs the clock; from half of it on it stands in the line.
        used = f" {format_duration(used_s)} used" if used_s > budget_s / 2 else ""
        line = f"{step.number or ' '} {step.title + used:<{_TITLE_WIDTH}} "
        if reporter.verbosity > 0:
            reporter.write_line(line, bold=True)
        else:
            reporter.ensure_newline()
            reporter.write(line)
            # pytest goes on where the path of its next letter says that it already is
            reporter.currentfspath = reporter.config.rootpath / item.nodeid.split("::")[0]


class Waiting:
    """Calls `tick` while a check waits; `end` when it does not any more."""

    def __init__(self, config: pytest.Config, far: Callable[[], HowFar]) -> None:
        reporter = config.pluginmanager.get_plugin("terminalreporter")
        is_seen = reporter is not None and reporter.isatty
        self._progress = config.stash.get(PROGRESS_KEY, None) if is_seen else None
        self._far = far
        self._was_shown = False

    def tick(self) -> None:
        """Show how far it is."""
        if self._progress is not None:
            self._progress.waiting(self._far())
            self._was_shown = True

    def end(self) -> None:
        """Show nothing any more."""
        if self._progress is not None and self._was_shown:
            self._progress.waited()


PROGRESS_KEY = pytest.StashKey[Progress]()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> None:
    """Follow the run, where there is a terminal to write to: never on an xdist worker."""
    config = item.config
    site = config.stash.get(SITE_KEY, None)
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if site is None or reporter is None or reporter.verbosity < 0:
        return
    if is_recorded(item):
        if PROGRESS_KEY not in config.stash:
            config.stash[PROGRESS_KEY] = Progress(reporter, site)
        config.stash[PROGRESS_KEY].follow(item)
