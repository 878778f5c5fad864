"""Keeps Python from looking for garbage again and again among what lives to the end of a run."""

from __future__ import annotations

import atexit
import gc
from collections.abc import Iterator
from contextlib import contextmanager

_SELDOM = (50_000, 50, 100)
"""Objects, and looks at the younger ones, before the next look; Python's own are 700, 10 and 10."""


@contextmanager
def for_good() -> Iterator[None]:
    """Let what is made in this block stay to the end of the process.

    Python walks through all that lives, again and again while thousands of small objects are made,
    and five times in pytest's last step alone: with our modules that is a third of a second.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was_enabled:
            gc.enable()


@contextmanager
def seldom() -> Iterator[None]:
    """Look for garbage seldom within this block, and not once more as the process ends.

    For a walk through checks: their results live to the end. What pytest looks for itself, before
    it ends, stays as it is.
    """
    before = gc.get_threshold()
    gc.set_threshold(*_SELDOM)
    atexit.register(gc.freeze)
    try:
        yield
    finally:
        gc.set_threshold(*before)
