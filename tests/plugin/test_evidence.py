"""What a run leaves: signed, complete or honestly not, with any number of workers, killed or full."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shlex
import signal
import subprocess
import sys
import time
import zipfile
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

import pytest

from pytest_ddd.evidence.manifest import Manifest, read_manifest
from pytest_ddd.evidence.recovery import reseal
from pytest_ddd.evidence.sources import DirectorySource, open_package
from pytest_ddd.evidence.verification import UNTRUSTED, verify
from tests.plugin.conftest import Site

PROD = "hosts: {web1: {connection: 'local://'}, web2: {connection: 'local://'}}"
TWO = "def test_a(host):\n    pass\n\ndef test_b():\n    pass\n"
DEADLINE_S = 180


def directories(site: Site) -> list[Path]:
    return sorted(path for path in site.root.glob("evidence/*Z_*") if path.is_dir())


def manifest(site: Site) -> Manifest:
    (directory,) = directories(site)
    return read_manifest((directory / "manifest.json").read_bytes())


def test_a_run_is_complete_with_any_number_of_workers(
    site: Site, plugin_args: tuple[str, ...]
) -> None:
    site.baseline("prod", hosts=PROD)
    site.check(TWO)

    site.run("--host=prod", *plugin_args)

    found = manifest(site)
    assert (found.planned, found.executed, found.incomplete) == (5, 5, ())


def test_what_was_left_out_is_told(site: Site, plugin_args: tuple[str, ...]) -> None:
    site.check(TWO)

    site.run("-k", "test_a", *plugin_args)

    (directory,) = directories(site)
    population = json.loads((directory / "population.json").read_text())
    assert population["left_out"] == ["checks/daily/test_own.py::test_b"]


def test_a_file_that_cannot_be_read_makes_the_run_incomplete(site: Site) -> None:
    site.check(TWO)
    site.write("checks/daily/test_broken.py", "import nothing_of_that_name\n")

    site.run("--continue-on-collection-errors")

    assert any("could not be collected" in reason for reason in manifest(site).incomplete)


@pytest.mark.needs("ssh-keygen")
def test_a_run_is_signed(site: Site) -> None:
    key = site.root / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    site.check(TWO)

    site.run("--ddd-sign=key", "--ddd-operator=Mira O.", env={"DDD_CHANGE": "CHG-7"})

    (directory,) = directories(site)
    facts = json.loads((directory / "run.json").read_text())["run"]
    assert (directory / "SHA256SUMS.sig").exists()
    assert (facts["operator"], facts["provenance"]["change"]) == ("Mira O.", "CHG-7")
    assert facts["provenance"]["key"].startswith("SHA256:")
    assert [one["path"] for one in facts["provenance"]["check_files"]] == [
        "checks/daily/test_own.py"
    ]


def test_a_key_that_is_not_there_is_told_before_anything_runs(site: Site) -> None:
    site.check(TWO)

    done = site.run("--ddd-sign=nothing")

    assert done.status == 4
    assert "no key" in done.text
    assert directories(site) == []


def test_the_operator_cannot_be_set_in_a_file(site: Site) -> None:
    site.check(TWO)
    site.write(
        "pyproject.toml",
        "[tool.pytest]\ntestpaths = ['checks']\nstrict = true\nddd_operator = 'x'\n",
    )

    assert site.run().status != 0


def test_a_killed_run_can_be_sealed_and_says_that_it_is_incomplete(site: Site) -> None:
    site.check(
        """
        import time

        @pytest.mark.parametrize("n", range(20))
        def test_it(n):
            time.sleep(0 if n < 5 else 300)
        """
    )
    run = subprocess.Popen(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider"],
        cwd=site.root,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + DEADLINE_S
    while len(site.results()) < 5 and time.monotonic() < deadline:
        time.sleep(0.05)
    os.kill(run.pid, signal.SIGKILL)
    run.wait()
    (directory,) = directories(site)

    sealed = reseal(directory)

    assert (sealed.manifest.planned, sealed.manifest.executed) == (20, 5)
    assert sealed.manifest.incomplete[0] == "the run was interrupted"
    found = verify(DirectorySource(directory))
    assert (found.problems, found.status) == ([], UNTRUSTED)
    assert "Stopped before the end" in (directory / "report.html").read_text()


def test_a_full_disk_is_told_and_leaves_no_half_sealed_package(site: Site) -> None:
    """A tmpfs of 48 KiB takes the record and not the report."""
    if os.geteuid() != 0:
        pytest.skip("mounting takes root")
    site.check(TWO)
    (site.root / "evidence").mkdir()
    words = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider"]
    script = (
        f"mount -t tmpfs -o size=48k none {site.root}/evidence && {shlex.join(words)}; status=$?; "
        f"cp -r {site.root}/evidence {site.root}/left; exit $status"
    )

    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", script],
        cwd=site.root,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 76, done.stdout
    assert "No space left on device" in done.stdout
    left = {file.name for file in (site.root / "left").rglob("*") if file.is_file()}
    assert "results.jsonl" in left
    assert not left & {"manifest.json", "SHA256SUMS", "SHA256SUMS.sig"}
    assert not any(name.endswith((".part", ".zip")) for name in left)


def test_a_long_attachment_is_kept_whole(site: Site, plugin_args: tuple[str, ...]) -> None:
    """The record keeps its head and its digest, which is the name of the file."""
    site.check(
        "def test_it(attach):\n    attach('dump', 'line\\n' * 10_000 + 'password=hunter22')\n"
    )

    done = site.run(*plugin_args)

    (directory,) = directories(site)
    (file,) = (directory / "attachments").iterdir()
    content = file.read_bytes()
    (told,) = (one for one in done.results if one.check_id.endswith("/it"))
    assert content.startswith(b"line\n" * 10_000)
    assert b"hunter22" not in content
    assert hashlib.sha256(content).hexdigest() == file.stem
    assert file.stem in told.readings[0].detail


SECRET = 'cana"ry/gone-astray&<x>'  # no digits: a digest may hold any four of them


def test_no_secret_is_in_any_file_of_the_package(site: Site, plugin_args: tuple[str, ...]) -> None:
    """Raw, base64, URL-encoded, JSON-escaped and split over lines, through every channel."""
    site.check(
        """
        import base64, json, logging, os, shlex, urllib.parse
        from pytest_ddd import clock, redaction

        SECRET = os.environ["CANARY"]
        redaction.register(SECRET)
        FORMS = [
            SECRET,
            base64.b64encode(SECRET.encode()).decode(),
            urllib.parse.quote(SECRET, safe=""),
            json.dumps(SECRET),
            SECRET[:6] + "\\n" + SECRET[6:],
        ]

        @pytest.mark.parametrize("form", FORMS, ids=["raw", "base64", "url", "json", "split"])
        def test_it(form, judge, attach, host):
            print(form)
            logging.warning(form)
            attach("note", form)
            host.run(f"printf %s {shlex.quote(form)}")
            judge(Reading(name=form, value=form, source=form, at=clock.now(), detail=form,
                          expected=form, error=form), Threshold())
            raise AssertionError(form)
        """
    )

    site.run(*plugin_args, env={"CANARY": SECRET})

    archive = next(site.root.glob("evidence/*.zip"))
    with zipfile.ZipFile(archive) as package:
        text = "".join(package.read(name).decode() for name in package.namelist())
    forms = {
        SECRET,
        base64.b64encode(SECRET.encode()).decode(),
        quote(SECRET, safe=""),
        json.dumps(SECRET)[1:-1],
        "gone-astray",
        quote("gone-astray&<x>", safe=""),
    }
    assert [form for form in forms if form in text] == []
    assert "«redacted:secret:" in text


def test_a_package_that_cannot_be_written_leaves_the_record(site: Site) -> None:
    site.check(TWO)
    site.write("evidence/ledger.jsonl", "nonsense\n")

    done = site.run()

    assert done.status == 76
    assert "its last line is damaged" in done.text
    assert len(done.results) == 3


def test_the_archive_is_as_good_as_the_directory(site: Site) -> None:
    site.check(TWO)

    site.run()

    with closing(open_package(next(site.root.glob("evidence/*.zip")))) as package:
        found = verify(package)
    assert (found.problems, found.status) == ([], UNTRUSTED)
