"""Says who is logged in: the operator of a run."""

from __future__ import annotations

import getpass


def name() -> str:
    """Return the login name, `unknown` where there is none."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"
