"""Each mistake of a first hour is told as docs/first-hour.md shows it: what, where, what to type."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import pytest

from tests.docs.mistakes import CONFIGURATION, HERE, HOSTS, THERE, Mistake
from tests.lab import faults
from tests.lab.host import LabHost
from tests.lab.lab import Lab

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "first-hour.md"
REWRITE = "DDD_REWRITE_DOCS"
"""Set it, and the page's blocks are written anew instead of compared."""

BIN = Path(sys.executable).parent
_TOLD = re.compile(
    r"ERROR: |pytest-ddd: |no check ran|no marker|warning: test_|[✗?] (RED|UNKNOWN) "
)
_SECTION = re.compile(
    r"^### (?P<title>.*)\n(?:(?!^#).*\n)*?```text\n(?P<block>(?:(?!```).*\n)*)", re.MULTILINE
)
_VOLATILE = re.compile(r"\b\d[\d.]* (ms|s)\b|\b10(\.\d+){3}\b")
"""Times, and the addresses that hosts have today."""

Type = Callable[[list[str], Path], subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site as `init` makes it, with a production of one host."""
    site = tmp_path_factory.mktemp("made") / "site"
    subprocess.run([BIN / "pytest-ddd", "init", site], check=True, capture_output=True)
    (site / "baselines" / "prod").mkdir()
    (site / "baselines" / "prod" / "hosts.yaml").write_text(HOSTS)
    (site / "baselines" / "prod" / "configuration.yaml").write_text(CONFIGURATION)
    return site


def told(mistake: Mistake, made: Path, place: Path, run: Type, *, prepare: str = "true") -> str:
    """Make the mistake, and return what was said of it; its status is what it should be."""
    site = place / "site"
    shutil.copytree(made, site)
    (place / "elsewhere").mkdir()
    if any(name.startswith("checks/") for name in mistake.files):
        shutil.rmtree(site / "checks")
    for name, text in mistake.files.items():
        (site / name).parent.mkdir(parents=True, exist_ok=True)
        (site / name).write_text(text)
    typed = mistake.wrapped.format(command=mistake.command)
    words = ["bash", "-c", f"{prepare} && {typed}"]
    done = run(words, site / mistake.folder)
    assert done.returncode == mistake.status, done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    return _essence(f"{done.stdout}\n{done.stderr}").replace(f"{place}/", "")


def _essence(text: str) -> str:
    """Return what was told of trouble: such lines, and what is indented below them."""
    kept, is_below = [], False
    for line in text.splitlines():
        is_below = bool(_TOLD.match(line)) or (is_below and line.startswith((" ", "baselines/")))
        if is_below and line not in kept:
            kept.append(line)
    return "".join(f"{line}\n" for line in kept)


def compare(mistake: Mistake, said: str) -> None:
    """Hold what was said against the page, and against what every message owes its reader."""
    page = PAGE.read_text(encoding="utf-8")
    shown = {match["title"]: match for match in _SECTION.finditer(page)}[mistake.title]
    fresh = f"$ {mistake.command}\n{said}"
    if os.environ.get(REWRITE):
        start, end = shown.span("block")
        PAGE.write_text(page[:start] + fresh + page[end:], encoding="utf-8")
    else:
        assert _VOLATILE.sub("…", shown["block"]) == _VOLATILE.sub("…", fresh)
    if mistake.command.startswith("pip "):
        return  # pip's own words
    assert re.search(r"hint: |did you mean|write |name where|there are: ", said), "no next command"
    if any(name.endswith((".yaml", ".py")) for name in mistake.files):
        assert re.search(r"(baselines|checks)/[\w/.]+(:\d+)?", said), "no place"


@pytest.mark.parametrize("mistake", HERE, ids=lambda one: one.title)
def test_on_this_machine(mistake: Mistake, made: Path, wheel: Path, tmp_path: Path) -> None:
    """Mistakes that no host is needed for."""
    environment = {**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}", "COLUMNS": "80"}
    environment["WHEELS"] = str(wheel.parent)

    def run(words: list[str], where: Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            words, cwd=where, env=environment, capture_output=True, text=True, check=False
        )

    compare(mistake, told(mistake, made, tmp_path, run))


@pytest.mark.needs("lab")
@pytest.mark.parametrize("mistake", THERE, ids=lambda one: one.title)
def test_on_a_host(
    mistake: Mistake, made: Path, tmp_path: Path, lab: Lab, lab_hosts: dict[str, LabHost]
) -> None:
    """Mistakes between this machine and a host."""
    web1 = lab_hosts["web1"]
    config = tmp_path / "ssh_config"
    right, wrong = mistake.ssh
    wrong = wrong.format(site=tmp_path / "site")
    config.write_text(
        re.sub(right, wrong, lab.ssh_config.read_text()) if right else lab.ssh_config.read_text()
    )
    _lay_out(tmp_path, web1)
    environment = {"PATH": f"{BIN}:{os.environ['PATH']}", "COLUMNS": "80"}

    def run(words: list[str], where: Path) -> subprocess.CompletedProcess[str]:
        return lab.exec(words, cwd=where, env=environment)

    prepare = (
        f"mount --bind {config} /etc/ssh/ssh_config && cp -p {tmp_path}/keys/* {tmp_path}/site"
    )
    with mistake.fault(web1) if mistake.fault else nullcontext():
        said = told(mistake, made, tmp_path, run, prepare=prepare)
    compare(mistake, said)


def _lay_out(place: Path, host: LabHost) -> None:
    """Put a key that others can read, and the key of another host, beside the site."""
    keys = place / "keys"
    keys.mkdir()
    shutil.copy(host.key, keys / "key")
    (keys / "key").chmod(0o644)
    other = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(keys / "other")]
    subprocess.run(other, check=True)
    kind, key = (keys / "other.pub").read_text().split()[:2]
    (keys / "known_hosts").write_text(f"{host.address},web1 {kind} {key}\n")


@pytest.mark.needs("lab")
def test_a_host_without_ss_is_looked_at_all_the_same(
    made: Path, tmp_path: Path, lab: Lab, lab_hosts: dict[str, LabHost]
) -> None:
    """That program is missing on many hosts, and missing it is no mistake."""
    site = tmp_path / "site"
    shutil.copytree(made, site)
    wanted = 'configuration:\n  listeners:\n    "tcp:22": {}\n    "tcp:9": {}\n'
    (site / "baselines" / "prod" / "configuration.yaml").write_text(wanted)
    (site / "baselines" / "prod" / "hosts.yaml").write_text(
        HOSTS.replace("ssh://ops@web1", f"ssh://ops@web1?ssh_config={lab.ssh_config}")
    )

    with faults.changed(
        lab_hosts["web1"], "mv /usr/bin/ss /usr/bin/ss.away", "mv /usr/bin/ss.away /usr/bin/ss"
    ):
        done = lab.exec([str(BIN / "pytest"), "-m", "daily", "--host=prod", "-v"], cwd=site)

    assert re.search(r"listener:tcp:22\] ✓ GREEN", done.stdout), done.stdout
    assert re.search(r"listener:tcp:9\] ✗ RED", done.stdout), done.stdout


def test_every_section_of_the_page_is_made_here() -> None:
    """No message on the page is made up, and thirty are told at least."""
    titles = [match["title"] for match in _SECTION.finditer(PAGE.read_text(encoding="utf-8"))]

    assert sorted(titles) == sorted(mistake.title for mistake in (*HERE, *THERE))
    assert len(titles) >= 30
