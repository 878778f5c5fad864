"""Keeps the answers that are under way on all connections together within one limit."""

from __future__ import annotations

from pytest_ddd.units import format_size

AT_ONCE_BYTES = 1 << 30
"""What all of them may hold: a fleet that floods us must not take the memory of this machine."""


class Volume:
    """Counts what is held, by who holds it; lives in the loop's thread."""

    def __init__(self, most_bytes: int = AT_ONCE_BYTES) -> None:
        self.most_bytes = most_bytes
        self._held: dict[object, int] = {}
        self._total = 0

    def hold(self, holder: object, held_bytes: int) -> bool:
        """Note what somebody holds now; False when it is too much, and nobody holds more."""
        self._total += held_bytes - self._held.get(holder, 0)
        if held_bytes:
            self._held[holder] = held_bytes
        else:
            self._held.pop(holder, None)
        return self._total <= self.most_bytes or held_bytes < max(self._held.values(), default=0)

    def explain(self) -> str:
        """Say why an answer was given up."""
        most = format_size(self.most_bytes)
        return f"the answers of all hosts together hold more than {most}, and this one's the most"
