"""`python -m pytest_ddd.cli` is `pytest-ddd`."""

import sys

from pytest_ddd.cli.main import main

sys.exit(main())
