"""Keeps the evidence of one scenario of a run, from its start to its seal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from pytest_ddd.evidence import recovery, sealing, statements
from pytest_ddd.evidence.account import account
from pytest_ddd.evidence.facts import RunFacts
from pytest_ddd.evidence.files import ATTACHMENTS, failure, make_private, write_file
from pytest_ddd.evidence.manifest import Anchor
from pytest_ddd.evidence.record import RecordWriter, run_directory
from pytest_ddd.evidence.sealing import Sealed
from pytest_ddd.evidence.summary import RunSummary
from pytest_ddd.results import CheckResult


class Keeper:
    """Writes start, record and, at the end, the package.

    Args:
        root: where directories of evidence are made.
        facts: what is known before the first result.
        key: what to sign with; None for no signature.

    Raises:
        RecordError: nothing can be written there.
    """

    def __init__(self, root: Path, facts: RunFacts, key: Path | None) -> None:
        names = (facts.environment, facts.scenario, facts.run_id)
        self.directory = run_directory(root, facts.started_at, *names)
        self._plan = statements.cleaned(facts).plan
        self._key = key
        self._taken = 0
        head = statements.write_start(self.directory, self._clean(facts))
        self._writer = RecordWriter(self.directory, head=head)

    def add(self, result: CheckResult, attached: Mapping[str, str]) -> bytes:
        """Write one result into the record, after the long texts that it names by their SHA-256.

        Returns:
            Its line.

        Raises:
            RecordError: it could not be written; what was written before is still whole.
        """
        self._taken += 1
        for digest, text in attached.items():
            self._attach(digest, text)
        return self._writer.add(result)

    def seal(self, summary: RunSummary, results: Sequence[CheckResult]) -> Sealed:
        """Close the record and seal the package; of facts and results without secrets.

        Raises:
            RecordError: something could not be written or signed, or a secret was found.
        """
        self._writer.close()
        facts = self._clean(summary.facts)
        statements.write_end(self.directory, facts)
        run = account(replace(summary, facts=facts), results)
        end = Anchor(lines=self._writer.count, head=self._writer.head)
        if self._writer.count < self._taken:  # a full disk had room again: tell what is there
            run, end = recovery.recover(self.directory)
        return sealing.seal(self.directory, run, end, key=self._key)

    def _attach(self, digest: str, text: str) -> None:
        folder = self.directory / ATTACHMENTS
        try:
            make_private(folder)
        except OSError as error:
            raise failure(folder, error) from error
        write_file(folder / f"{digest}.txt", text.encode())

    def _clean(self, facts: RunFacts) -> RunFacts:
        """Return facts without secrets; a long plan is cleaned only once."""
        return replace(statements.cleaned(replace(facts, plan=None)), plan=self._plan)
