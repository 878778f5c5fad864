"""The transcript in docs/first-five-minutes.md is what happens: wheel, empty folder, real host."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_ddd import clock
from tests.lab import faults
from tests.lab.host import LabHost
from tests.lab.lab import Lab

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "first-five-minutes.md"
REWRITE = "DDD_REWRITE_DOCS"
"""Set it, and the page is written anew instead of compared."""

SETTING_UP = 2
"""So many of the commands need the package index; the others need the host."""

_BLOCK = re.compile(r"(?<=^```text\n).*?(?=^```$)", re.MULTILINE | re.DOTALL)
_COMMAND = re.compile(r"^\$ (.+)$", re.MULTILINE)
_VOLATILE = tuple(
    (re.compile(pattern, re.MULTILINE), instead)
    for pattern, instead in {
        # Versions, times, places, and how many checks there are today.
        r"^(platform|plugins:|wrote ) .*\n": "",
        r"^collected .*": "collected",
        r" +\d[\d.]* (ms|s|m)\b( \d+ s)?": " TIME",
        r"^Report: .*": "Report",
        r"^# \d+ commands.*": "# TOTAL",
        r"^=+ (\d+ \w+,? ?)+in .*": "COUNTS",
        # Hosts of the lab share load, memory and disk of the machine that the tests run on.
        r"^. (RED|YELLOW) +web1 (cpu|load|memory|swap|disk|inodes|open) .*\n": "",
        r"^( 2) . [A-Z]+ +": r"\1 ",
        r"^(2 .*?) +[.YR]+$": r"\1",
        r"^. (RED|YELLOW|GREEN): .*": "VERDICT",
        r"\n{2,}": "\n",
    }.items()
)


def steady(transcript: str) -> str:
    """Return a transcript without what is another each time."""
    for pattern, instead in _VOLATILE:
        transcript = pattern.sub(instead, transcript)
    return transcript


@pytest.fixture
def shell(lab: Lab, wheel: Path, tmp_path: Path) -> Callable[[str, bool], str]:
    """A shell in an empty folder, on a machine that reaches web1 as `ssh web1`."""
    site = tmp_path / "checks-of-ours"
    site.mkdir()
    (tmp_path / "constraint").write_text(f"pytest-ddd @ {wheel.as_uri()}\n")
    python = Path(sys.executable).parent
    environment = {
        "PATH": f"{site}/.venv/bin:{python}:{os.environ['PATH']}",
        "PIP_CONSTRAINT": str(tmp_path / "constraint"),
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_ROOT_USER_ACTION": "ignore",
        "PIP_QUIET": "1",  # what pip warns of is about this machine's own settings
        "COLUMNS": "80",
        "DDD_PROFILE": "day",  # as on the page, at whatever time this runs
        "PYTHONPATH": "",
    }
    known = f"mount --bind {lab.ssh_config} /etc/ssh/ssh_config"

    def run(command: str, among_hosts: bool) -> str:
        script = f"exec 2>&1; {command}"
        if among_hosts:
            words = ["bash", "-c", f"{known} && {script}"]
            return lab.exec(words, cwd=site, env=environment, timeout=1200).stdout
        return subprocess.run(
            ["bash", "-c", script],
            cwd=site,
            env={**os.environ, **environment},
            timeout=1200,
            capture_output=True,
            text=True,
            check=False,
        ).stdout

    return lambda command, among_hosts: run(command, among_hosts).replace(f"{tmp_path}/", "")


@pytest.mark.needs("lab")
def test_the_page_shows_what_happens(
    lab_hosts: dict[str, LabHost], shell: Callable[[str, bool], str]
) -> None:
    """Each command of the page, in its order, prints what the page shows."""
    page = PAGE.read_text(encoding="utf-8")
    (shown,) = _BLOCK.findall(page)
    commands = _COMMAND.findall(shown)
    began = clock.monotonic()
    with faults.changed(
        lab_hosts["web1"],
        "useradd --non-unique --uid 0 --no-create-home support",
        "sed -i /^support:/d /etc/passwd /etc/shadow /etc/group /etc/gshadow /etc/subuid /etc/subgid",
    ):
        said = [shell(command, at >= SETTING_UP) for at, command in enumerate(commands)]
    took_s = clock.monotonic() - began
    told = "".join(f"$ {command}\n{text}" for command, text in zip(commands, said, strict=True))
    told += f"# {len(commands)} commands, {took_s:.0f} s\n"

    if os.environ.get(REWRITE):
        PAGE.write_text(page.replace(shown, told), encoding="utf-8")
        shown = told
    assert steady(shown) == steady(told), f"to renew the page: {REWRITE}=1 pytest {Path(__file__)}"
    assert re.search(r"^✗ RED web1 file:/etc/passwd has line \d+ 'support:", said[3], re.MULTILINE)
    assert re.search(r"^ 5 ✓ GREEN ", said[-1], re.MULTILINE)
    assert len(commands) <= 6
