"""A throw-away site, and every test three times: plain, with -n0 and with -n2."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

import alembic.command  # noqa: F401  # SQLAlchemy can be imported once; a run in this process forgets what it imported
import pytest

from pytest_ddd.evidence.record import read_record
from pytest_ddd.results import CheckResult
from tests.support.sshd import Sshd

ROOT = Path(__file__).parents[2]


@pytest.fixture(params=[(), ("-n0",), ("-n2",)], ids=["plain", "n0", "n2"])
def plugin_args(request: pytest.FixtureRequest) -> tuple[str, ...]:
    """How pytest is started: a test that takes this runs three times."""
    args: tuple[str, ...] = request.param
    return args


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a run of a site left behind."""

    status: int
    text: str
    results: tuple[CheckResult, ...]

    def outcomes(self) -> dict[str, str]:
        """Return target/entry (or target/function) -> outcome of the last look."""
        return {
            f"{one.target}/{one.entry or one.check_id.rpartition('/')[2]}": one.outcome.value
            for one in sorted(self.results, key=lambda one: one.look)
        }


class Site:
    """A directory with checks and baselines, and pytest to run them."""

    def __init__(self, pytester: pytest.Pytester) -> None:
        self.pytester = pytester
        self.root = pytester.path
        self.write("pyproject.toml", "[tool.pytest]\ntestpaths = ['checks']\nstrict = true\n")
        self.baseline("local", hosts="hosts: {localhost: {connection: 'local://'}}")

    def write(self, path: str, text: str) -> Path:
        """Write a file of the site."""
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(dedent(text), encoding="utf-8")
        return file

    def baseline(self, name: str, **sections: str) -> None:
        """Write the files of one environment."""
        for section, text in sections.items():
            self.write(f"baselines/{name}/{section}.yaml", text)

    def check(self, body: str, name: str = "test_own") -> None:
        """Write a file of daily checks."""
        head = "import pytest\nfrom pytest_ddd.results import *\npytestmark = pytest.mark.daily\n"
        self.write(f"checks/daily/{name}.py", head + dedent(body))

    def copy_check(self, name: str) -> None:
        """Take over a file of checks as it is shipped."""
        self.write(f"checks/{name}", (ROOT / "checks" / name).read_text(encoding="utf-8"))

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a command of this environment in the site."""
        program = Path(sys.executable).with_name(words[0])
        return subprocess.run(
            [program, *words[1:]], cwd=self.root, capture_output=True, text=True, check=False
        )

    def fleet(self, server: Sshd, count: int) -> None:
        """Let `prod` be one sshd under many names."""
        spec = server.spec().hostspec.partition("?")[0]
        hosts = ", ".join(
            f"web{number}: {{connection: '{spec}', ssh_config: {server.base}/ssh_config}}"
            for number in range(count)
        )
        self.baseline("prod", hosts=f"hosts: {{{hosts}}}")

    def run(
        self, *args: str, env: Mapping[str, str] | None = None, in_process: bool = False
    ) -> Outcome:
        """Run pytest there, in a process of its own unless told otherwise."""
        for key, value in (env or {}).items():
            self.pytester._monkeypatch.setenv(key, value)
        run = (
            self.pytester.runpytest_inprocess if in_process else self.pytester.runpytest_subprocess
        )
        done = run("-p", "no:cacheprovider", *args)
        return Outcome(
            status=int(done.ret),
            text="\n".join([*done.outlines, *done.errlines]),
            results=self.results(),
        )

    def results(self) -> tuple[CheckResult, ...]:
        """Return the record of the newest run of each scenario."""
        newest: dict[str, Path] = {}
        for file in sorted(
            self.root.glob("evidence/*/results.jsonl"), key=lambda f: f.stat().st_mtime_ns
        ):
            newest[file.parent.name.split("_")[2]] = file
        return tuple(one for file in newest.values() for one in read_record(file).results)


@pytest.fixture
def site(pytester: pytest.Pytester) -> Site:
    """An empty site with the environment `local`."""
    return Site(pytester)
