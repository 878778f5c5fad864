"""Finds out once where a function stands: pytest would look at its file for each of its items."""

from __future__ import annotations

from collections.abc import Iterable

import pytest


def share(items: Iterable[pytest.Item]) -> None:
    """Give items of one function the place that the first of them found."""
    known: dict[tuple[object, str], tuple[str, int | None]] = {}
    for item in items:
        if type(item) is not pytest.Function:
            continue
        function = (item.parent, item.originalname)
        if function in known:
            vars(item)["location"] = (*known[function], item.getmodpath())  # a cached_property
        else:
            known[function] = item.location[:2]
