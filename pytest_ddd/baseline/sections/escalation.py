"""Who is told, when and how."""

from __future__ import annotations

import re
from importlib.metadata import entry_points
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from pytest_ddd.baseline.fields import Duration, Model, Secret, Whole

KINDS = ("pagerduty", "alertmanager", "webhook", "exec", "syslog", "apprise")
"""The kinds of channels that are built in; a package adds its own by an entry point."""

ENTRY_POINTS = "pytest_ddd.channels"
"""The group of entry points whose names are further kinds."""

_NEEDS: dict[str, tuple[str, ...]] = {
    "pagerduty": ("key",),
    "alertmanager": ("url",),
    "webhook": ("url",),
    "exec": ("command",),
    "apprise": ("url",),
}
_OVER_HTTP = ("pagerduty", "alertmanager", "webhook")


def _known_kind(kind: str) -> str:
    """Accept a kind that is built in or installed; it is not imported here."""
    if kind not in KINDS:
        found = {point.name for point in entry_points(group=ENTRY_POINTS)}
        if kind not in found:
            known = ", ".join(sorted({*KINDS, *found}))
            raise ValueError(f"no kind of channel {kind!r}: it is one of {known}")
    return kind


class Channel(Model):
    """One way to reach people."""

    kind: Annotated[str, AfterValidator(_known_kind)]
    url: str | Secret = ""
    """Where messages go; a reference when knowing it is enough to write there."""
    key: Secret | None = None
    command: list[str] = Field(default_factory=list)
    options: dict[str, str | Secret] = Field(default_factory=dict)
    """For kinds that are not built in."""

    @model_validator(mode="after")
    def _has_a_way(self) -> Channel:
        for needed in _NEEDS.get(self.kind, ()):
            if not getattr(self, needed):
                raise ValueError(f"a channel of kind {self.kind} needs {needed}")
        if self.options and self.kind in KINDS:
            raise ValueError(f"a channel of kind {self.kind} takes no options")
        return self

    @model_validator(mode="after")
    def _can_be_reached(self) -> Channel:
        if self.kind not in _OVER_HTTP or not isinstance(self.url, str) or not self.url:
            return self
        if not re.match(r"https?://[^/]", self.url):
            raise ValueError(f"not a URL for {self.kind}: {self.url!r} (write https://name/…)")
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
