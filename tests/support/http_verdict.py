"""Endpoints from a few keys, and the outcome that the shipped check gives them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pytest_ddd.baseline.model import Declaration
from pytest_ddd.baseline.sections import endpoints as section
from pytest_ddd.outcomes import Outcome, worst
from pytest_ddd.probes.endpoints import Endpoint, EndpointAnswer
from pytest_ddd.results import Origin, explain, judge

FILE = "baselines/prod/endpoints.yaml"


def endpoint_of(url: str, **keys: object) -> Endpoint:
    """Return the endpoint `shop`; its url stands in line 4, every further key in the next one."""
    keys.setdefault("attempts", {"count": 1, "interval": "10ms"})
    origins: dict[tuple[str | int, ...], Origin] = {(): Origin(file=FILE, line=3)}
    line = 3
    for key, value in {"url": url, **keys}.items():
        line += 1
        origins[(key,)] = Origin(file=FILE, line=line)
        for inner in value if isinstance(value, Mapping) else ():
            line += 1
            origins[(key, str(inner))] = Origin(file=FILE, line=line)
    model = section.Endpoint.model_validate({"url": url, **keys})
    declaration = Declaration(section="endpoints", key="shop", model=model, origins=origins)
    return Endpoint(declaration, target="endpoint:shop", url=url)


@dataclass(frozen=True)
class Verdict:
    """The outcome of the check, what it judged in words, and the problems it failed on."""

    outcome: Outcome
    judged: tuple[str, ...]
    problems: tuple[str, ...]
    answer: EndpointAnswer | None
    unknown: str = ""


def check(endpoint: Endpoint) -> Verdict:
    """Do what the shipped check does."""
    judged = []
    answer: EndpointAnswer | None = None
    outcomes, unknown = [], ""
    try:
        answer = endpoint.read()
        judged.append(judge(answer.latency, endpoint.latency))
        if answer.certificate:
            judged.append(judge(answer.certificate, endpoint.certificate))
        assert answer.problems == ()
    except AssertionError:
        outcomes.append(Outcome.RED)
    except Exception as failure:  # noqa: BLE001 - any other exception makes a check UNKNOWN
        outcomes.append(Outcome.UNKNOWN)
        unknown = str(failure)
    outcomes += [reading.outcome for reading in judged if reading.outcome]
    return Verdict(
        outcome=worst(outcomes),
        judged=tuple(explain(reading) for reading in judged),
        problems=tuple(str(problem) for problem in (answer.problems if answer else ())),
        answer=answer,
        unknown=unknown,
    )
