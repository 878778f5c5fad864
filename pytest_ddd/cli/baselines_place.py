"""Where the baselines are: `--baselines`, or DDD_BASELINES as for pytest."""

from __future__ import annotations

import argparse
import os
from pathlib import Path


def add_baselines(parser: argparse.ArgumentParser) -> None:
    """Add the option."""
    parser.add_argument(
        "--baselines",
        type=Path,
        default=Path(os.environ.get("DDD_BASELINES", "baselines")),
        metavar="DIR",
        help="where environments are (default: baselines)",
    )
