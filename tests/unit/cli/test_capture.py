"""`pytest-ddd capture`, on this machine: what it writes, what it only shows, what it refuses."""

from __future__ import annotations

import subprocess
from pathlib import Path
from textwrap import dedent

import pytest

from pytest_ddd.baseline.placing import Statement
from pytest_ddd.cli.capturing.files import Draft, write
from pytest_ddd.cli.capturing.looking import Catch, without_secrets
from pytest_ddd.cli.main import main
from pytest_ddd.errors import UsageError

HOSTS = """\
version: 1
hosts:
  here: {connection: local://}
"""


@pytest.fixture(autouse=True)
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "baselines/prod").mkdir(parents=True)
    (tmp_path / "baselines/prod/hosts.yaml").write_text(HOSTS)
    (tmp_path / "app.conf").write_text("one\n")
    (tmp_path / "app.conf").chmod(0o644)
    return tmp_path


@pytest.fixture
def configuration(site: Path) -> Path:
    """A file that somebody wrote, with a mode that is not the file's."""
    path = site / "baselines/prod/configuration.yaml"
    path.write_text(
        dedent(f"""\
        # ours
        configuration:
          files:
            {site}/app.conf: {{mode: "0600"}}   # asked for by Ann
        """)
    )
    return path


def capture(*words: str) -> int:
    return main(["capture", "--host=prod", *words])


def test_a_new_file_is_written_at_once(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert capture(f"files:{site}/app.conf") == 0

    written = (site / "baselines/prod/configuration.yaml").read_text()
    assert f"# Made by `pytest-ddd capture --host prod files:{site}/app.conf`" in written
    assert 'mode: "0644"' in written
    assert "sha256: 2c8b08da5ce60398e1f19af0e5dccc744df274b826abe585eaba68c525434806" in written
    said = capsys.readouterr()
    assert "--- /dev/null\n+++ b/baselines/prod/configuration.yaml\n" in said.out
    assert "wrote: baselines/prod/configuration.yaml" in said.err
    assert "Look at it: pytest -m daily --host=prod" in said.err


def test_a_new_file_tells_editors_of_the_schema_that_the_site_has(site: Path) -> None:
    (site / "baselines/.schema.json").write_text("{}")

    assert capture("users:root") == 0

    text = (site / "baselines/prod/configuration.yaml").read_text()
    assert text.startswith("# yaml-language-server: $schema=../.schema.json\n# What is there")


def test_an_existing_file_is_only_shown(
    site: Path, configuration: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = configuration.read_text()

    assert capture(f"files:{site}/app.conf") == 0

    assert configuration.read_text() == before
    said = capsys.readouterr()
    assert "not written: baselines/prod/configuration.yaml" in said.err
    assert "Write it too: the same command with --write" in said.err
    done = subprocess.run(
        ["git", "apply", "--unsafe-paths", "-p1"], input=said.out, text=True, cwd=site, check=False
    )
    assert done.returncode == 0
    assert 'mode: "0644"' in configuration.read_text()


def test_write_changes_it_and_keeps_comments(site: Path, configuration: Path) -> None:
    assert capture(f"files:{site}/app.conf", "--write") == 0

    text = configuration.read_text()
    assert text.startswith("# ours\n")
    assert text.endswith("}   # asked for by Ann\n")
    assert 'mode: "0644"' in text


def test_what_holds_already_changes_nothing(
    site: Path, configuration: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (site / "app.conf").chmod(0o600)

    assert capture(f"files:{site}/app.conf", "--write") == 0

    assert capsys.readouterr().err == (
        "0 things captured; 1 thing as the baseline says already\nNothing to change\n"
    )


def test_kinds_are_found_and_read_back(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert capture("--discover", "users", "mounts", "thresholds") == 0

    folder = site / "baselines/prod"
    assert "root: {uid: 0, gid: 0" in (folder / "configuration.yaml").read_text()
    assert "cpu:" in (folder / "thresholds.yaml").read_text()
    assert main(["validate", "prod"]) == 0
    assert "captured" in capsys.readouterr().err


def test_one_kind_of_unlisted_things_that_does_not_hold_keeps_the_others(
    site: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only listeners come and go here; nobody lists people, so that they are there unlisted."""
    monkeypatch.setattr("pytest_ddd.probes.drift.unlisted.FIRST_PERSON_UID", 1)

    assert capture("--discover", "unlisted") == 0

    said = capsys.readouterr().err
    text = (site / "baselines/prod/configuration.yaml").read_text()
    assert "here: unlisted:users left out: unlisted users" in said
    assert "users: red" not in text
    assert "setuid: red" in text


def test_names_pick_from_what_is_found(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert capture("thresholds:open_files", "thresholds:nothing") == 0

    said = capsys.readouterr().err
    assert "here: thresholds:nothing left out: nothing of that name was found" in said
    written = (site / "baselines/prod/thresholds.yaml").read_text()
    assert "open_files:" in written
    assert "memory:" not in written


def test_thresholds_that_are_there_are_the_users_own(
    site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = site / "baselines/prod/thresholds.yaml"
    mine.write_text("thresholds: {open_files: {crit: 1%}}\n")

    assert capture("thresholds:open_files", "--write") == 0

    assert mine.read_text() == "thresholds: {open_files: {crit: 1%}}\n"
    assert "Nothing to change" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("thing", "why"),
    [
        ("files:/no/such/file", "is absent"),
        ("users:nobody-of-that-name", "no such account"),
        ("groups:no-group-of-that-name", "no such group"),
        ("sysctl:no.such.setting", "is unknown to this kernel"),
        ("mounts:/no/such/mount", "nothing is mounted there"),
        ("listeners:tcp:1", "nothing listens"),
        ("cron:job", "use --discover cron"),
        ("files:/dev/null", "files, directories and links are captured"),
    ],
)
def test_what_is_not_there_is_left_out_and_said(
    thing: str, why: str, site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert capture(thing) == 0

    said = capsys.readouterr().err
    assert f"! here: {thing} left out: " in said
    assert why in said
    assert not (site / "baselines/prod/configuration.yaml").exists()


@pytest.mark.parametrize(
    ("words", "said", "hint"),
    [
        ([], "nothing to capture", "pytest-ddd capture --discover, or name things"),
        (["services"], "services is a kind of thing, not a name", "capture --discover services"),
        (["servics:nginx"], "no kind of thing 'servics'; did you mean 'services'?", ""),
        (["files:"], "files: names nothing", "files:NAME, or --discover files"),
        (["--host=web9", "--discover"], "no host, group or environment 'web9'", "there is: "),
    ],
)
def test_mistakes_are_told_with_what_to_type(
    words: list[str], said: str, hint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    host = [] if words and words[0].startswith("--host") else ["--host=prod"]

    assert main(["capture", *host, *words]) == 4

    told = capsys.readouterr().err
    assert said in told
    assert hint in told


def test_a_host_of_no_baseline_is_refused_with_the_line_to_add(
    site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (site / "baselines/local.yaml").write_text(HOSTS.replace("here", "me"))

    assert main(["capture", "--host=ssh://ops@10.9.9.9", "--discover"]) == 4

    told = capsys.readouterr().err
    assert 'add to hosts.yaml: 10.9.9.9: {connection: "ssh://ops@10.9.9.9"}' in told


def test_a_dead_host_is_told_and_the_others_are_captured(
    site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (site / "baselines/prod/hosts.yaml").write_text(
        HOSTS + '  dead: {connection: "ssh://ops@127.0.0.1:1"}\n'
    )

    assert capture("users:root") == 1

    said = capsys.readouterr().err
    assert "✗ dead" in said
    text = (site / "baselines/prod/configuration.yaml").read_text()
    assert "root: {uid: 0, gid: 0" in text
    assert "applies_to: [here]" in text


def test_only_dead_hosts_are_nothing_to_capture(site: Path) -> None:
    (site / "baselines/prod/hosts.yaml").write_text(
        'hosts: {dead: {connection: "ssh://ops@127.0.0.1:1"}}\n'
    )

    assert capture("users:root") == 1
    assert not (site / "baselines/prod/configuration.yaml").exists()


def test_what_stands_behind_an_alias_is_not_changed(
    site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = site / "baselines/prod/configuration.yaml"
    path.write_text(
        f"configuration:\n  files:\n    /x: &same {{mode: '0600'}}\n    {site}/app.conf: *same\n"
    )

    assert capture(f"files:{site}/app.conf", "--write") == 4

    told = capsys.readouterr().err
    assert "baselines/prod/configuration.yaml: line 4: an alias" in told
    assert "write the value out in full" in told


def test_what_looks_like_a_secret_is_never_written() -> None:
    job = Statement(
        host="here",
        path=("configuration", "cron", "sync"),
        values={"schedule": "@daily", "command": "sync --password=hunter2secret"},
    )
    catch = Catch(statements=[job])

    assert [*without_secrets(catch)] == []
    assert [(one.name, one.why) for one in catch.left_out] == [
        ("cron:sync", "it holds what looks like a secret, which belongs into no file")
    ]


def test_a_file_that_was_changed_meanwhile_is_not_overwritten(site: Path) -> None:
    path = site / "baselines/prod/logs.yaml"
    path.write_text("logs: {}\n")

    with pytest.raises(UsageError, match=r"logs\.yaml was changed meanwhile"):
        write(Draft(path=path, before="logs: {a: 1}\n", after="x"))

    assert path.read_text() == "logs: {}\n"


def test_a_written_file_keeps_its_mode_and_its_link(site: Path) -> None:
    real, link = site / "real.yaml", site / "baselines/prod/logs.yaml"
    real.write_text("logs: {}\n")
    real.chmod(0o640)
    link.symlink_to(real)

    write(Draft(path=link, before="logs: {}\n", after="logs: {a: 1}\n"))

    assert link.is_symlink()
    assert real.read_text() == "logs: {a: 1}\n"
    assert real.stat().st_mode & 0o777 == 0o640


def test_what_cannot_be_written_is_told(site: Path) -> None:
    (site / "file").write_text("")

    with pytest.raises(UsageError, match="cannot be "):
        write(Draft(path=site / "file" / "logs.yaml", before=None, after="x"))
