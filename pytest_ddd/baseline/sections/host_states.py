"""What a host has to be like before somebody changes it, and what is compared afterwards."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from pytest_ddd.baseline.fields import CountLimits, Duration, Entry, Limits, Pattern, Size, Text

Port = Annotated[int, Field(strict=True, ge=1, le=65535)]


class Sessions(CountLimits):
    """How many people may be at work: connections to `ports`, or a number that `command` prints."""

    ports: list[Port] = Field(default_factory=list)
    """Local TCP ports of the service; established connections to them count."""
    command: Text | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Sessions:
        if bool(self.ports) == (self.command is not None):
            raise ValueError("needs exactly one of ports and command: ports: [80, 443]")
        return self


class Free(Limits):
    """How much room there must be, in bytes."""

    bad = "below"
    warn: Size | None = None
    crit: Size | None = None


class HostState(Entry):
    """One set of conditions. Lives on every host; `applies_to` narrows it."""

    sessions: Sessions | None = None
    free: dict[Text, Free] = Field(
        default_factory=lambda: {
            "/var": Free.model_validate({"crit": "1GiB"}),
            "/": Free.model_validate({"crit": "512MiB"}),
        }
    )
    """Directory -> what has to be free on its file system: an update is fetched and unpacked."""
    locks: bool = True
    """Whether another package manager at work is RED."""
    packages: bool = True
    """Whether packages are listed, and one that is installed by half is RED."""
    services: bool = True
    """Whether services of systemd are listed: one that ran before has to run afterwards."""
    failed: CountLimits = CountLimits(warn=1)
    """How many services may have failed."""
    ignore: list[Pattern] = Field(default_factory=lambda: [r"^user(-runtime-dir)?@"])
    """Services that come and go by themselves."""
    timeout: Duration = 30.0
    """For each of its commands."""
