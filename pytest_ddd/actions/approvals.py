"""Whether somebody who may has allowed a change: a file, signed with SSH by another person."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pytest_ddd import signatures
from pytest_ddd.baseline.approving import read_approval
from pytest_ddd.baseline.model import Baseline
from pytest_ddd.baseline.people import Person
from pytest_ddd.baseline.sections.approvals import Approval
from pytest_ddd.clock import stamp

NAMESPACE = "pytest-ddd-approval"
"""What a signature of an approval is for; it counts for nothing else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is to be allowed, and who asks.

    `operators` are the names of whoever runs this, `keys` the fingerprints of their keys.
    """

    change: str
    environment: str
    scenario: str
    hosts: Collection[str]
    at: datetime
    operators: Collection[str]
    keys: Collection[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Who has allowed it, and what is missing; with an obstacle it may not begin."""

    approvers: tuple[Person, ...] = ()
    obstacles: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    """The approvals, word for word."""


def decide(baseline: Baseline, files: Sequence[Path], request: Request) -> Decision:
    """Hold the files against what is asked for.

    Raises:
        BaselineError: a file is not there, or is no approval.
        CannotLookError: there is no ssh-keygen to read a signature.
    """
    declaration = baseline.approvals.get(request.scenario)
    if declaration is None:
        place = f"{baseline.root}/{baseline.name}/approvals.yaml"
        text = f"nobody may approve {request.scenario}: name who in {place}, or write `needed: 0`"
        return Decision(obstacles=(text,))
    approvers: dict[str, Person] = {}
    obstacles, texts = [], []
    for file in files:
        approval, wrong = _read(file, declaration.model.signers, request)
        if wrong:
            obstacles.append(f"{file} is no approval of this: {wrong}")
        else:
            approvers[approval.approver.key] = approval.approver
            texts.append(file.read_text(encoding="utf-8"))
    missing = declaration.model.needed - len(approvers)
    if missing > 0 and not obstacles:
        obstacles.append(
            f"approvals: {len(approvers)} of {declaration.model.needed} "
            f"({declaration.origin('needed')}): give a signed file with --ddd-approval=FILE"
        )
    return Decision(
        approvers=tuple(approvers.values()), obstacles=tuple(obstacles), texts=tuple(texts)
    )


def _read(file: Path, signers: Sequence[Person], request: Request) -> tuple[Approval, str]:
    content = file.read_bytes() if file.is_file() else b""
    approval = read_approval(file)
    return approval, (
        _unsigned(file, content, approval, signers)
        or _elsewhere(approval, request)
        or _untimely(approval, request.at)
        or _own(approval, request)
    )


def _unsigned(file: Path, content: bytes, approval: Approval, signers: Sequence[Person]) -> str:
    signature = file.with_name(f"{file.name}.sig")
    if not signature.is_file():
        return f"no signature {signature}: ssh-keygen -Y sign -n {NAMESPACE} -f KEY {file}"
    armor = signature.read_bytes()
    signed = signatures.signed_by(content, armor, NAMESPACE)
    if signed.problem:
        return signed.problem
    who = approval.approver
    if signed.fingerprint != who.key:
        return f"it is signed by another key than it names: {signed.fingerprint}"
    if who not in signers:
        return f"{who.principal} with the key {who.key} may not approve (see `approvals`)"
    return ""


def _elsewhere(approval: Approval, request: Request) -> str:
    if not request.change:
        return "name the change that it is for: --ddd-change=ID"
    for name in ("change", "environment", "scenario"):
        said, wanted = getattr(approval, name), getattr(request, name)
        if said != wanted:
            return f"it is for {name} {said}, not {wanted}"
    left_out = sorted(set(request.hosts) - set(approval.hosts))
    return f"it does not name {', '.join(left_out)}" if left_out else ""


def _untimely(approval: Approval, at: datetime) -> str:
    if at < approval.valid_from:
        return f"it holds from {stamp(approval.valid_from)[:16]} UTC only"
    if at >= approval.valid_until:
        return f"it expired at {stamp(approval.valid_until)[:16]} UTC"
    return ""


def _own(approval: Approval, request: Request) -> str:
    """Nobody allows a change to himself; `mira` and `mira@example.org` are one."""
    who = approval.approver
    principal = who.principal.lower()
    names = {one.lower() for one in request.operators}
    if not names.isdisjoint((principal, principal.partition("@")[0])):
        return f"it is by {who.principal}, who runs this"
    if who.key in request.keys:
        return f"it is signed with the key of whoever runs this: {who.key}"
    return ""
