"""Who is told, when and how."""

from __future__ import annotations

import re
from importlib.metadata import entry_points
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, model_validator

from pytest_ddd import units, windows
from pytest_ddd.baseline.fields import Duration, Model, Secret, Whole

KINDS = ("pagerduty", "alertmanager", "webhook", "exec", "syslog", "apprise")
"""The kinds of channels that are built in; a package adds its own by an entry point."""

HOOK = "hook"
"""The kind of a channel that a conftest registers: only pytest runs of that site know it."""

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
    if kind not in (*KINDS, HOOK):
        found = {point.name for point in entry_points(group=ENTRY_POINTS)}
        if kind not in found:
            known = ", ".join(sorted({*KINDS, HOOK, *found}))
            raise ValueError(f"no kind of channel {kind!r}: it is one of {known}")
    return kind


class Channel(Model):
    """One way to reach people."""

    kind: Annotated[str, AfterValidator(_known_kind)]
    """`pagerduty`, `alertmanager`, `webhook`, `exec`, `syslog`, `apprise`, `hook`, or one that a
    package brings."""
    url: str | Secret = ""
    """Where messages go; a reference when knowing it is enough to write there."""
    key: Secret | None = None
    """Its secret."""
    command: list[str] = Field(default_factory=list)
    """Of `exec`."""
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


def _above(value: object) -> object:
    """Read `90%` as (90.0, "%"); a bare number counts something."""
    if isinstance(value, str):
        return (units.parse_percent(value), "%")
    if isinstance(value, int | float) and not isinstance(value, bool):
        return (float(value), "")
    raise ValueError("must be a percentage such as 90%, or a number")


def _window(text: str) -> str:
    windows.parse_window(text, "UTC")
    return text


Above = Annotated[
    tuple[float, str],
    BeforeValidator(_above),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "pattern": "^[0-9.]+ *%$", "examples": ["90%"]},
                {"type": "number"},
            ]
        }
    ),
]
"""A limit that a reading has to exceed, and its unit."""

Often = Annotated[Whole, Field(ge=1, le=1000)]
"""A number of runs."""

Wait = Annotated[Duration, Field(ge=1)]
"""A duration of at least a second."""


class Fallback(Model):
    """Who is told when a message does not arrive."""

    after: Wait = 120.0
    """How long it may be on its way; who will never get it counts at once."""
    notify: list[str] = Field(min_length=1)
    """Channels that are told then."""


class Proposal(Model):
    """A command that an escalation proposes.

    It names what should be (`--replicas=6`), never a difference (`+1`): done twice, a difference
    is done twice. `{target}` and `{entry}` stand for what the alert is about.
    """

    command: list[str] = Field(min_length=1)
    allowed: bool = False
    """Whether it may also be run, by a pytest that is told `--ddd-proposals=run`."""
    cooldown: Wait = 1800.0
    """It is not run again before this time is over."""
    timeout: Wait = 60.0
    """Then it is killed."""


class Quiet(Model):
    """A maintenance window: nobody is told of what happens in it, to those that it names."""

    at: Annotated[str, AfterValidator(_window)]
    """Such as `second Tue 02:00-04:00`."""
    timezone: str = ""
    """The environment's when empty."""
    target: str = ""
    check: str = ""
    entry: str = ""
    rule: str = ""


class Rule(Model):
    """When somebody is told.

    It watches the results that all its globs match. `when` names the outcomes that are bad;
    `above` says that only a reading above it is, whatever the outcome.
    """

    when: list[Literal["RED", "YELLOW", "UNKNOWN"]] = Field(default_factory=list)
    """Outcomes that are bad."""
    scenario: str = ""
    """A glob."""
    check: str = ""
    """A glob: the function without `test_`, or the whole id."""
    target: str = ""
    """A glob: a host or `endpoint:NAME`."""
    entry: str = ""
    """A glob."""
    reading: str = ""
    """Which readings are held against `above`: a glob for their name."""
    above: Above | None = None
    """A reading above this is bad."""
    runs: Often = 1
    """How many runs in a row."""
    of: Often | None = None
    """`runs` of the last `of` runs."""
    recover: Often = 1
    """How many good runs in a row end it."""
    event: bool = False
    """Something that happened, not a state: it has no end, and the same is told once a `remind`."""
    severity: Literal["critical", "error", "warning", "info"] | None = None
    """By the outcome when absent: RED critical, UNKNOWN error, YELLOW warning."""
    notify: list[str] = Field(min_length=1)
    """Channels that are told."""
    fallback: Fallback | None = None
    """Who is told when a message does not arrive; otherwise the section's."""
    remind: Wait | None = None
    """Tell again after this time while it lasts."""
    runbook: str = ""
    """The section or link that people should read."""
    propose: str = ""
    """A proposal that the message shows."""
    group_above: Annotated[Whole, Field(ge=2)] | None = None
    """More new alerts than this in one run are one message."""

    @model_validator(mode="after")
    def _can_happen(self) -> Rule:
        if not self.when and self.above is None:
            raise ValueError("needs when, above or both: without one nothing is bad")
        if self.reading and self.above is None:
            raise ValueError("reading has no meaning without above")
        if self.of is not None and self.of < self.runs:
            raise ValueError(f"{self.runs} of {self.of} runs can never happen")
        return self

    @model_validator(mode="after")
    def _event_has_no_end(self) -> Rule:
        for name in ("runs", "of", "recover"):
            if self.event and name in self.model_fields_set:
                raise ValueError(f"{name} has no meaning for an event: it is told at once")
        return self


class Escalation(Model):
    """Channels, rules, windows and proposals, each a mapping by name.

    `parents` names, for a target, the targets without which it cannot work: while one of them is
    down, nobody is told of the child. The loader holds all names against each other.
    """

    channels: dict[str, Channel] = Field(default_factory=dict)
    rules: dict[str, Rule] = Field(default_factory=dict)
    fallback: Fallback | None = None
    """For rules that name none."""
    windows: dict[str, Quiet] = Field(default_factory=dict)
    proposals: dict[str, Proposal] = Field(default_factory=dict)
    parents: dict[str, list[str]] = Field(default_factory=dict)
    announcements: dict[str, list[str]] = Field(default_factory=dict)
    """Routine -> channels that hear before it changes something, and how that ended."""
