"""Who is told, when and how."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from pytest_ddd.baseline.fields import Duration, Model, Secret, Whole

_NEEDS = {
    "pagerduty": "key",
    "alertmanager": "url",
    "webhook": "url",
    "exec": "command",
    "apprise": "url",
}


class Channel(Model):
    """One way to reach people."""

    kind: Literal["pagerduty", "alertmanager", "webhook", "exec", "syslog", "apprise"]
    url: str = ""
    key: Secret | None = None
    command: list[str] = Field(default_factory=list)

    @model_validator(mode="after")
    def _has_a_way(self) -> Channel:
        if (needed := _NEEDS.get(self.kind)) is not None and not getattr(self, needed):
            raise ValueError(f"a channel of kind {self.kind} needs {needed}")
        return self


class Rule(Model):
    """When somebody is told. Parsed and validated; nothing is sent yet."""

    when: list[Literal["RED", "YELLOW", "UNKNOWN"]] = Field(min_length=1)
    scenario: str = ""
    check: str = ""
    runs: Annotated[Whole, Field(ge=1)] = 1
    """How many runs in a row."""
    of: Annotated[Whole, Field(ge=1)] | None = None
    """`runs` of the last `of` runs."""
    notify: list[str] = Field(min_length=1)
    runbook: str = ""
    remind: Duration | None = None

    @model_validator(mode="after")
    def _k_of_n(self) -> Rule:
        if self.of is not None and self.of < self.runs:
            raise ValueError(f"{self.runs} of {self.of} runs can never happen")
        return self


class Escalation(Model):
    """Channels and rules, each a mapping by name; the loader holds `notify` against channels."""

    channels: dict[str, Channel] = Field(default_factory=dict)
    rules: dict[str, Rule] = Field(default_factory=dict)
