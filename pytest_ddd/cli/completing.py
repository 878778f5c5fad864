"""Answers a shell that completes what is typed, where argcomplete is installed."""

from __future__ import annotations

import argparse
from contextlib import suppress
from pathlib import Path

from pytest_ddd.errors import DddError


def answer(parser: argparse.ArgumentParser) -> None:
    """Tell the shell what may follow, and end; nothing happens without argcomplete."""
    with suppress(ImportError):
        import argcomplete

        argcomplete.autocomplete(parser)


def environments(prefix: str, parsed_args: argparse.Namespace, **_: object) -> list[str]:
    """Return the environments whose names begin with `prefix`."""
    from pytest_ddd.baseline.inventory import find_environments

    try:
        names = find_environments(getattr(parsed_args, "baselines", Path("baselines")))
    except DddError:
        return []
    return [name for name in names if name.startswith(prefix)]
