"""debsecan: the vulnerabilities that Debian knows of in the installed packages."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

from pytest_ddd.baseline.sections.scans import Debsecan, Severity
from pytest_ddd.errors import CannotLookError
from pytest_ddd.probes import commands
from pytest_ddd.probes.scanners.interface import Finding, Scanned, run

if TYPE_CHECKING:
    from pytest_ddd.connections import Session

_SCRIPT = """\
command -v debsecan >/dev/null || {{ echo 'debsecan is not installed' >&2; exit 127; }}
suite={suite}
[ -n "$suite" ] || suite=$(. /etc/os-release && printf %s "$VERSION_CODENAME")
[ -n "$suite" ] || {{ echo '/etc/os-release names no suite' >&2; exit 1; }}
dpkg-query -W -f '${{db:Status-Status}}\\n' | grep -c '^installed$' || exit 1
debsecan --suite "$suite" --format summary {source}
"""
_LINE = re.compile(r"(?P<id>\S+) (?P<package>\S+)(?: \((?P<notes>.*)\))?")
"""`CVE-2099-0001 libssl3 (fixed, remotely exploitable, high urgency)`."""

_URGENCIES: dict[str, Severity] = {
    "high urgency": "high",
    "medium urgency": "medium",
    "low urgency": "low",
}


def scan(session: Session, model: Debsecan, timeout_s: float) -> Scanned:
    """Run it and read its summary.

    Raises:
        CannotLookError: debsecan or its lists are missing, or say nothing that can be read.
    """
    source = shlex.join(["--source", model.source]) if model.source else ""
    script = _SCRIPT.format(suite=shlex.quote(model.suite or ""), source=source)
    shown = f"debsecan {source}".strip()
    done = run(session, script, shown=shown, timeout_s=timeout_s, package="debsecan")
    count, *lines = done.text.splitlines() or [""]
    if not done.ok or not count.isdecimal():
        hint = "it fetches its lists by HTTPS: `source` names a mirror"
        raise commands.blind(session, shown, done, hint=hint)
    matches = [(line, _LINE.fullmatch(line)) for line in lines if line.strip()]
    if strange := [line for line, match in matches if match is None]:
        raise CannotLookError(f"{session.spec.label}: {shown}: not a finding: {strange[0]!r}")
    if not matches:
        raise CannotLookError(
            f"{session.spec.label}: {shown}: names not one vulnerability, not even one without "
            "a fix: its lists are empty, or of another suite",
            hint="name the suite: debsecan: {suite: bookworm}",
        )
    found = [match.groupdict(default="") for _, match in matches if match is not None]
    return Scanned(
        findings=tuple(
            _finding(**one)
            for one in found
            if not model.only_fixed or "fixed" in one["notes"].split(", ")
        ),
        examined=int(count),
        unit="packages",
        source=shown,
    )


def _finding(id: str, package: str, notes: str) -> Finding:  # noqa: A002  # the group's name
    rated = [_URGENCIES[note] for note in notes.split(", ") if note in _URGENCIES]
    text = f"{package} ({notes})" if notes else package
    return Finding(id=id, severity=rated[0] if rated else "medium", text=text)
