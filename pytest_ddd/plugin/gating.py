"""The gate: `--ddd-gate=before` keeps a snapshot, `--ddd-gate` compares with it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Literal, TypeAlias

import pytest

from pytest_ddd.errors import RecordError
from pytest_ddd.plugin import markers
from pytest_ddd.plugin.site import SITE_KEY, run_id, run_started_at
from pytest_ddd.results import CheckResult
from pytest_ddd.units import format_duration

if TYPE_CHECKING:
    from pytest_ddd.evidence.facts import RunFacts
    from pytest_ddd.plugin.site import Site
    from pytest_ddd.run import Finished
    from pytest_ddd.snapshots import Comparison, Snapshot

Mode: TypeAlias = Literal["", "before", "after"]

LONGEST = timedelta(hours=24)
"""An older snapshot says little about what a change did: too much else has happened since."""

_HELP = (
    "Compare with the snapshot that --ddd-gate=before took, for patches by somebody else's tool: "
    "exit status 0 only when nothing regressed. Actions are left out."
)


class _Seen:
    """What this process knows of the checks so far, by scenario."""

    def __init__(self) -> None:
        self.results: dict[str, list[CheckResult]] = {}
        self.texts: dict[str, str] = {}
        self.snapshots: dict[str, Snapshot] = {}
        self.strange = 0
        """Failures of what is no check: no gate lets them through."""


_SEEN_KEY = pytest.StashKey["_Seen"]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Register `--ddd-gate`."""
    parser.addini("ddd_gate", f"Same as --ddd-gate. {_HELP}", type="string", default="")
    parser.getgroup("ddd").addoption(
        "--ddd-gate",
        dest="ddd_gate",
        nargs="?",
        const="after",
        choices=("before", "after"),
        help=_HELP,
    )


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Begin with nothing seen, and refuse a gate that would change something."""
    config.stash[_SEEN_KEY] = _Seen()
    if mode(config) and config.getoption("ddd_apply", default=False):
        raise pytest.UsageError("--ddd-gate changes nothing: leave out --ddd-apply")


def mode(config: pytest.Config) -> Mode:
    """Return what the gate does in this run."""
    given = config.getoption("ddd_gate", default=None) or os.environ.get("DDD_GATE", "")
    found = str(given or config.getini("ddd_gate") or "")
    if found not in ("", "before", "after"):
        raise pytest.UsageError(f"--ddd-gate: {found!r} is neither before nor after")
    return "before" if found == "before" else "after" if found == "after" else ""


def chosen(config: pytest.Config, checks: list[pytest.Item]) -> list[pytest.Item]:
    """Leave out what a gate does not do: actions, and what looks at the other side of the change.

    Raises:
        pytest.UsageError: there is no snapshot to compare with, or only an old one.
    """
    doing = mode(config)
    if not doing:
        return checks
    from pytest_ddd.snapshots import AFTER, BEFORE

    other = AFTER if doing == "before" else BEFORE
    kept = [one for one in checks if not _is_left_out(one, other)]
    config.hook.pytest_deselected(items=[one for one in checks if one not in set(kept)])
    if doing == "after" and not config.option.collectonly:
        for scenario in {markers.place(one).scenario.name for one in kept}:
            snapshot_of(config, scenario)
    return kept


def _is_left_out(item: pytest.Item, other: str) -> bool:
    name = str(getattr(item, "originalname", None) or item.name)
    return name.endswith(other) or item.get_closest_marker("action") is not None


def snapshot_of(config: pytest.Config, scenario: str) -> Snapshot:
    """Return the snapshot of a scenario, read once in each process that asks for it."""
    known = config.stash[_SEEN_KEY].snapshots
    if scenario not in known:
        known[scenario] = _loaded(config, scenario)
    return known[scenario]


def _loaded(config: pytest.Config, scenario: str) -> Snapshot:
    from pytest_ddd.evidence.snapshots import path_of, read_snapshot

    environment = config.stash[SITE_KEY].baseline.name
    path = path_of(config.rootpath, environment, scenario)
    again = "take one before the change: the same command with --ddd-gate=before"
    try:
        snapshot = read_snapshot(path)
    except RecordError as failure:
        raise pytest.UsageError(f"--ddd-gate: {failure.message}\n  hint: {again}") from None
    if snapshot is None:
        raise pytest.UsageError(
            f"--ddd-gate: no snapshot of {scenario} in {environment} at {path}\n  hint: {again}"
        )
    age = run_started_at(config) - snapshot.taken_at
    if age > LONGEST:
        raise pytest.UsageError(
            f"--ddd-gate: the snapshot of {scenario} is {format_duration(age.total_seconds())} "
            f"old; one older than {format_duration(LONGEST.total_seconds())} proves nothing\n"
            f"  hint: {again}"
        )
    return snapshot


def keep(config: pytest.Config, result: CheckResult, attached: Mapping[str, str]) -> None:
    """Remember one result and what it attached, on the controller."""
    seen = config.stash[_SEEN_KEY]
    seen.results.setdefault(result.scenario, []).append(result)
    seen.texts.update(attached)


def results(config: pytest.Config) -> list[CheckResult]:
    """Return all results so far, on the controller."""
    return [one for found in config.stash[_SEEN_KEY].results.values() for one in found]


def note_failure(config: pytest.Config) -> None:
    """Count a failure of what is no check, on the controller."""
    config.stash[_SEEN_KEY].strange += 1


def comparison(config: pytest.Config, scenario: str) -> Comparison | None:
    """Compare what is known of a scenario so far; None when there is nothing to compare with."""
    from pytest_ddd import snapshots

    seen = config.stash[_SEEN_KEY]
    results = seen.results.get(scenario, [])
    if mode(config) == "after":
        return _with_snapshot(config, snapshot_of(config, scenario), results)
    before, after = snapshots.pairs(results)
    if not before or not after:
        return None
    first = min(one.started_at for one in before)
    compared = snapshots.compare(before, after)
    return snapshots.Comparison(run_id=run_id(config), taken_at=first, compared=compared)


def _with_snapshot(
    config: pytest.Config, snapshot: Snapshot, results: list[CheckResult]
) -> Comparison:
    from pytest_ddd.snapshots import Comparison, compare

    site = config.stash[SITE_KEY]
    wanted = [one for one in snapshot.results if _is_selected(site, one.target)]
    notes = []
    if left := len(snapshot.results) - len(wanted):
        notes.append(f"{left} results of the snapshot are about targets that are not selected now")
    now = {file.path: file.sha256 for file in site.baseline.files}
    changed = {name for name, _ in now.items() ^ snapshot.baseline.items()}
    if changed:
        notes.append(f"the baseline was changed since the snapshot: {', '.join(sorted(changed))}")
    return Comparison(
        run_id=snapshot.run_id,
        taken_at=snapshot.taken_at,
        compared=compare(wanted, results),
        notes=tuple(notes),
        is_gate=True,
    )


def _is_selected(site: Site, target: str) -> bool:
    """Whether this run is to look at a target; at one that is gone from the baseline, too."""
    if target in site.baseline.hosts:
        return target in site.scope.hosts
    return site.scope.whole


def _snapshot(config: pytest.Config, scenario: str, results: list[CheckResult]) -> Snapshot:
    from pytest_ddd.snapshots import Snapshot

    site, texts = config.stash[SITE_KEY], config.stash[_SEEN_KEY].texts
    return Snapshot(
        run_id=run_id(config),
        environment=site.baseline.name,
        scenario=scenario,
        taken_at=run_started_at(config),
        baseline={file.path: file.sha256 for file in site.baseline.files},
        results=tuple(results),
        texts=dict(texts),
    )


def settle(config: pytest.Config, *, interrupted: bool) -> list[RecordError]:
    """Write the snapshots of a whole run with `--ddd-gate=before`; return what went wrong."""
    if mode(config) != "before" or interrupted:
        return []
    from pytest_ddd.evidence.snapshots import write_snapshot

    failures = []
    for scenario, results in config.stash[_SEEN_KEY].results.items():
        try:
            write_snapshot(config.rootpath, _snapshot(config, scenario, results))
        except RecordError as failure:
            failures.append(failure)
    return failures


def exit_status(config: pytest.Config, finished: Sequence[Finished], status: int) -> int:
    """Return the exit status of a gate: 0 only when nothing regressed and nothing else failed.

    `status` is what pytest and the outcomes say; all but 0 and 1 stays.
    """
    decided = (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)
    if mode(config) != "after" or status not in decided:
        return status
    found = [one.summary.facts for one in finished]
    passes = all(_lets_through(facts) for facts in found)
    compared = any(facts.comparison and not facts.comparison.is_empty for facts in found)
    if passes and compared and not config.stash[_SEEN_KEY].strange:
        return pytest.ExitCode.OK
    return pytest.ExitCode.TESTS_FAILED


def _lets_through(facts: RunFacts) -> bool:
    compared = facts.comparison
    return compared is not None and not compared.obstacles and not facts.interrupted
