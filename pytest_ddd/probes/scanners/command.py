"""Any scanner: what its exit status means, and where its findings stand in what it prints."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from pytest_ddd.baseline.sections.scans import Command, JsonAnswer, LinesAnswer, Severity
from pytest_ddd.errors import CannotLookError
from pytest_ddd.plain import Json
from pytest_ddd.probes import commands
from pytest_ddd.probes.scanners.interface import Finding, Scanned, run
from pytest_ddd.probes.web.conditions import AbsentError, find, parse_json, show

if TYPE_CHECKING:
    from pytest_ddd.connections import Session


def scan(session: Session, model: Command, timeout_s: float) -> Scanned:
    """Run it, and believe its exit status only when its output says the same.

    Raises:
        CannotLookError: another exit status, or an output that says something else.
    """
    done = run(session, model.run, shown=model.run, timeout_s=timeout_s)
    if done.exit_status not in (*model.clean, *model.found):
        hint = f"it may end with {_listed(model.clean)} (clean) or {_listed(model.found)} (found)"
        raise commands.blind(session, f"{model.run} (exit {done.exit_status})", done, hint=hint)
    where = f"{session.spec.label}: {model.run}"
    has_found = done.exit_status in model.found
    if model.json_ is not None:
        scanned = _from_json(model, model.json_, done.stdout, where)
    elif model.lines is not None:
        scanned = _from_lines(model, model.lines, done.text)
    else:
        said = done.text.strip()[-400:]
        finding = Finding(id=f"exit-{done.exit_status}", severity=model.unrated, text=said)
        findings = (finding,) if has_found else ()
        return Scanned(findings=findings, examined=1, unit="runs", source=model.run)
    if has_found and not scanned.findings and not scanned.blind:
        raise CannotLookError(
            f"{where}: ends with {done.exit_status}, as if it had found something, and names none",
            hint="correct `json`, `lines` or `found` of this scan",
        )
    return scanned


def _from_json(model: Command, paths: JsonAnswer, output: bytes, where: str) -> Scanned:
    try:
        answer = parse_json(output)
    except ValueError as mistake:
        raise CannotLookError(f"{where}: not JSON: {mistake}: {output[:120]!r}") from None
    try:
        examined = _list(answer, paths.examined, where) if paths.examined else [answer]
    except AbsentError as absent:
        raise CannotLookError(f"{where}: there is no {absent} in {show(answer)}") from None
    findings: list[Finding] = []
    blind = []
    for thing in examined:
        try:
            found = _list(thing, paths.findings, where)
        except AbsentError:
            blind.append(show(thing))
            continue
        findings += (_finding(model, paths, one, thing, where) for one in found)
    return Scanned(
        findings=tuple(findings),
        examined=len(examined) - len(blind),
        unit="things",
        source=model.run,
        blind=tuple(blind),
    )


def _finding(model: Command, paths: JsonAnswer, one: Json, thing: Json, where: str) -> Finding:
    try:
        name = find(one, paths.id)
        rated = find(one, paths.severity) if paths.severity else None
    except AbsentError as absent:
        raise CannotLookError(f"{where}: a finding has no {absent}: {show(one)}") from None
    of = thing.get("name") if isinstance(thing, dict) else None
    text = f"{of}: {show(one)}" if isinstance(of, str) else show(one)
    return Finding(id=str(name), severity=_severity(model, rated), text=text)


def _list(answer: Json, path: str, where: str) -> list[Json]:
    """Return the list at a path.

    Raises:
        AbsentError: nothing is there.
        CannotLookError: something else is there.
    """
    found = find(answer, path)
    if not isinstance(found, list):
        raise CannotLookError(f"{where}: {path} is no list: {show(found)}")
    return found


def _from_lines(model: Command, patterns: LinesAnswer, text: str) -> Scanned:
    lines = text.splitlines()
    seen = [line for line in lines if re.search(patterns.examined, line)]
    blind = [line for line in lines if patterns.blind and re.search(patterns.blind, line)]
    return Scanned(
        findings=tuple(_matches(model, patterns.finding, lines)),
        examined=len(seen),
        unit="lines",
        source=model.run,
        blind=tuple(blind),
    )


def _matches(model: Command, pattern: str, lines: list[str]) -> Iterator[Finding]:
    for line in lines:
        if (match := re.search(pattern, line)) is not None:
            rated = match.groupdict().get("severity")
            yield Finding(id=match["id"], severity=_severity(model, rated), text=line.strip())


def _severity(model: Command, rated: Json) -> Severity:
    """Return our word for a severity; one that nobody knows is `unrated`, never left out."""
    known = {name.lower(): word for name, word in model.severities.items()}
    own = {"critical", "high", "medium", "low", "info"}
    word = str(rated).lower()
    if word in known:
        return known[word]
    return word if word in own else model.unrated  # type: ignore[return-value]  # it is one of them


def _listed(statuses: list[int]) -> str:
    return " or ".join(map(str, statuses))
