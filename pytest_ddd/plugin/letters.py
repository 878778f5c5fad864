"""How an outcome looks on the terminal: one letter, in one colour."""

from __future__ import annotations

from pytest_ddd.outcomes import Outcome

COLOURS: dict[Outcome, dict[str, bool]] = {
    Outcome.GREEN: {"green": True},
    Outcome.YELLOW: {"yellow": True},
    Outcome.RED: {"red": True, "bold": True},
    Outcome.UNKNOWN: {"purple": True, "bold": True},
    Outcome.BLOCKED: {"purple": True},
    Outcome.WAIVED: {"cyan": True},
    Outcome.NOT_APPLICABLE: {"light": True},
}

LETTERS = {
    Outcome.GREEN: ".",
    Outcome.YELLOW: "Y",
    Outcome.RED: "R",
    Outcome.UNKNOWN: "U",
    Outcome.BLOCKED: "B",
    Outcome.WAIVED: "w",
    Outcome.NOT_APPLICABLE: "-",
}
