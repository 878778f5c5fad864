"""Files changed by hand are told by attribute, value and baseline line."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from pytest_ddd.errors import CannotLookError
from pytest_ddd.probes.drift.ways import Ways
from tests.unit.probes.drift.sandbox import BASELINE, Way, item, problems

pytestmark = pytest.mark.needs("unshare")


@pytest.fixture
def open_dir(tmp_path: Path) -> Path:
    """A directory that everybody may enter (pytest's own is closed to others)."""
    for directory in (tmp_path, *tmp_path.parents):
        if directory.name.startswith(("pytest-", "popen-")) or directory == tmp_path:
            directory.chmod(0o755)
    return tmp_path


@pytest.fixture
def path(open_dir: Path) -> Path:
    path = open_dir / "app.conf"
    path.write_text("alpha = 1\nbeta = 2\n")
    path.chmod(0o644)
    return path


def test_healthy_file_has_no_problem_and_says_what_it_saw(here: Ways, path: Path) -> None:
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    drift = item(
        here,
        f"file:{path}",
        owner="root",
        group="root",
        mode="0644",
        sha256=digest,
        content=path.read_text(),
        contains=["^beta = 2$"],
        lacks=["^gamma"],
    ).read()
    assert drift.problems == ()
    assert [reading.name.removeprefix(f"file {path} ") for reading in drift.readings] == [
        "state", "owner", "group", "mode", "sha256", "content", "contains", "lacks",
    ]  # fmt: skip


def test_mode_names_both_modes_and_its_own_line(here: Ways, path: Path) -> None:
    path.chmod(0o666)
    found = problems(here, f"file:{path}", owner="root", mode="0644")
    assert found == [f"mode is 0666, expected 0644 ({BASELINE}:3)"]


def test_setuid_bit_is_part_of_the_mode(here: Ways, path: Path) -> None:
    path.chmod(0o4755)
    assert problems(here, f"file:{path}", mode="0755") == [
        f"mode is 4755, expected 0755 ({BASELINE}:2)"
    ]


def test_owner_and_group(here: Ways, path: Path) -> None:
    os.chown(path, 65534, 65534)
    assert problems(here, f"file:{path}", owner="root", group="root") == [
        f"owner is nobody, expected root ({BASELINE}:2)",
        f"group is nogroup, expected root ({BASELINE}:3)",
    ]


def test_owner_by_number(here: Ways, path: Path) -> None:
    assert problems(here, f"file:{path}", owner="0", group="7") == [
        f"group is 0, expected 7 ({BASELINE}:3)"
    ]


def test_sha256_of_changed_file(here: Ways, path: Path) -> None:
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    path.write_text("alpha = 2\n")
    now = hashlib.sha256(path.read_bytes()).hexdigest()
    assert problems(here, f"file:{path}", sha256=digest) == [
        f"sha256 is {now}, expected {digest} ({BASELINE}:2)"
    ]


def test_sha256_of_a_name_that_sha256sum_escapes(here: Ways, open_dir: Path) -> None:
    path = open_dir / "back\\slash"
    path.write_text("x")
    assert problems(here, f"file:{path}", sha256=hashlib.sha256(b"x").hexdigest()) == []


def test_content_shows_a_unified_diff(here: Ways, path: Path) -> None:
    path.write_text("alpha = 1\nbeta = 3\n")
    drift = item(here, f"file:{path}", content="alpha = 1\nbeta = 2\n").read()
    assert drift.diff == (
        f"--- {BASELINE}:2\n+++ {path}\n@@ -1,2 +1,2 @@\n alpha = 1\n-beta = 2\n+beta = 3\n"
    )
    assert "-beta = 2\n+beta = 3" in drift.problems[0].text


def test_missing_final_newline_is_seen(here: Ways, path: Path) -> None:
    path.write_text("alpha = 1")
    drift = item(here, f"file:{path}", content="alpha = 1\n").read()
    assert drift.diff.endswith("-alpha = 1\n+alpha = 1\n\\ No newline at end of file\n")


def test_carriage_returns_are_seen(here: Ways, path: Path) -> None:
    path.write_bytes(b"alpha = 1\r\n")
    assert "+alpha = 1␍\n" in item(here, f"file:{path}", content="alpha = 1\n").read().diff


def test_binary_content_is_said_not_printed(here: Ways, path: Path) -> None:
    path.write_bytes(b"alpha\0\xff")
    drift = item(here, f"file:{path}", content="alpha\n").read()
    assert drift.problems[0].text.startswith("content is binary (7 bytes, sha256 ")
    assert drift.diff == ""


def test_long_diff_is_capped_in_the_problem_and_whole_in_the_answer(here: Ways, path: Path) -> None:
    path.write_text("".join(f"line {number}\n" for number in range(5000)))
    drift = item(here, f"file:{path}", content="nothing\n").read()
    assert len(drift.problems[0].text) * 10 < len(drift.diff)


def test_contains_says_which_pattern_is_missing(here: Ways, path: Path) -> None:
    assert problems(here, f"file:{path}", contains=["^alpha", "^gamma"]) == [
        f"has nothing that matches `^gamma` ({BASELINE}:2)"
    ]


def test_lacks_says_where_the_pattern_stands(here: Ways, path: Path) -> None:
    assert problems(here, f"file:{path}", lacks=["^beta"]) == [
        f"has line 2 'beta = 2', and nothing may match `^beta` ({BASELINE}:2)"
    ]


def test_content_over_the_limit_is_unknown(here: Ways, path: Path) -> None:
    os.truncate(path, 5 * 1024**2)
    with pytest.raises(CannotLookError, match="has 5 MiB, more than the 4 MiB"):
        item(here, f"file:{path}", contains=["x"]).read()


def test_missing_file(here: Ways, path: Path) -> None:
    path.unlink()
    assert problems(here, f"file:{path}", mode="0644") == [
        f"does not exist, expected a file ({BASELINE}:1)"
    ]


def test_absent_file_that_is_there(here: Ways, path: Path) -> None:
    assert problems(here, f"file:{path}", state="absent") == [
        f"is there (a file), expected absent ({BASELINE}:2)"
    ]


def test_absent_file(here: Ways, path: Path) -> None:
    path.unlink()
    assert problems(here, f"file:{path}", state="absent") == []


def test_absent_is_not_believed_of_a_dangling_link(here: Ways, path: Path) -> None:
    path.unlink()
    path.symlink_to("nowhere")
    assert problems(here, f"file:{path}", state="absent") == [
        f"is there (a symlink), expected absent ({BASELINE}:2)"
    ]


def test_directory(here: Ways, open_dir: Path) -> None:
    assert problems(here, f"file:{open_dir}", state="directory", mode="0755") == []


def test_file_replaced_by_a_directory(here: Ways, open_dir: Path) -> None:
    assert problems(here, f"file:{open_dir}") == [f"is a directory, expected a file ({BASELINE}:1)"]


def test_file_replaced_by_a_link(here: Ways, path: Path) -> None:
    path.rename(path.with_name("elsewhere"))
    path.symlink_to("elsewhere")
    assert problems(here, f"file:{path}") == [f"is a symlink, expected a file ({BASELINE}:1)"]


def test_pipe_is_named_and_never_read(here: Ways, path: Path) -> None:
    path.unlink()
    os.mkfifo(path)
    assert problems(here, f"file:{path}", content="x") == [
        f"is a pipe, expected a file ({BASELINE}:1)"
    ]


@pytest.mark.parametrize("absolute", [False, True])
def test_link_by_its_text_or_by_where_it_leads(here: Ways, path: Path, absolute: bool) -> None:
    link = path.with_name("link")
    link.symlink_to("app.conf")
    wanted = str(path.resolve()) if absolute else "app.conf"
    assert problems(here, f"file:{link}", state="symlink", target=wanted) == []


def test_link_to_elsewhere(here: Ways, path: Path) -> None:
    link = path.with_name("link")
    link.symlink_to("/etc/shadow")
    assert problems(here, f"file:{link}", state="symlink", target="app.conf") == [
        f"target is /etc/shadow, expected app.conf ({BASELINE}:3)"
    ]


def test_name_with_blanks_quotes_and_dollar(here: Ways, open_dir: Path) -> None:
    path = open_dir / "a 'b' $(c) %s"
    path.write_text("x\n")
    assert problems(here, f"file:{path}", content="x\n", mode="0600") == [
        f"mode is 0644, expected 0600 ({BASELINE}:3)"
    ]


def test_file_behind_a_closed_directory_is_unknown(as_nobody: Way, open_dir: Path) -> None:
    closed = open_dir / "closed"
    closed.mkdir(mode=0o700)
    (closed / "app.conf").write_text("x")
    with pytest.raises(CannotLookError, match="Permission denied") as failure:
        item(as_nobody, f"file:{closed}/app.conf").read()
    assert "sudo: true" in failure.value.hint


def test_absent_behind_a_closed_directory_is_unknown(as_nobody: Way, open_dir: Path) -> None:
    closed = open_dir / "closed"
    closed.mkdir(mode=0o700)
    with pytest.raises(CannotLookError, match="Permission denied"):
        item(as_nobody, f"file:{closed}/app.conf", state="absent").read()


@pytest.mark.parametrize("values", [{"sha256": "0" * 64}, {"content": "x"}, {"lacks": ["x"]}])
def test_unreadable_content_is_unknown(
    as_nobody: Way, path: Path, values: dict[str, object]
) -> None:
    path.chmod(0o600)
    with pytest.raises(CannotLookError, match="Permission denied"):
        item(as_nobody, f"file:{path}", **values).read()


def test_known_fault_is_not_hidden_by_a_blind_spot(as_nobody: Way, path: Path) -> None:
    path.chmod(0o600)
    found = problems(as_nobody, f"file:{path}", content="x", mode="0644")
    assert found[0] == f"mode is 0600, expected 0644 ({BASELINE}:3)"
    assert found[1].startswith("could not look at content: ")


def test_attempts_are_all_kept(here: Ways, path: Path) -> None:
    path.chmod(0o600)
    look = item(here, f"file:{path}", mode="0644", attempts={"count": 2, "interval": "10ms"})
    assert [reading.attempt for reading in look.read().readings] == [1, 1, 2, 2]


def test_healed_file_is_green_at_the_next_look(here: Ways, path: Path) -> None:
    path.chmod(0o600)
    look = item(here, f"file:{path}", mode="0644")
    assert look.read().problems
    path.chmod(0o644)
    look.forget()
    assert look.read().problems == ()
