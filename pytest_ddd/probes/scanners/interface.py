"""What every scanner says: what it found, how much it examined, and what it could not see."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_ddd.baseline.sections.scans import Severity
from pytest_ddd.errors import CannotLookError
from pytest_ddd.probes import commands

if TYPE_CHECKING:
    from pytest_ddd.connections import Completed, Session

SEVERITIES: tuple[Severity, ...] = ("critical", "high", "medium", "low", "info")
"""Worst first."""

_NOT_FOUND = 127


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that a scanner found: the same shape for every scanner."""

    id: str
    severity: Severity
    text: str = ""

    def __str__(self) -> str:
        return f"{self.severity} {self.id}" + (f": {self.text}" if self.text else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scanned:
    """What a scan says.

    Attributes:
        examined: how many things were looked at: rules, packages, tests.
        unit: what they are called.
        blind: what could not be looked at, one sentence each.
        source: the command.
    """

    findings: tuple[Finding, ...]
    examined: int
    unit: str
    source: str
    blind: tuple[str, ...] = ()


def run(
    session: Session, script: str, *, shown: str, timeout_s: float, package: str = ""
) -> Completed:
    """Run a scanner.

    Raises:
        CannotLookError: it did not end in time, or is not installed.
    """
    done = commands.look(session, script, shown=shown, timeout_s=timeout_s)
    if done.exit_status == _NOT_FOUND:
        hint = f"apt-get install {package}   # on that host" if package else "install it there"
        raise CannotLookError(f"{session.spec.label}: {shown}: {done.said[-200:]}", hint=hint)
    return done
