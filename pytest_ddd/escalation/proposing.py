"""Run proposed commands that the baseline allows: each at most once an episode."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from pytest_ddd.alerts import Decision
from pytest_ddd.baseline.sections.escalation import Escalation, Proposal
from pytest_ddd.redaction import DEFAULT

_OUTPUT = 4096
"""Characters of a command's output that are kept, from its end."""


class Ledger(Protocol):
    """Where commands are written down before they start, and after they end."""

    def begin(self, decision: Decision, cooldown_s: float) -> bool:
        """Write down, for good, that a command starts; False when it must not.

        It must not when it was started before in this episode, whatever came of it, or the same
        command within the cooldown.
        """

    def end(self, decision: Decision, exit_status: int | None, output: str) -> None:
        """Write down how a command ended; None when it was killed at its timeout."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """A command that was run, or why it was not."""

    command: tuple[str, ...]
    said: str
    ended_well: bool

    def __str__(self) -> str:
        return f"{shlex.join(self.command)}: {self.said}"


def run_allowed(
    decisions: Iterable[Decision], section: Escalation, ledger: Ledger
) -> Iterator[Ran]:
    """Run what was proposed now and the baseline allows, and yield what came of it."""
    for decision in decisions:
        rule = section.rules.get(decision.key.rule)
        proposal = section.proposals.get(rule.propose) if rule is not None else None
        if proposal is None or not decision.command or decision.suppressed is not None:
            continue
        if not proposal.allowed:
            yield _not_run(decision, "not run: the baseline does not say `allowed: true`")
        elif not ledger.begin(decision, proposal.cooldown):
            yield _not_run(decision, "not run: it was started a short time ago")
        else:
            yield _run(decision, proposal, ledger)


def _run(decision: Decision, proposal: Proposal, ledger: Ledger) -> Ran:
    status: int | None = None
    try:
        done = subprocess.run(
            decision.command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=proposal.timeout,
            check=False,
        )
    except subprocess.TimeoutExpired as late:
        output, said = late.output or b"", f"killed after {proposal.timeout:g} s"
    except OSError as reason:
        output, said, status = b"", f"cannot run: {reason.strerror}", 127
    else:
        output, status = done.stdout, done.returncode
        said = "done" if status == 0 else f"ended with {status}"
    ledger.end(decision, status, DEFAULT.clean(output.decode(errors="replace")[-_OUTPUT:]))
    return Ran(command=decision.command, said=said, ended_well=status == 0)


def _not_run(decision: Decision, why: str) -> Ran:
    return Ran(command=decision.command, said=why, ended_well=True)
