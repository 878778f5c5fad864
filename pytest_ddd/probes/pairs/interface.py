"""What every kind of pair tells: by how much its two sides differ."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """What a comparison found.

    Attributes:
        values: what was measured, by the key of the baseline that limits it: `difference`,
            `deviation`, `lag`, `behind`; a value that nobody knows is missing.
        source: what was asked.
        words: what was seen on both sides.
        problems: what else is not as it should be, in sentences.
    """

    values: Mapping[str, float]
    source: str
    words: str
    problems: tuple[str, ...] = ()

    @property
    def same(self) -> bool:
        """Whether nothing at all differs."""
        return not self.problems and not any(self.values.values())
