"""Lynis: hardening of a whole host. The report file is read, not what is printed for people."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from pytest_ddd.baseline.sections.scans import Lynis, Severity
from pytest_ddd.errors import CannotLookError
from pytest_ddd.probes import commands
from pytest_ddd.probes.scanners.interface import Finding, Scanned, run

if TYPE_CHECKING:
    from pytest_ddd.connections import Session

SHOWN = "lynis audit system"
_SCRIPT = """\
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin; export PATH
command -v lynis >/dev/null || {{ echo 'lynis is not installed' >&2; exit 127; }}
[ "$(id -u)" = 0 ] || {{ echo 'not root: lynis passes over what it may not see' >&2; exit 1; }}
report=$(mktemp) || exit 1
trap 'rm -f "$report"' EXIT
lynis audit system --quick --quiet --no-colors --logfile /dev/null --report-file "$report" \\
  {groups} >/dev/null 2>&1
status=$?
cat -- "$report"
echo "ddd_status=$status"
"""
_RATED: dict[str, Severity] = {
    "vulnerable_package[]": "high",
    "warning[]": "high",
    "suggestion[]": "low",
}
"""lynis(8) knows warnings and suggestions only; vulnerable packages are a kind of warning."""

_ALWAYS = ("CORE-", "DEB-")
"""Bookkeeping and plugins, which run whatever was asked for: they alone are no audit."""


def scan(session: Session, model: Lynis, timeout_s: float) -> Scanned:
    """Run the audit and read its report.

    Raises:
        CannotLookError: lynis is missing, may not see everything, or did not come to its end.
    """
    groups = shlex.join(["--tests-from-group", " ".join(model.groups)]) if model.groups else ""
    done = run(
        session, _SCRIPT.format(groups=groups), shown=SHOWN, timeout_s=timeout_s, package="lynis"
    )
    if not done.ok:
        raise commands.blind(session, SHOWN, done, hint="write `sudo: true` at this host")
    pairs = [line.partition("=")[::2] for line in done.text.splitlines()]
    facts = dict(pairs)
    if facts.get("finish") != "true":
        status = facts.get("ddd_status", "?")
        raise CannotLookError(
            f"{session.spec.label}: {SHOWN}: its report has no end (exit status {status})",
            hint="run it yourself there: lynis audit system --quick",
        )
    tests = [one for one in facts.get("tests_executed", "").split("|") if one]
    return Scanned(
        findings=tuple(_finding(name, value) for name, value in pairs if _is_finding(name, value)),
        examined=len([one for one in tests if not one.startswith(_ALWAYS)]),
        unit="tests",
        source=SHOWN,
    )


def _is_finding(name: str, value: str) -> bool:
    """Whether a line tells of the host, and not of lynis itself: that it is old, say."""
    return name in _RATED and not value.startswith("LYNIS|")


def _finding(name: str, value: str) -> Finding:
    test, _, rest = value.partition("|")
    details = [part for part in rest.split("|") if part not in ("", "-")]
    return Finding(id=test, severity=_RATED[name], text=", ".join(details))
