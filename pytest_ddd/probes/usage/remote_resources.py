"""Measure a remote host with small commands of sh that read /proc; BusyBox is enough."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_ddd.errors import CannotLookError
from pytest_ddd.probes.usage import proc_files
from pytest_ddd.probes.usage.measures import SHORTEST_SAMPLE_S, Kind, Measure, largest
from pytest_ddd.units import format_size

if TYPE_CHECKING:
    from pytest_ddd.connections import Session

_TIMEOUT_S = 10.0
_MAX_OUTPUT_BYTES = 16 << 20
_MARK = "-- ddd --"
"""Stands between the answers of one command."""

_BUSIEST_SAMPLE_S = 1
_PROCESSES = "cat /proc/[0-9]*/stat 2>/dev/null"
COMMANDS: dict[Kind, str] = {
    "memory": "cat /proc/meminfo",
    "swap": "cat /proc/meminfo",
    "load": f"cat /proc/loadavg && echo '{_MARK}' && cat /proc/stat",
    "open_files": "cat /proc/sys/fs/file-nr",
}


@dataclass(frozen=True, slots=True)
class RemoteMeter:
    """Measures the host at the other end of a session."""

    session: Session

    def measure(self, kind: Kind, sample_s: float) -> Measure:
        """Measure one resource with one command.

        Raises:
            CannotLookError: the command failed, or printed what makes no sense.
        """
        if kind == "cpu":
            return self._cpu(max(sample_s, SHORTEST_SAMPLE_S))
        answers = self._ask(COMMANDS[kind])
        if kind == "memory":
            return proc_files.memory(answers[0])
        if kind == "swap":
            return proc_files.swap(answers[0])
        if kind == "open_files":
            return proc_files.open_files(answers[0])
        return proc_files.load(*_two(answers))

    def busiest(self, kind: Kind) -> str:
        """Name the three processes that use most of it."""
        if kind == "cpu":
            return self._busiest_by_cpu()
        return self._busiest_by_memory() if kind == "memory" else ""

    def _cpu(self, sample_s: float) -> Measure:
        look = "grep '^cpu' /proc/stat"
        # A BusyBox without fancy sleep knows whole seconds only.
        sleep = f"{{ sleep {sample_s:g} 2>/dev/null || sleep {max(1, round(sample_s))}; }}"
        answers = self._ask(f"{look} && {sleep} && echo '{_MARK}' && {look}", more_s=sample_s)
        return proc_files.cpu(*_two(answers), sample_s=sample_s)

    def _busiest_by_cpu(self) -> str:
        wait = f"sleep {_BUSIEST_SAMPLE_S}"
        answers = self._ask(f"{_PROCESSES}; {wait}; echo '{_MARK}'; {_PROCESSES}; true")
        first, second = (proc_files.processes(text) for text in _two(answers))
        before = {one.pid: one.ticks for one in first}
        ticks = [(one.ticks - before.get(one.pid, one.ticks), one) for one in second]
        total = sum(used for used, _one in ticks)
        return ", ".join(
            f"{one.name} ({one.pid}) {100 * used / total:.0f} % of what was used"
            for used, one in largest(ticks)
        )

    def _busiest_by_memory(self) -> str:
        page = "getconf PAGESIZE 2>/dev/null || echo 4096"
        sizes, lines = _two(self._ask(f"{page}; echo '{_MARK}'; {_PROCESSES}; true"))
        page_bytes = int(sizes) if sizes.strip().isdecimal() else 4096
        found = [(one.pages * page_bytes, one) for one in proc_files.processes(lines)]
        return ", ".join(
            f"{one.name} ({one.pid}) {format_size(used)}" for used, one in largest(found)
        )

    def _ask(self, command: str, *, more_s: float = 0.0) -> list[str]:
        completed = self.session.run(
            command,
            timeout_s=_TIMEOUT_S + more_s,
            max_output_bytes=_MAX_OUTPUT_BYTES,
            repeatable=True,
        )
        if not completed.ok:
            where = self.session.spec.label
            raise CannotLookError(f"{where}: {command}: {completed.said[:200]}")
        return completed.text.split(f"{_MARK}\n")


def _two(answers: list[str]) -> tuple[str, str]:
    if len(answers) != 2:
        raise CannotLookError(f"half an answer: {answers!r:.200}")
    return answers[0], answers[1]
