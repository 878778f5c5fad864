"""Manual steps: who confirmed each, when, and whether that still counts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from pytest_ddd import clock, signatures
from pytest_ddd.baseline.model import Declaration
from pytest_ddd.baseline.sections.attestations import Attestation as Model
from pytest_ddd.plain import Json
from pytest_ddd.probes.entry import Entry
from pytest_ddd.results import Limit, Problem, Reading, Threshold

if TYPE_CHECKING:
    from pytest_ddd.probes.scope import Scope

SECTION = "attestations"
NAMESPACE = "pytest-ddd-attestation"
"""What a signature of an attestation is for; it counts for nothing else."""

_DAY_S = 86400


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmation:
    """For how many days a confirmation still counts; negative when it does not any more."""

    left: Reading
    problems: tuple[Problem, ...]

    @property
    def readings(self) -> tuple[Reading, ...]:
        """All that was read."""
        return (self.left,)


class Attestation(Entry[Confirmation]):
    """One manual step of the section `attestations`."""

    def __init__(self, declaration: Declaration[Model], *, environment: str) -> None:
        super().__init__(section=SECTION, key=declaration.key, target=environment)
        self.declaration = declaration

    @property
    def left(self) -> Threshold:
        """Expired is red; about to expire is yellow."""
        origin = self.declaration.origin
        warn = Limit(value=self.declaration.model.remind / _DAY_S, origin=origin("remind"))
        crit = Limit(value=0, origin=origin("every"))
        return Threshold(warn=warn, crit=crit, unit="days", bad="below")

    def look(self) -> Confirmation:
        """Hold the confirmation against the clock, and its signature against what it says.

        Raises:
            CannotLookError: its signature cannot be read.
        """
        model, at = self.declaration.model, clock.now()
        problem, days = self._problem(), -1.0
        if model.confirmed_at is not None:
            days = (model.every - (at - model.confirmed_at).total_seconds()) / _DAY_S
            if model.confirmed_at > at:
                problem, days = "was confirmed in the future", -1.0
        left = Reading(
            name=f"confirmation {self.key}",
            value=round(days, 2),
            unit="days",
            source=str(self.declaration.origin()),
            at=at,
            expected=model.statement,
            detail=_words(model),
            origin=self.declaration.origin(),
        )
        problems = [Problem(text=f"{self.key} {problem}", origin=self.declaration.origin())]
        return Confirmation(left=left, problems=tuple(problems if problem else ()))

    def _problem(self) -> str:
        model = self.declaration.model
        if model.confirmed_by is None:
            return f"was never confirmed: {model.statement}"
        if not model.signature:
            return ""
        text = message(self.target, self.declaration)
        signed = signatures.signed_by(text, model.signature.encode(), NAMESPACE)
        if signed.problem or signed.fingerprint == model.confirmed_by.key:
            return signed.problem
        return f"is signed by another key: {signed.fingerprint}"


def message(environment: str, declaration: Declaration[Model]) -> bytes:
    """Return what is signed: everything that the attestation says, and where."""
    fields: Mapping[str, Json] = declaration.model.model_dump(mode="json", exclude={"signature"})
    head = {"environment": environment, "attestation": declaration.key}
    return signatures.canonical({**head, **fields})


def _words(model: Model) -> str:
    if model.confirmed_by is None or model.confirmed_at is None:
        return model.statement
    signed = "signed by this key" if model.signature else "not signed"
    who = model.confirmed_by
    return "\n".join(
        (
            model.statement,
            f"confirmed by {who.principal}, {who.key} ({signed})",
            f"confirmed at {clock.stamp(model.confirmed_at)}",
            *([f"proof: {model.proof}"] if model.proof else []),
        )
    )


def entries(scope: Scope) -> list[Attestation]:
    """Return one entry for each manual step."""
    return [
        Attestation(cast("Declaration[Model]", declaration), environment=scope.baseline.name)
        for declaration in scope.in_environment(SECTION)
    ]
