"""Performance metrics, what is usual for them, and how far they may be from it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from pytest_ddd import units
from pytest_ddd.baseline.fields import Duration, Entry, Model, Percent
from pytest_ddd.baseline.servers import HostServer
from pytest_ddd.baseline.sources import Query


def _allowance(value: object) -> object:
    """Accept `20%` (of the baseline) or a bare number (in the unit of the metric)."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError("write 20% (of the baseline), or a number in the metric's unit")  # noqa: TRY004  # pydantic tells of ValueError only
    amount = units.parse_percent(value) if isinstance(value, str) else float(value)
    if not 0 < amount < float("inf"):
        raise ValueError(f"{value} allows nothing: a metric that equals its baseline would be bad")
    return value


Allowance = Annotated[
    str | float,
    BeforeValidator(_allowance),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "pattern": "^[0-9.]+ *%$", "examples": ["20%"]},
                {"type": "number", "exclusiveMinimum": 0},
            ]
        }
    ),
]
Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]


def amount_of(baseline: float, allowance: str | float) -> float:
    """Return an allowance in the unit of the metric."""
    if isinstance(allowance, str):
        return abs(baseline) * units.parse_percent(allowance) / 100
    return allowance


class PrometheusQuery(HostServer):
    """A PromQL query that gives one series: its value now, or its samples `over` some time."""

    query: str = Field(min_length=1)
    over: Duration | None = None
    step: Duration = 60.0
    max_age: Duration = 300.0
    """How old the newest sample may be. Only a plain selector tells the age of its value."""
    coverage: Percent = 80.0
    """How much of the samples `over` the time must be there."""

    @model_validator(mode="after")
    def _has_samples(self) -> PrometheusQuery:
        if self.over is None:
            ignored = [name for name in ("step", "coverage") if name in self.model_fields_set]
            if ignored:
                raise ValueError(f"{ignored[0]} has a meaning with over only: write over: 24h")
        elif self.step < 0.001 or self.over < self.step:
            raise ValueError("over must hold at least one step, and a step at least 1ms")
        if self.coverage > 100:
            raise ValueError("coverage can never be more than 100%")
        return self


class JsonNumber(HostServer):
    """A number, or a list of numbers, in the JSON that a URL answers."""

    at: str = Field(min_length=1)
    """Dotted path in the answer: `latency.p95_ms`, `workers.0.load`."""


class Usual(Model):
    """What is usual: of the one value, or of all samples."""

    value: Number | None = None
    mean: Number | None = None
    p95: Number | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Usual:
        if self.value is None and self.mean is None and self.p95 is None:
            raise ValueError("needs value, mean or p95: what is usual?")
        if self.value is not None and (self.mean is not None or self.p95 is not None):
            raise ValueError("value is of one number, mean and p95 are of many: choose")
        return self


class Tolerance(Model):
    """How far a metric may be from its baseline: `20%` of it, or a number in its unit."""

    warn: Allowance | None = None
    crit: Allowance | None = None

    @model_validator(mode="after")
    def _usable(self) -> Tolerance:
        warn, crit = self.warn, self.crit
        if warn is None and crit is None:
            raise ValueError("needs warn, crit or both: without one nothing can turn red")
        if warn is None or crit is None:
            return self
        if isinstance(warn, str) != isinstance(crit, str):
            raise ValueError("warn and crit are both percentages or both numbers")
        if amount_of(100, warn) > amount_of(100, crit):
            raise ValueError(f"warn {warn} would never be seen: crit {crit} is reached first")
        return self


class Metric(Entry):
    """One metric. Lives in the environment and is asked from the controller.

    With `applies_to` it is asked once for each host, and `{host}` and `{address}` in `url` and
    `query` stand for the host's inventory name and its address.
    """

    prometheus: PrometheusQuery | None = None
    sql: Query | None = None
    """A query whose only column is a number: one row for `value`, any number for mean and p95."""
    json_: JsonNumber | None = Field(default=None, alias="json")
    unit: str = ""
    """`s` and `bytes` are written as durations and sizes; anything else stands as it is."""
    baseline: Usual
    tolerance: Tolerance = Tolerance.model_validate({"warn": "20%", "crit": "50%"})
    worse: Literal["above", "below"] = "above"
    """On which side of the baseline trouble lies."""

    @model_validator(mode="after")
    def _one_source(self) -> Metric:
        if sum(source is not None for source in (self.prometheus, self.sql, self.json_)) != 1:
            raise ValueError("needs exactly one of prometheus, sql and json")
        query = self.prometheus
        if query is not None and (query.over is None) != (self.baseline.value is not None):
            told = "mean and p95 need over" if query.over is None else "over needs mean or p95"
            raise ValueError(f"{told}: one value now, or many samples over some time")
        return self

    @model_validator(mode="after")
    def _percentages_of_something(self) -> Metric:
        usual = (self.baseline.value, self.baseline.mean, self.baseline.p95)
        relative = isinstance(self.tolerance.warn or self.tolerance.crit, str)
        if relative and 0 in usual:
            raise ValueError("a percentage of 0 is 0: write tolerance as numbers, {warn: 1}")
        return self
