"""Maintenance of a host: when it may be changed, and how it is taken out of service meanwhile."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from pytest_ddd import windows
from pytest_ddd.baseline.fields import Entry


def _is_window(text: str) -> str:
    windows.parse_window(text, "UTC")
    return text


def _visible(text: str) -> str:
    if not text.strip() or not text.isprintable():
        raise ValueError("must be one line of visible text")
    return text


Window = Annotated[str, AfterValidator(_is_window)]
Line = Annotated[str, AfterValidator(_visible)]


class Maintenance(Entry):
    """One window or one mode. Lives on every host; `applies_to` narrows it.

    A host is changed only while all its windows are open, in the time zone of the environment.
    """

    window: Window | None = None
    """`Tue 02:00-04:00`, `second Tue 02:00-04:00`, `daily 03:00-03:30`."""
    begin: Line | None = None
    """The command that takes it out of service: before anything is changed. May come twice."""
    end: Line | None = None
    """The command that puts it back: once it is well again, changed or as before."""
    from_: Literal["host", "controller"] = Field(default="host", alias="from")
    """Where the commands run. `$DDD_HOST` is the host's name in the inventory."""

    @model_validator(mode="after")
    def _says_something(self) -> Maintenance:
        if (self.begin is None) != (self.end is None):
            raise ValueError("begin and end belong together: what is begun has to end")
        if self.window is None and self.begin is None:
            raise ValueError("needs a window, or begin and end, or all three")
        return self
