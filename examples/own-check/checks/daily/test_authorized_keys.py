"""Only keys that the team knows may log in to the account that runs the checks."""

from pathlib import Path

import pytest

from pytest_ddd.errors import CannotLookError

pytestmark = [pytest.mark.daily, pytest.mark.control("ISO A.5.18")]

KNOWN = Path(__file__).parents[2] / "keys.txt"


def keys(text):
    """Return the keys of a file: without comments, options, and what is said behind them."""
    words = [line.split() for line in text.splitlines() if not line.lstrip().startswith("#")]
    return {part for line in words for part in line if part.startswith("AAAA")}


def test_authorized_keys(host, attach):
    """Every key that may log in is one that the team knows."""
    found = host.run("LC_ALL=C cat ~/.ssh/authorized_keys")
    if found.rc != 0 and "No such file" not in found.stderr:
        raise CannotLookError(f"authorized_keys: {found.stderr.strip()}", hint="ls -ld ~/.ssh")
    attach("authorized_keys", found.stdout)

    strangers = keys(found.stdout) - keys(KNOWN.read_text())
    assert not strangers, f"{len(strangers)} of the keys that may log in are not in {KNOWN.name}"
