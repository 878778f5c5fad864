"""Probes of the site's own: what they are asked, and the limits of what they answer."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from pytest_ddd.baseline.fields import Entry, Secret, Text

Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]


class Probe(Entry):
    """A look of a kind that the site brings with it. Lives in the environment.

    With `applies_to` it looks at each of those hosts.
    """

    kind: Text
    """A name that `pytest_ddd_register_probes` in a conftest.py registers."""
    options: dict[str, str | int | float | bool | list[str] | Secret] = Field(default_factory=dict)
    """What the probe is given; it says itself what it takes. A secret is a reference."""
    warn: Number | None = None
    """Yellow from here on."""
    crit: Number | None = None
    """Red from here on."""
    unit: str = ""
    """Of the number: `s` and `bytes` are written as durations and sizes."""
    worse: Literal["above", "below"] = "above"
    """On which side of a limit trouble lies."""

    @model_validator(mode="after")
    def _usable(self) -> Probe:
        if self.warn is None and self.crit is None:
            raise ValueError("needs warn, crit or both: without a limit nothing can turn red")
        if self.warn is None or self.crit is None:
            return self
        if (self.warn > self.crit) if self.worse == "above" else (self.warn < self.crit):
            raise ValueError(f"warn {self.warn:g} would never be seen: {self.crit:g} comes first")
        return self
