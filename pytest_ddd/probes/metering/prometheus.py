"""Ask the HTTP API of Prometheus; what is not one finite, fresh series is no answer.

The API is described at https://prometheus.io/docs/prometheus/latest/querying/api/.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from pytest_ddd import clock
from pytest_ddd.errors import CannotLookError
from pytest_ddd.plain import Json
from pytest_ddd.probes.metering.samples import Samples
from pytest_ddd.probes.web.ask import Caller, Parameters, read_json
from pytest_ddd.probes.web.attempt import Deadline
from pytest_ddd.units import format_duration, plural

POINTS_AT_ONCE = 10_000
"""Prometheus refuses a range query of more than 11,000 points a series."""

_SHOWN = 300
_SERIES_SHOWN = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """The time that a range query looks at, and how much of it must be there.

    `coverage` is a percentage: with fewer samples nothing is known about the rest of the time.
    """

    start: datetime
    end: datetime
    step_s: float
    coverage: float

    @property
    def points(self) -> int:
        """How many samples there should be."""
        return math.floor((self.end - self.start).total_seconds() / self.step_s) + 1

    def chunks(self) -> Iterator[tuple[float, float]]:
        """Yield the first and last moment of each query, in seconds since 1970, none twice."""
        first = self.start.timestamp()
        for begin in range(0, self.points, POINTS_AT_ONCE):
            end = min(begin + POINTS_AT_ONCE, self.points) - 1
            yield first + begin * self.step_s, first + end * self.step_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Prometheus:
    """One Prometheus, or anything that speaks its API.

    `max_age_s` is how old the newest sample may be.
    """

    caller: Caller
    max_age_s: float

    def instant(self, query: str) -> Samples:
        """Return the one value that a query has now.

        Raises:
            CannotLookError: no answer, no series, several, a stale one, or no finite number.
        """
        deadline = self.caller.deadline()
        kind, result = self._query("/api/v1/query", [("query", query)], deadline, query)
        if kind == "scalar":
            return self._samples(query, [self._number(_pair(result), query)], "a scalar")
        if kind != "vector" or not isinstance(result, list):
            raise self._blind(query, f"has the type {kind}: an instant query needs one number")
        series = self._only(query, result)
        value = self._number(_pair(series.get("value")), query)
        age_s = self._age_s(query, deadline)
        if age_s > self.max_age_s:
            raise self._stale(query, age_s)
        return self._samples(query, [value], _labels(series))

    def over(self, query: str, wanted: Range) -> Samples:
        """Return the samples of one series over a range, asked in pieces that are small enough.

        A sample that is not a finite number counts as missing.

        Raises:
            CannotLookError: no answer, no series, several, a stale one, or too few samples.
        """
        deadline = self.caller.deadline()
        found: dict[float, float] = {}
        names: set[str] = set()
        for begin, end in wanted.chunks():
            parameters = [("query", query), ("start", f"{begin:.3f}"), ("end", f"{end:.3f}")]
            parameters.append(("step", f"{wanted.step_s:g}"))
            kind, result = self._query("/api/v1/query_range", parameters, deadline, query)
            if kind != "matrix" or not isinstance(result, list):
                raise self._blind(query, f"has the type {kind}, expected matrix")
            if result:  # one piece may well be empty; whether enough is there shows below
                series = self._only(query, result)
                names.add(_labels(series))
                found.update(_points(series))
        if len(names) > 1:
            raise self._several(query, sorted(names))
        return self._enough(query, found, wanted, next(iter(names), ""))

    def rules(self) -> Json:
        """Return the groups of alerting rules that are loaded.

        Raises:
            CannotLookError: no answer.
        """
        data = self._data("/api/v1/rules", [("type", "alert")], self.caller.deadline(), "rules")
        return data.get("groups")

    def _enough(
        self, query: str, found: Mapping[float, float], wanted: Range, labels: str
    ) -> Samples:
        good = {at: value for at, value in sorted(found.items()) if math.isfinite(value)}
        if not found:
            raise self._nothing(query)
        if not good:
            raise self._blind(query, "is not a finite number at any time of the range")
        age_s = wanted.end.timestamp() - max(good)
        if age_s > self.max_age_s + wanted.step_s:
            raise self._stale(query, age_s)
        share = 100 * len(good) / wanted.points
        if share < wanted.coverage:
            raise CannotLookError(
                f"{self._where(query)} has {len(good):,} of {wanted.points:,} samples "
                f"({share:.3g} %), expected {wanted.coverage:g} %",
                hint="look further back at less (over, step), or lower `coverage`",
            )
        note = f"{labels} {plural(len(good), 'sample')} of {wanted.points:,} from "
        note += f"{wanted.start:%Y-%m-%d %H:%M} to {wanted.end:%Y-%m-%d %H:%M} UTC"
        return self._samples(query, list(good.values()), note.strip())

    def _age_s(self, query: str, deadline: Deadline) -> float:
        """Return how old the newest sample is; only a plain selector has an age of its own."""
        asked = f"timestamp({query}\n)"  # a query may end in a comment
        _kind, result = self._query("/api/v1/query", [("query", asked)], deadline, query)
        if not isinstance(result, list) or not result:
            raise self._nothing(query)  # it vanished between two questions
        series = self._only(query, result)
        answered_at, _ = _pair(series.get("value"))
        return answered_at - self._number(_pair(series.get("value")), query)

    def _query(
        self, path: str, parameters: Parameters, deadline: Deadline, query: str
    ) -> tuple[str, Json]:
        data = self._data(path, parameters, deadline, query)
        return str(data.get("resultType")), data.get("result")

    def _data(
        self, path: str, parameters: Parameters, deadline: Deadline, query: str
    ) -> Mapping[str, Json]:
        response = self.caller.answer(path, parameters, deadline)
        body = read_json(response)
        if not isinstance(body, dict) or body.get("status") not in ("success", "error"):
            raise CannotLookError(
                f"{self.caller.url}{path}: status {response.status}: not an answer of Prometheus: "
                f"{response.text[:_SHOWN]!r}"
            )
        if body["status"] == "error" or response.status != 200:
            said = f"{body.get('errorType')}: {body.get('error')}"
            raise self._blind(query, f"is refused: {said[:_SHOWN]}")
        if warnings := body.get("warnings"):  # what stands behind the API has answered in part
            raise self._blind(query, f"is answered in part: {str(warnings)[:_SHOWN]}")
        data = body.get("data")
        if not isinstance(data, dict):
            raise self._blind(query, "is answered without data")
        return data

    def _only(self, query: str, result: Sequence[Json]) -> Mapping[str, Json]:
        series = [one for one in result if isinstance(one, dict)]
        if not series:
            raise self._nothing(query)
        if len(series) > 1:
            raise self._several(query, [_labels(one) for one in series])
        if "histogram" in series[0] or "histograms" in series[0]:
            raise self._blind(query, "is a histogram: ask for histogram_quantile(…) of it")
        return series[0]

    def _number(self, pair: tuple[float, float], query: str) -> float:
        if not math.isfinite(pair[1]):
            raise self._blind(query, f"is {pair[1]}: not a finite number")
        return pair[1]

    def _samples(self, query: str, values: Sequence[float], note: str) -> Samples:
        return Samples(values=tuple(values), source=f"{self.caller.url}: {query}", note=note)

    def _where(self, query: str) -> str:
        return f"{self.caller.url}: {query}"

    def _blind(self, query: str, words: str) -> CannotLookError:
        return CannotLookError(f"{self._where(query)} {words}")

    def _nothing(self, query: str) -> CannotLookError:
        return CannotLookError(
            f"{self._where(query)} has no series",
            hint="the name may be wrong, or its target is down: look at /targets of Prometheus",
        )

    def _several(self, query: str, labels: Sequence[str]) -> CannotLookError:
        more = f" and {len(labels) - _SERIES_SHOWN} more" if len(labels) > _SERIES_SHOWN else ""
        shown = ", ".join(labels[:_SERIES_SHOWN])
        return CannotLookError(
            f"{self._where(query)} has {len(labels)} series, expected one: {shown}{more}",
            hint="name one by its labels, or combine them: sum(…), max(…)",
        )

    def _stale(self, query: str, age_s: float) -> CannotLookError:
        limit = format_duration(self.max_age_s)
        return CannotLookError(
            f"{self._where(query)} is stale: its newest sample is {format_duration(age_s)} old, "
            f"expected at most {limit}",
            hint="look at /targets of Prometheus: who should write it?",
        )


def range_of(over_s: float, step_s: float, coverage: float) -> Range:
    """Return the range that ends now, on a whole step, so that two looks see the same samples."""
    end_s = math.floor(clock.now().timestamp() / step_s) * step_s
    end = datetime.fromtimestamp(end_s, clock.now().tzinfo)
    start = datetime.fromtimestamp(end_s - over_s, end.tzinfo)
    return Range(start=start, end=end, step_s=step_s, coverage=coverage)


def _pair(value: Json) -> tuple[float, float]:
    """Return the moment and the number of `[1435781430.781, "1"]`."""
    if isinstance(value, list) and len(value) == 2:
        at, number = value
        if isinstance(at, int | float) and isinstance(number, str):
            try:
                return float(at), float(number)
            except ValueError:
                pass
    raise CannotLookError(f"not a sample of Prometheus: {str(value)[:_SHOWN]!r}")


def _points(series: Mapping[str, Json]) -> Iterator[tuple[float, float]]:
    values = series.get("values")
    if not isinstance(values, list):
        raise CannotLookError(f"not a series of Prometheus: {str(series)[:_SHOWN]!r}")
    return (_pair(value) for value in values)


def _labels(series: Mapping[str, Json]) -> str:
    metric = series.get("metric")
    labels = metric if isinstance(metric, dict) else {}
    return "{" + ", ".join(f'{name}="{value}"' for name, value in sorted(labels.items())) + "}"
