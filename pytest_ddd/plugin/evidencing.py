"""Says which controls a check gives evidence for: its marker, its entry, and the frameworks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_ddd.plugin.site import SITE_KEY, Site
from pytest_ddd.probes.entry import AnyEntry

if TYPE_CHECKING:
    from pytest_ddd.controls.catalogue import Control

_ASKED_KEY = pytest.StashKey["tuple[Control, ...]"]()


def controls_of(
    item: pytest.Item, check_id: str, marked: tuple[str, ...], entry: AnyEntry | None
) -> tuple[str, ...]:
    """Return the controls of one check: those of the marker first."""
    declared = tuple(entry.controls) if entry is not None else ()
    asked = _asked(item.config)
    if not asked:
        return tuple(dict.fromkeys([*marked, *declared]))
    from pytest_ddd.controls import catalogue

    return tuple(dict.fromkeys([*marked, *declared, *catalogue.of_check(check_id, asked)]))


def refuse_unknown(item: pytest.Item, marked: tuple[str, ...]) -> None:
    """Refuse a control that neither the shipped frameworks nor the baseline know.

    Raises:
        pytest.UsageError: there is none of that name; the message has the nearest one.
    """
    if not marked:
        return
    from pytest_ddd.controls import catalogue

    own = [one.name for one in _asked(item.config)]
    for name in marked:
        if wrong := catalogue.mistake(name, own):
            raise pytest.UsageError(f"{item.nodeid}: {wrong}")


def _asked(config: pytest.Config) -> tuple[Control, ...]:
    """Return the controls that the environment is held against; none without a section."""
    site: Site | None = config.stash.get(SITE_KEY, None)
    if site is None or not site.baseline.for_environment.get("controls"):
        return ()
    if _ASKED_KEY not in config.stash:
        from pytest_ddd.baseline import controlling

        config.stash[_ASKED_KEY] = controlling.asked(site.baseline)
    return config.stash[_ASKED_KEY]
