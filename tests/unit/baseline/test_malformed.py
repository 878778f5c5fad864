"""Malformed baselines: each is refused with file and line, and nothing but a message."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from pytest_ddd.baseline.loader import load_baseline
from pytest_ddd.cli.main import main
from pytest_ddd.errors import BaselineError
from tests.unit.baseline.malformed import Case
from tests.unit.baseline.malformed_files import FILES
from tests.unit.baseline.malformed_models import MODELS
from tests.unit.baseline.malformed_yaml import YAML

CASES = [*YAML, *MODELS, *FILES]

JARGON = ("pydantic", "https://errors", "Traceback", "BaseModel", "Input should", "Value error")
SECRET = "hunter2secret"


def write(case: Case, root: Path) -> None:
    for name, data in case.files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


each_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name.replace(" ", "-"))


@each_case
def test_one_mistake_is_named_with_its_line(case: Case, site: Path) -> None:
    write(case, site / "baselines")

    with pytest.raises(BaselineError) as caught:
        load_baseline(Path("baselines"), "prod")

    assert len(caught.value.mistakes) == 1, caught.value.mistakes
    (mistake,) = caught.value.mistakes
    assert mistake.startswith(f"baselines/{case.where}: ")
    assert [word for word in case.words if word not in mistake] == [], mistake


@each_case
def test_the_command_exits_with_4_and_plain_words(
    case: Case, site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(case, site / "baselines")

    status = main(["validate", "prod"])

    printed = "".join(capsys.readouterr())
    assert status == 4
    assert f"baselines/{case.where}: " in printed
    assert [word for word in (*JARGON, SECRET) if word in printed] == []
    assert max(map(len, printed.splitlines())) < 400


def test_no_traceback_reaches_the_terminal(site: Path) -> None:
    for number, case in enumerate(CASES):
        if all(name.startswith("prod/") for name in case.files):
            files = {f"e{number}{name[4:]}": data for name, data in case.files.items()}
            write(Case(name=case.name, files=files, where="", words=()), site / "baselines")

    done = subprocess.run(
        [sys.executable, "-m", "pytest_ddd.cli", "validate"],
        env={"PYTHONPATH": str(Path(__file__).parents[3]), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 4
    assert "Traceback" not in done.stderr + done.stdout
    assert len(done.stderr.splitlines()) > 60


def test_there_are_enough_cases() -> None:
    assert len(CASES) >= 100


def test_all_mistakes_of_all_files_come_at_once(site: Path) -> None:
    root = site / "baselines" / "prod"
    root.mkdir(parents=True)
    (root / "hosts.yaml").write_text("hosts:\n  web1: {connection: 10.0.0.1}\n")
    (root / "logs.yaml").write_text("logs:\n  app: {path: x}\n  db: {pth: /x}\n")
    (root / "thresholds.yaml").write_text("thresholds:\n  cpu: {warn: 80}\n  sawp: {warn: 80%}\n")
    (root / "backups.yaml").write_text("backups: [\n")

    with pytest.raises(BaselineError) as caught:
        load_baseline(Path("baselines"), "prod")

    assert [
        mistake.split(": ")[0].removeprefix("baselines/prod/") for mistake in caught.value.mistakes
    ] == [
        "backups.yaml:1",
        "hosts.yaml:2",
        "logs.yaml:2",
        "logs.yaml:2",
        "logs.yaml:3",
        "thresholds.yaml:2",
        "thresholds.yaml:3",
    ]


def test_no_message_shows_what_stands_where_a_secret_belongs(site: Path) -> None:
    (site / "baselines").mkdir()
    (site / "baselines/prod.yaml").write_text(
        "hosts:\n  a: {connection: local://, sudo_password: {env: 47114711}}\n"
    )

    with pytest.raises(BaselineError, match=r"sudo_password\.env: must be a text") as caught:
        load_baseline(Path("baselines"), "prod")

    assert "47114711" not in str(caught.value)


def _unreadable(path: Path, kind: str) -> None:
    path.unlink(missing_ok=True)
    if kind == "directory":
        path.mkdir()
    elif kind == "dangling link":
        path.symlink_to("nowhere")
    elif kind == "loop of links":
        path.symlink_to(path.name)
    elif kind == "device":
        path.symlink_to("/dev/zero")


@pytest.mark.parametrize("kind", ["directory", "dangling link", "loop of links", "device"])
def test_what_is_no_file_is_refused(kind: str, site: Path) -> None:
    write(CASES[0], site / "baselines")
    _unreadable(site / "baselines/prod/thresholds.yaml", kind)

    with pytest.raises(BaselineError, match=r"thresholds\.yaml:1: cannot be read"):
        load_baseline(Path("baselines"), "prod")


def test_a_file_with_another_suffix_is_not_silently_left_out(site: Path) -> None:
    write(CASES[0], site / "baselines")
    directory = site / "baselines" / "prod"
    (directory / "thresholds.yaml").rename(directory / "thresholds.yml")

    with pytest.raises(BaselineError, match=r"thresholds\.yml:1: not read: rename it"):
        load_baseline(Path("baselines"), "prod")
