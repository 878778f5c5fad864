"""Sealed packages that the tests of this folder start from."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from pytest_ddd.evidence import sealing, statements
from pytest_ddd.evidence.account import account
from pytest_ddd.evidence.facts import Plan, RunFacts
from pytest_ddd.evidence.files import NAMESPACE
from pytest_ddd.evidence.manifest import Anchor
from pytest_ddd.evidence.record import RecordWriter, run_directory
from pytest_ddd.evidence.sealing import Sealed
from pytest_ddd.evidence.summary import summarize
from pytest_ddd.outcomes import Outcome
from pytest_ddd.redaction import DEFAULT, Redactor
from pytest_ddd.results import CheckResult
from pytest_ddd.signatures import Trust
from tests.unit.evidence.samples import FACTS, RUN_ID, START, disk, reachable, result

RESULTS = (
    reachable(Outcome.GREEN),
    result(controls=("PCI 10.4.1",)),
    result(Outcome.RED, target="web2", readings=(disk(93),), reason="disk /var 93 %"),
    result(Outcome.YELLOW, target="web3", readings=(disk(85),)),
    result(Outcome.UNKNOWN, target="web4", readings=(), reason="could not look"),
    result(Outcome.NOT_APPLICABLE, target="web5", readings=(), reason="nothing there"),
)


def planned(results: Iterable[CheckResult] = RESULTS, **changes: object) -> RunFacts:
    """Return facts whose plan is exactly these results."""
    plan = Plan(checks=tuple(dict.fromkeys(one.nodeid for one in results)), hosts=("web1",))
    return replace(FACTS, **{"plan": plan, **changes})  # type: ignore[arg-type]  # names of fields


def record(
    root: Path,
    results: Iterable[CheckResult] = RESULTS,
    facts: RunFacts | None = None,
    run_id: str = RUN_ID,
) -> tuple[Path, RunFacts, Anchor]:
    """Write what a run writes until its last result has come."""
    results = tuple(results)
    facts = replace(facts or planned(results), run_id=run_id)
    directory = run_directory(root, START, "prod", "morning-health-check", run_id)
    head = statements.write_start(directory, facts)
    with RecordWriter(directory, head=head) as writer:
        for one in results:
            writer.add(one)
    return directory, facts, Anchor(lines=writer.count, head=writer.head)


def sealed(
    root: Path,
    results: Iterable[CheckResult] = RESULTS,
    facts: RunFacts | None = None,
    *,
    key: Path | None = None,
    run_id: str = RUN_ID,
    redactor: Redactor = DEFAULT,
) -> Sealed:
    """Write and seal a package."""
    results = tuple(results)
    directory, facts, end = record(root, results, facts, run_id)
    statements.write_end(directory, facts)
    run = account(summarize(facts, results), results)
    return sealing.seal(directory, run, end, key=key, redactor=redactor)


def new_key(path: Path, *words: str) -> Path:
    """Make a key without a passphrase."""
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "ops", "-f", str(path), *words]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    return path


def trusting(file: Path, *keys: Path, options: str = "", identity: str = "") -> Trust:
    """Write a file of allowed signers: ops1@example.org has the first key, and so on."""
    lines = []
    for number, key in enumerate(keys, start=1):
        kind, text, *_ = key.with_name(f"{key.name}.pub").read_text().split()
        settings = ",".join(part for part in (f'namespaces="{NAMESPACE}"', options) if part)
        lines.append(f"ops{number}@example.org {settings} {kind} {text}\n")
    file.write_text("".join(lines))
    return Trust(allowed_signers=file, identity=identity)
