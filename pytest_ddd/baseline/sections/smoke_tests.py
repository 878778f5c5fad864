"""Smoke tests: commands that use a service as its users do, and say whether it works."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from pytest_ddd.baseline.fields import Duration, DurationLimits, Entry, Pattern, Text, Whole


class SmokeTest(Entry):
    """One smoke test. Runs on this machine, or with `applies_to` on each of those hosts."""

    command: Text
    """A line of sh. 126 and 127 mean that there is no such program: UNKNOWN, never RED."""
    exit_status: Annotated[Whole, Field(ge=0, le=125)] = 0
    output: Pattern | None = None
    """What its standard output has to hold, besides."""
    took: DurationLimits | None = None
    timeout: Duration = 60.0
    """A command that has not ended by then is killed, and RED: users would wait, too."""
    from_: Literal["controller", "host"] = Field(default="host", alias="from")
    """With `applies_to`: where it runs. `{host}` and `{address}` in `command` name the host."""
