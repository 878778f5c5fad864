"""Alerting rules that Prometheus runs: by day with one limit, by night with another."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from pytest_ddd.baseline.fields import Duration, Entry, Model
from pytest_ddd.baseline.servers import HostServer

Profile = Literal["day", "night"]
Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]


def _rule_file(path: str) -> str:
    if not re.fullmatch(r"/[^\0\n]*[^/\0\n]\.(yml|yaml|rules)", path):
        raise ValueError(f"not a rule file: {path!r} (the whole path, ending in .yml)")
    return path


def _visible(text: str) -> str:
    if not text.strip() or not text.isprintable():
        raise ValueError("must be one line of visible text")
    return text


Line = Annotated[str, AfterValidator(_visible)]


class Limit(Model):
    """The number that a query is compared with; without `night` the day's holds all the time."""

    day: Number
    night: Number | None = None

    def at(self, profile: Profile) -> float:
        """Return the number that holds in a profile."""
        return self.day if profile == "day" or self.night is None else self.night


class Alert(Model):
    """One alert: it fires while `query` is above (or below) the limit for so long."""

    query: Line
    above: Limit | None = None
    below: Limit | None = None
    for_: Duration = Field(default=0.0, alias="for")
    labels: dict[str, Line] = Field(default_factory=dict)
    annotations: dict[str, Line] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _one_limit(self) -> Alert:
        if (self.above is None) == (self.below is None):
            raise ValueError("needs exactly one of above and below: {day: 0.5, night: 2.0}")
        return self


class RuleSet(Entry):
    """One file of alerting rules. Lives on the controller, or on the hosts of `applies_to`.

    The file belongs to pytest-ddd; `rule_files` of Prometheus has to name it.
    """

    prometheus: HostServer
    file: Annotated[str, AfterValidator(_rule_file)]
    alerts: dict[Line, Alert] = Field(min_length=1)
    interval: Annotated[Duration, Field(ge=0.001)] = 15.0
    """How often Prometheus looks at the rules."""
    promtool: Line = "promtool"
    """How the host runs promtool: `docker exec prometheus promtool`, say."""
    reload: str = ""
    """A command of the host that lets Prometheus read its rules; POST /-/reload without one."""
    settle: Duration = 60.0
    """How long it may take until every rule is active."""
