"""`pytest-ddd validate`: what was found, or all that is wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pytest_ddd.cli.main import main

HOSTS = "extends: [common]\nhosts:\n  web1: {connection: local://, groups: [web]}\n"


@pytest.fixture(autouse=True)
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    prod = tmp_path / "baselines" / "prod"
    prod.mkdir(parents=True)
    (tmp_path / "baselines" / "common.yaml").write_text("thresholds: {cpu: {warn: 80%}}\n")
    (prod / "hosts.yaml").write_text(HOSTS)
    return tmp_path


def test_it_says_what_it_found(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["validate"]) == 0

    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert lines == [
        "· common: a base only, checked with those that extend it",
        "✓ prod: 2 files, extends common",
        "hosts 1 web1",
        "groups 2 all (1), web (1)",
        "thresholds 1 cpu",
    ]


def test_the_environment_may_say_where_baselines_are(
    site: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As for pytest, so that both look at the same place."""
    (site / "baselines").rename(site / "elsewhere")
    monkeypatch.setenv("DDD_BASELINES", "elsewhere")

    assert main(["validate", "prod"]) == 0
    assert "prod: 2 files" in capsys.readouterr().out


def test_it_names_what_applies_to_nobody(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (site / "baselines/prod/logs.yaml").write_text(
        "logs:\n  app: {path: /x, error: [x], applies_to: [later]}\n"
    )
    with (site / "baselines/prod/hosts.yaml").open("a") as hosts:
        hosts.write("groups: {web: {}, later: {}}\n")

    assert main(["validate", "prod"]) == 0

    said = "! logs app applies to no host (baselines/prod/logs.yaml:2)"
    assert said in capsys.readouterr().out


def test_a_mistake_of_a_base_is_told_once(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (site / "baselines/common.yaml").write_text("thresholds: {cpu: {warn: 80}}\n")
    (site / "baselines/staging.yaml").write_text(HOSTS)

    assert main(["validate"]) == 4

    assert capsys.readouterr().err.count("baselines/common.yaml:1") == 1


def test_one_environment_can_be_asked_for(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (site / "baselines/staging.yaml").write_text("hosts: [\n")

    assert main(["validate", "prod"]) == 0


def test_an_unknown_environment_ends_with_4(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["validate", "prdo"]) == 4
    assert "did you mean 'prod'?" in capsys.readouterr().err


def test_no_directory_ends_with_4(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["validate", "--baselines", "nowhere"]) == 4
    assert "pytest-ddd init" in capsys.readouterr().err


def test_an_empty_directory_is_not_valid(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (site / "empty").mkdir()

    assert main(["validate", "--baselines", "empty"]) == 4
    assert "no environments" in capsys.readouterr().err


def test_the_schema_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["validate", "--schema"]) == 0
    assert "thresholds" in json.loads(capsys.readouterr().out)["properties"]


def test_holidays_that_nobody_knows_are_a_mistake(
    site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (site / "baselines/prod/environment.yaml").write_text(
        "environment: {holidays: {country: XX}}\n"
    )
    (site / "baselines/prod/scenarios.yaml").write_text(
        'scenarios: {morning-health-check: {due: {at: "07:30"}}}\n'
    )

    assert main(["validate"]) == 4
    assert "no holidays are known for 'XX'" in capsys.readouterr().err
