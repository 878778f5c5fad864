"""List what is accepted for a time, check the signatures, and sign waivers and attestations."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

from pytest_ddd import clock
from pytest_ddd.baseline.tree import nearest
from pytest_ddd.cli.baselines_place import add_baselines
from pytest_ddd.cli.printing import say
from pytest_ddd.errors import UnknownTargetError, UntrustedError, UsageError
from pytest_ddd.units import plural

if TYPE_CHECKING:
    from pytest_ddd.baseline.model import Declaration
    from pytest_ddd.baseline.sections.attestations import Attestation
    from pytest_ddd.evidence.waivers import Held

SUMMARY = "list, check and sign waivers"

_INDENT = "      "


def configure(parser: argparse.ArgumentParser) -> None:
    """Add what the verb takes."""
    verbs = parser.add_subparsers(dest="waiver_verb", metavar="WHAT", required=True)
    listing = verbs.add_parser("list", help="say what is accepted, by whom and until when")
    check = verbs.add_parser("check", help="exit with 1 if a waiver is expired or not as signed")
    check.add_argument(
        "--signers", type=Path, metavar="FILE",
        help="hold approvers against a file of allowed signers (ssh-keygen(1)); without a "
        "signature that it knows, a waiver does not pass",
    )  # fmt: skip
    sign = verbs.add_parser("sign", help="print a signature, to paste below what it signs")
    sign.add_argument("environment", metavar="ENV")
    sign.add_argument("name", metavar="NAME", help="a waiver or an attestation")
    sign.add_argument(
        "--key",
        type=Path,
        required=True,
        metavar="FILE",
        help="the key of who approves or confirms",
    )
    for each in (listing, check):
        each.add_argument("environments", nargs="*", metavar="ENV", help="default: all")
    for each in (listing, check, sign):
        add_baselines(each)


def run(arguments: argparse.Namespace) -> int:
    """List, check or sign.

    Raises:
        UsageError: there is no such environment or waiver, or it cannot be signed.
    """
    if arguments.waiver_verb == "sign":
        return _sign(arguments)
    signers: Path | None = getattr(arguments, "signers", None)
    if signers is not None and not signers.is_file():
        raise UsageError(
            f"{signers}: no such file", hint="it holds lines `PRINCIPAL ssh-ed25519 …`"
        )
    count = bad = 0
    for environment in _environments(arguments):
        for held in _held(arguments.baselines, environment):
            problem = held.problem or held.blind or _unknown(environment, held, signers)
            count, bad = count + 1, bad + bool(problem)
            for line in _lines(environment, held, problem):
                say(line)
    say(f"{plural(count, 'waiver')}, {bad} of them not in force" if count else "no waivers")
    return int(bad > 0 and arguments.waiver_verb == "check")


def _environments(arguments: argparse.Namespace) -> list[str]:
    from pytest_ddd.baseline.inventory import find_environments

    chosen: list[str] = arguments.environments or find_environments(arguments.baselines)
    return chosen


def _held(baselines: Path, environment: str) -> tuple[Held, ...]:
    from pytest_ddd.baseline.loader import load_baseline
    from pytest_ddd.evidence.waivers import Operator, Waivers

    baseline = load_baseline(baselines, environment)
    return Waivers(baseline, at=clock.now(), operator=Operator()).all


def _unknown(environment: str, held: Held, signers: Path | None) -> str:
    """Return why a file of allowed signers does not vouch for the approver."""
    from pytest_ddd.evidence.waivers import NAMESPACE, message
    from pytest_ddd.signatures import Trust

    if signers is None:
        return ""
    if not held.waiver.signature:
        return "is not signed"
    who, text = held.waiver.approver.principal, message(environment, held.name, held.waiver)
    trust = Trust(allowed_signers=signers, identity=who)
    try:
        signature, at = held.waiver.signature.encode(), held.waiver.approved_at
        trust.signer(text, signature, NAMESPACE, at)
    except UntrustedError as error:
        return f"{signers} does not vouch for its signature by {who}: {error.message}"
    return ""


def _lines(environment: str, held: Held, problem: str) -> Iterator[str]:
    waiver = held.waiver
    days = (waiver.expires_at - clock.now()).total_seconds() / 86400
    signed = "signed" if waiver.signature else "not signed"
    sign = "✗" if problem else "!" if days * 86400 <= waiver.remind else "✓"
    yield (
        f"{sign} {environment} {held.name}: until {waiver.expires_at:%Y-%m-%d %H:%M} UTC "
        f"({days:.0f} days), {waiver.approver.principal}, {signed} ({held.declaration.origin()})"
    )
    if problem:
        yield f"    {problem}"
    yield f"    {', '.join(waiver.checks)} on {', '.join(waiver.targets)}: {waiver.reason}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Signable:
    """What somebody signs: the text, what the signature is for, and by whom it has to be."""

    text: bytes
    namespace: str
    signer: str
    where: str


def _signable(baselines: Path, environment: str) -> dict[str, _Signable]:
    """Return the waivers and the confirmed attestations of an environment by name."""
    from pytest_ddd.baseline.loader import load_baseline
    from pytest_ddd.evidence import waivers
    from pytest_ddd.probes import attestations

    baseline = load_baseline(baselines, environment)
    found = {
        name: _Signable(
            text=waivers.message(environment, name, one.model),
            namespace=waivers.NAMESPACE,
            signer=one.model.approver.key,
            where=str(one.origin("approver", "key")),
        )
        for name, one in baseline.waivers.items()
    }
    for each in baseline.for_environment.get(attestations.SECTION, ()):
        one = cast("Declaration[Attestation]", each)
        if one.model.confirmed_by is not None:
            found[one.key] = _Signable(
                text=attestations.message(environment, one),
                namespace=attestations.NAMESPACE,
                signer=one.model.confirmed_by.key,
                where=str(one.origin("confirmed_by", "key")),
            )
    return found


def _sign(arguments: argparse.Namespace) -> int:
    from pytest_ddd import signatures

    found = _signable(arguments.baselines, arguments.environment)
    if arguments.name not in found:
        near = nearest(arguments.name, found)
        raise UnknownTargetError(
            f"nothing to sign is named {arguments.name!r} in {arguments.environment}{near}",
            hint=f"pytest-ddd waiver list {arguments.environment}",
        )
    one = found[arguments.name]
    signature = signatures.sign(one.text, arguments.key, one.namespace)
    key = signatures.signed_by(one.text, signature, one.namespace).fingerprint
    if key != one.signer:
        raise UsageError(
            f"{arguments.key} is {key}, but {one.where} names {one.signer}",
            hint="sign with that key, or name this one there",
        )
    say("    signature: |")
    for line in signature.decode().splitlines():
        say(f"{_INDENT}{line}")
    return 0
