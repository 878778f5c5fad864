"""Say what a check would not find green, by the limits that it applies."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_ddd import results
from pytest_ddd.errors import CannotLookError, NotApplicableError
from pytest_ddd.outcomes import Outcome
from pytest_ddd.probes.backups import Backup
from pytest_ddd.probes.configuration import DriftItem
from pytest_ddd.probes.endpoints import Endpoint
from pytest_ddd.probes.entry import AnyEntry
from pytest_ddd.probes.logs import Log
from pytest_ddd.probes.resources import Resource
from pytest_ddd.results import Reading, Threshold


def faults(entry: AnyEntry) -> list[str]:
    """Return everything that keeps an entry from being green; it is read for that."""
    try:
        answer = entry.read()
        judged = [results.judge(reading, limits) for reading, limits in _held_against(entry)]
    except NotApplicableError:
        return []
    except CannotLookError as failure:
        return [failure.message]
    bad = [results.explain(one) for one in judged if one.outcome is not Outcome.GREEN]
    return [*bad, *(problem.text for problem in answer.problems)]


def _held_against(entry: AnyEntry) -> Iterator[tuple[Reading, Threshold]]:
    """Yield the readings that the check of an entry judges, with their limits."""
    if isinstance(entry, DriftItem) and (extra := entry.read().extra) is not None:
        yield extra, entry.extra
    elif isinstance(entry, Resource):
        yield from ((reading, entry.threshold) for reading in entry.read().readings)
    elif isinstance(entry, Log):
        review = entry.read()
        yield from ((review.critical, entry.critical), (review.errors, entry.errors))
    elif isinstance(entry, Endpoint):
        yield from _of_endpoint(entry)
    elif isinstance(entry, Backup):
        state = entry.read()
        yield state.age, entry.age
        if state.shrink is not None:
            yield state.shrink, entry.shrink


def _of_endpoint(entry: Endpoint) -> Iterator[tuple[Reading, Threshold]]:
    answer = entry.read()
    yield answer.latency, entry.latency
    if answer.certificate is not None:
        yield answer.certificate, entry.certificate
