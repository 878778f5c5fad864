"""Loads many modules at once without Python looking for garbage among them, then and later."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


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
