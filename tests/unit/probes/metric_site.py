"""Metrics from a few keys, and the outcome that the shipped check gives them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pytest_ddd.baseline.model import Declaration
from pytest_ddd.baseline.sections.metrics import Metric as Model
from pytest_ddd.connections import Connections
from pytest_ddd.errors import CannotLookError
from pytest_ddd.outcomes import Outcome, worst
from pytest_ddd.probes.metrics import Metric
from pytest_ddd.probes.sql import Databases
from pytest_ddd.results import Origin, Reading, explain, judge

FILE = "baselines/prod/metrics.yaml"


@dataclass(frozen=True)
class From:
    """What a metric takes of the scope of a run."""

    connections: Connections
    databases: Databases = field(default_factory=Databases)


FROM_HERE = From(Connections({}))
GREEN, YELLOW, RED, UNKNOWN = Outcome.GREEN, Outcome.YELLOW, Outcome.RED, Outcome.UNKNOWN


def metric(**keys: object) -> Metric:
    """Return the metric `checkout` of the environment `prod`; its baseline stands in line 5."""
    origins: dict[tuple[str | int, ...], Origin] = {
        (): Origin(file=FILE, line=2),
        ("baseline",): Origin(file=FILE, line=5),
    }
    keys.setdefault("baseline", {"value": 0.25})
    model = Model.model_validate(keys)
    declaration = Declaration(section="metrics", key="checkout", model=model, origins=origins)
    return Metric(declaration, target="prod", scope=FROM_HERE)


@dataclass(frozen=True)
class Verdict:
    """The outcome of the check, and why."""

    outcome: Outcome
    reason: str
    readings: tuple[Reading, ...] = ()


def check(one: Metric) -> Verdict:
    """Do what the shipped check does."""
    try:
        measured = one.read()
    except CannotLookError as failure:
        return Verdict(UNKNOWN, str(failure))
    finally:
        FROM_HERE.databases.close()
    judged = [judge(reading, one.threshold[reading.name]) for reading in measured.readings]
    outcomes = [reading.outcome or UNKNOWN for reading in judged]
    reason = "; ".join(explain(reading) for reading in judged)
    return Verdict(worst(outcomes), reason, tuple(judged))


def prometheus(url: str, query: str, **keys: object) -> Mapping[str, object]:
    """Return the keys of a query with a short deadline."""
    return {"url": url, "query": query, "deadline": "20s", **keys}
