"""Patterns and paths are data: whatever they hold, no shell and no awk runs it."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from pytest_ddd.baseline.sections.logs import Log as LogModel
from tests.support.sshd import needs
from tests.unit.probes.logs.site import Logs, Way

pytestmark = needs("busybox")

NASTY = [
    "two words",
    "it's",
    'say "no"',
    "-v",
    "--version",
    "$(touch owned)",
    "`touch owned`",
    "; touch owned;",
    "a & touch owned",
    "$HOME",
    "%s%n",
    "!x",
    "é ü 漢",
    "\\",
    "tab\there",
    "#!",
    "} { ENVIRON",
]


@pytest.mark.parametrize("text", NASTY)
def test_a_nasty_pattern_finds_itself_and_runs_nothing(logs: Logs, text: str) -> None:
    pattern = re.sub(r"([][\\.*^$+?(){}|])", r"[\1]", text).replace("[[]", r"\[")
    pattern = pattern.replace("[^]", r"\^").replace("[\\]", r"\\")
    logs.write(f"nothing\n{text}\nnothing\n")
    assert logs.counts(critical=[pattern]) == (1, 0)
    assert sorted(path.name for path in logs.directory.iterdir()) == ["shop.log"]
    assert not Path("owned").exists()


@pytest.mark.parametrize("text", NASTY)
def test_a_nasty_pattern_can_be_ignored(logs: Logs, text: str) -> None:
    pattern = re.sub(r"([][\\.*^$+?(){}|])", r"[\1]", text).replace("[[]", r"\[")
    pattern = pattern.replace("[^]", r"\^").replace("[\\]", r"\\")
    logs.write(f"ERROR {text}\nERROR\n")
    assert logs.counts(ignore=[pattern]) == (0, 1)


NAMES = st.text(
    st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1, max_size=20
).filter(lambda name: name not in (".", ".."))


@settings(max_examples=60, suppress_health_check=list(HealthCheck))
@given(name=NAMES)
def test_any_path_is_read_with_its_rotated_files(tmp_path: Path, name: str) -> None:
    assume(len(name.encode()) < 200)
    directory = tmp_path / "x" / name
    directory.mkdir(parents=True, exist_ok=True)
    (directory / name).write_bytes(b"CRITICAL\n")
    (directory / f"{name}.1").write_bytes(b"CRITICAL\n")
    logs = Logs(tmp_path, Way())
    assert logs.counts(path=str(directory / name)) == (2, 0)


@pytest.mark.parametrize("name", ["-n", "$(touch owned)", "a\nb.log", " ", "*", "[ab].log", "'"])
def test_a_nasty_path_is_read(logs: Logs, name: str) -> None:
    logs.write("CRITICAL\n", name)
    logs.write("CRITICAL\n", f"{name}.1")
    assert logs.counts(path=str(logs.directory / name)) == (2, 0)


def test_a_relative_path_is_no_option(logs: Logs, monkeypatch: pytest.MonkeyPatch) -> None:
    logs.write("CRITICAL\n", "-n")
    monkeypatch.chdir(logs.directory)
    assert logs.counts(path="-n") == (1, 0)


LINES = st.lists(st.binary(max_size=30).map(lambda line: line.replace(b"\n", b"")), max_size=12)
WORDS = st.text(st.sampled_from("ab'\"$`\\ -;|&(){}#!%*é\t"), min_size=1, max_size=8)


def literal(word: str) -> str:
    """Return the word as a pattern that matches just it."""
    return "".join(f"\\{sign}" if sign in "\\.*^$+?(){}|[]" else sign for sign in word)


@settings(max_examples=80, suppress_health_check=list(HealthCheck))
@given(
    lines=LINES, words=st.lists(WORDS, min_size=3, max_size=3), places=st.lists(st.integers(0, 12))
)
def test_any_words_are_counted_as_python_counts_them(
    logs: Logs, lines: list[bytes], words: list[str], places: list[int]
) -> None:
    critical, error, ignore = words
    for turn, place in enumerate(places):
        lines.insert(place, b"x" + words[turn % 3].encode() + b"y")
    assume(not lines or lines[0][:2] not in (b"\xff\xfe", b"\xfe\xff"))  # UTF-16 is refused
    logs.write(b"".join(line + b"\n" for line in lines))
    model = LogModel(
        path="x", critical=[literal(critical)], error=[literal(error)], ignore=[literal(ignore)]
    )
    counted = logs.counts(critical=model.critical, error=model.error, ignore=model.ignore)
    left = [line for line in lines if ignore.encode() not in line]
    reds = [line for line in left if critical.encode() in line]
    rest = [line for line in left if critical.encode() not in line and error.encode() in line]
    assert counted == (len(reds), len(rest))


def test_the_shell_text_is_sound(logs: Logs) -> None:
    """Dash accepts it without running it; `bash --posix` counts the same."""
    logs.write("CRITICAL\n")
    bash = Logs(logs.directory, Way("bash", "--posix", "-c", 'exec bash --posix -c "$3"', "sh"))
    assert bash.counts() == (1, 0)
    source = Path(__file__).parents[4] / "pytest_ddd/probes/log_search/files.sh"
    subprocess.run(["dash", "-n", str(source)], check=True)
