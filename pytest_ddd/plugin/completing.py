"""Lets a shell complete --host: pytest itself offers options to argcomplete, this their names."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path


class HostNames(argparse.Action):
    """Appends what follows --host; argcomplete asks its `completer` what may follow."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[object] | None,
        option_string: str | None = None,
    ) -> None:
        """Keep a value beside those that were given before."""
        before = getattr(namespace, self.dest, None) or []
        setattr(namespace, self.dest, [*before, values])

    @staticmethod
    def completer(prefix: str, parsed_args: argparse.Namespace, **_: object) -> list[str]:
        """Return the names that begin with `prefix`, of the site in this directory."""
        from pytest_ddd.baseline.offering import offered

        return offered(Path(getattr(parsed_args, "ddd_baselines", None) or "baselines"), prefix)
