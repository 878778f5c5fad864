"""`pytest-ddd init`: a site to start with, and nothing overwritten."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import jsonschema
import pytest
import yaml

from pytest_ddd.baseline.inventory import select
from pytest_ddd.baseline.loader import load_baseline
from pytest_ddd.baseline.schema import baseline_schema
from pytest_ddd.cli import founding
from pytest_ddd.cli.commands import init
from pytest_ddd.cli.main import main


@pytest.fixture(autouse=True)
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def contents(directory: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(directory)): path.read_bytes()
        for path in directory.rglob("*")
        if path.is_file()
    }


def test_it_copies_checks_and_baselines(site: Path) -> None:
    assert main(["init", "new"]) == 0

    copied = contents(site / "new")
    for name in ("checks/daily/test_morning_health_check.py", "baselines/local/hosts.yaml"):
        assert copied[name] == (init.source() / name).read_bytes()


def test_what_it_copied_can_be_used(site: Path) -> None:
    main(["init"])

    assert select(Path("baselines"), []).hosts == ("localhost",)


def test_no_compiled_file_is_copied(site: Path) -> None:
    main(["init"])

    assert [name for name in contents(site) if "__pycache__" in name] == []


ANSWERS = ["--owner=Web team", '--on-call=#web "ops"', "--timezone=Europe/Berlin"]


def test_answers_given_as_flags_are_written(site: Path) -> None:
    assert main(["init", *ANSWERS, "--window=Tue 02:00-04:00"]) == 0

    baseline = load_baseline(Path("baselines"), "local")
    facts = baseline.environment
    assert (facts.owner, facts.on_call) == ("Web team", '#web "ops"')
    assert facts.timezone == "Europe/Berlin"
    assert baseline.scenarios["security-patch-tuesday"].window == "Tue 02:00-04:00"
    assert "# where somebody is reached at night" in Path(founding.ENVIRONMENT).read_text()


@pytest.mark.parametrize(
    ("flag", "words"),
    [
        ("--timezone=CEST", "unknown time zone 'CEST' (write an IANA name"),
        ("--window=Tuesday", "not a window: 'Tuesday' (write \"Tue 02:00-04:00\""),
    ],
)
def test_a_wrong_answer_writes_nothing(
    flag: str, words: str, site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["init", flag]) == 4

    told = capsys.readouterr().err
    assert words in told
    assert "hint: pytest-ddd init --" in told
    assert list(site.iterdir()) == []


def test_answers_for_a_site_that_is_there_are_not_lost_silently(
    capsys: pytest.CaptureFixture[str],
) -> None:
    main(["init"])

    main(["init", "--owner=Web team"])

    kept = "kept   baselines/local/environment.yaml: it is there already: change owner in it"
    assert kept in capsys.readouterr().out


def test_every_baseline_file_leads_editors_to_its_schema(site: Path) -> None:
    main(["init", "--window=Tue 02:00-04:00"])

    files = sorted((site / "baselines").glob("*/*.yaml"))
    assert len(files) == 6
    for file in files:
        modeline = file.read_text().splitlines()[0]
        schema = file.parent / modeline.removeprefix("# yaml-language-server: $schema=")
        document = yaml.safe_load(file.read_text())
        jsonschema.validate(document, json.loads(schema.read_text()))


def test_the_schema_of_an_older_release_is_renewed(site: Path) -> None:
    main(["init"])
    (site / founding.SCHEMA).write_text("{}")

    main(["init"])

    assert json.loads((site / founding.SCHEMA).read_text()) == baseline_schema()


def test_a_new_site_refuses_a_mistyped_marker(site: Path) -> None:
    main(["init"])

    assert tomllib.loads((site / "pyproject.toml").read_text())["tool"]["pytest"]["strict"] is True


def test_a_new_site_finds_its_checks(site: Path) -> None:
    main(["init"])

    settings = tomllib.loads((site / "pyproject.toml").read_text())
    assert settings["tool"]["pytest"]["testpaths"] == ["checks"]


def test_what_runs_write_is_ignored_by_git(site: Path) -> None:
    main(["init"])

    assert (site / ".gitignore").read_text() == ".pytest-ddd/\nevidence/\n"


def test_lines_are_added_to_a_gitignore_that_is_there(site: Path) -> None:
    (site / ".gitignore").write_text("*.pyc\nevidence/")

    main(["init"])

    assert (site / ".gitignore").read_text() == "*.pyc\nevidence/\n.pytest-ddd/\n"


def test_the_second_time_changes_nothing(site: Path) -> None:
    main(["init"])
    before = contents(site)

    assert main(["init"]) == 0
    assert contents(site) == before


def test_a_file_that_is_there_is_kept_and_named(
    site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (site / "conftest.py").write_text("mine = True\n")

    assert main(["init"]) == 0

    assert (site / "conftest.py").read_text() == "mine = True\n"
    assert "kept   conftest.py: it is there already" in capsys.readouterr().out


def test_a_link_is_not_written_through(site: Path) -> None:
    (site / "elsewhere").write_text("mine\n")
    (site / "conftest.py").symlink_to("elsewhere")

    main(["init"])

    assert (site / "elsewhere").read_text() == "mine\n"


@pytest.mark.parametrize("name", ["pytest.ini", "tox.ini", "setup.cfg"])
def test_settings_that_are_elsewhere_stay_in_force(name: str, site: Path) -> None:
    (site / name).write_text("[pytest]\n")

    main(["init"])

    assert not (site / "pyproject.toml").exists()


def test_it_says_what_to_type_next(capsys: pytest.CaptureFixture[str]) -> None:
    main(["init", "new"])

    printed = capsys.readouterr().out
    assert "cd new" in printed
    assert "pytest -m daily" in printed


@pytest.mark.parametrize("target", ["a file", "a file/below"])
def test_where_it_cannot_be_made_ends_with_4(
    target: str, site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (site / "a file").write_text("")

    assert main(["init", target]) == 4
    assert "hint: " in capsys.readouterr().err


def test_it_does_not_copy_onto_itself(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", str(init.source())]) == 4
