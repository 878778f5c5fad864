"""Python looks for garbage seldom while checks run, and as ever before and after."""

from __future__ import annotations

import gc
import json

import pytest

from tests.plugin.conftest import Site

NOTING = """
import gc
import json
from pathlib import Path

seen = {}

def note(where):
    seen[where] = gc.get_threshold()

def pytest_sessionfinish():
    note("after")
    Path("seen.json").write_text(json.dumps(seen))
"""


def test_garbage_is_looked_for_seldom_while_checks_run(
    site: Site, plugin_args: tuple[str, ...]
) -> None:
    """The user's own settings hold again when the last check has run."""
    site.write("conftest.py", NOTING)
    site.check(
        "import gc\n"
        "def test_it(host):\n"
        f"    assert gc.get_threshold() > {gc.get_threshold()}, gc.get_threshold()\n"
    )

    done = site.run(*plugin_args)

    assert done.status == 0, done.text
    seen = json.loads((site.root / "seen.json").read_text())
    assert seen == {"after": list(gc.get_threshold())}


@pytest.mark.parametrize("args", [(), ("-n0",)], ids=["plain", "n0"])
def test_what_a_cycle_hides_is_still_told(site: Site, args: tuple[str, ...]) -> None:
    """Pytest's own last look finds what a check has left behind; of a worker's, nobody hears."""
    site.check(
        """
        class Loud:
            def __init__(self):
                self.me = self

            def __del__(self):
                raise RuntimeError("left in a cycle")

        def test_it():
            Loud()
        """
    )

    done = site.run(*args, "-W", "error")

    assert "left in a cycle" in done.text
