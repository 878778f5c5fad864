"""Run a shipped check on one entry of a baseline, and tell its outcome as the plugin would."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from types import ModuleType

from pytest_ddd import clock
from pytest_ddd.baseline import inventory, secrets
from pytest_ddd.connections import Connections, declared
from pytest_ddd.outcomes import Outcome, worst
from pytest_ddd.probes.entry import AnyEntry
from pytest_ddd.probes.scope import Scope
from pytest_ddd.results import Reading, Threshold, explain, judge

CHECKS = Path(__file__).parents[2] / "checks"
HOSTS = "hosts: {here: {connection: 'local://'}}\n"
GREEN, YELLOW, RED, UNKNOWN = Outcome.GREEN, Outcome.YELLOW, Outcome.RED, Outcome.UNKNOWN


@dataclass(frozen=True)
class Verdict:
    """The outcome of a check, and everything that it says."""

    outcome: Outcome
    text: str


@dataclass
class _Judge:
    judged: list[Reading] = field(default_factory=list)

    def __call__(self, reading: Reading, threshold: Threshold) -> Outcome:
        self.judged.append(judge(reading, threshold))
        return self.judged[-1].outcome or Outcome.UNKNOWN


def run(scenario: str, function: str, entry: AnyEntry) -> Verdict:
    """Call a check as pytest would; what it asserts is RED, any other exception UNKNOWN."""
    judging, outcomes, words = _Judge(), [], []
    try:
        getattr(_module(scenario), function)(entry, judging)
    except AssertionError:
        outcomes.append(Outcome.RED)
        words += [str(problem) for problem in entry.read().problems]
    except Exception as failure:  # noqa: BLE001 - as the plugin does
        outcomes.append(Outcome.UNKNOWN)
        words.append(f"{type(failure).__name__}: {failure}")
    outcomes += [one.outcome or Outcome.UNKNOWN for one in judging.judged]
    words += [f"{explain(one)} [{one.detail}]" for one in judging.judged]
    return Verdict(worst(outcomes or [Outcome.UNKNOWN]), "\n".join(words))


@contextmanager
def scope_of(
    folder: Path, text: str, *, hosts: str = HOSTS, started_at: datetime | None = None
) -> Iterator[Scope]:
    """Yield the scope of a run over the environment `prod`, written as a baseline file."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "prod.yaml").write_text(hosts + text, encoding="utf-8")
    selection = inventory.select(folder, ["prod"])
    connections = Connections(declared.specs_of(selection.baseline.hosts, secrets.text_of))
    now = started_at or clock.now()
    scope = Scope(
        baseline=selection.baseline,
        hosts=selection.hosts,
        whole=selection.whole,
        connections=connections,
        profile="day",
        since=now,
        started_at=now,
    )
    try:
        yield scope
    finally:
        scope.databases.close()
        connections.close()


def _module(scenario: str) -> ModuleType:
    [file] = CHECKS.glob(f"*/test_{scenario}.py")
    spec = importlib.util.spec_from_file_location(scenario, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
