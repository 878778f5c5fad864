"""Read the escalation section, and hold its rules against channels and scenarios."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_ddd.baseline.rules import check_scenario, check_secrets
from pytest_ddd.baseline.sections.escalation import Escalation
from pytest_ddd.baseline.tree import Mistakes, Node, nearest, shown
from pytest_ddd.baseline.wording import checked


def read_escalation(section: Node | None, mistakes: Mistakes) -> Escalation:
    """Return the section's model; an empty one when it is absent or wrong."""
    if section is None:
        return Escalation()
    check_secrets(section, ("escalation",), mistakes)
    channels = _named(section, "channels")
    for name, rule in _named(section, "rules").items():
        path = ("escalation", "rules", name)
        for number, item in enumerate(_items(rule, "notify")):
            if isinstance(item.value, str) and item.value not in channels:
                text = f"no channel {shown(item.value)!r}{nearest(item.value, channels)}"
                mistakes.add(item.origin, (*path, "notify", number), text)
        scenario = rule.entries.get("scenario")
        if scenario is not None and scenario.value:
            check_scenario(str(scenario.value), scenario, (*path, "scenario"), mistakes)
    return checked(Escalation, section, ("escalation",), mistakes) or Escalation()


def _named(section: Node, key: str) -> dict[str, Node]:
    found = section.entries.get(key)
    return dict(found.entries) if found is not None else {}


def _items(rule: Node, key: str) -> Sequence[Node]:
    found = rule.entries.get(key)
    return found.items if found is not None else ()
