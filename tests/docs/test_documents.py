"""Every command and every YAML block of README and docs works as it stands there."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from pytest_ddd.baseline.loader import load_baseline
from pytest_ddd.cli import main

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BIN = Path(sys.executable).parent
MISTYPED = ("first-hour.md",)
"""Pages that show commands as they are mistyped; a test of their own runs them."""

_FENCE = re.compile(r"^```(?P<info>[^\n]*)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
_CAPTION = re.compile(r"^:caption: (.+)\n+", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Block:
    """One fenced block: where it is, its language, the file that it shows, and its text."""

    document: str
    line: int
    language: str
    file: str
    text: str


def _blocks(document: Path) -> list[Block]:
    found = []
    whole = document.read_text(encoding="utf-8")
    for match in _FENCE.finditer(whole):
        caption = _CAPTION.search(match["body"])
        found.append(
            Block(
                document=document.name,
                line=whole.count("\n", 0, match.start()) + 1,
                language=match["info"].replace("{code-block}", "").strip(),
                file=caption[1] if caption and "{literalinclude}" not in match["info"] else "",
                text=_CAPTION.sub("", match["body"]),
            )
        )
    return found


BLOCKS = [block for document in DOCUMENTS for block in _blocks(document)]


def test_every_block_is_of_a_kind_that_is_tested() -> None:
    """A block of another kind would never be run by anything."""
    known = {"console", "yaml", "python", "text", "{toctree}"}

    included = {block.language for block in BLOCKS if block.language.startswith("{literalinclude}")}

    assert {block.language for block in BLOCKS} - included <= known
    for language in included:
        assert language.startswith("{literalinclude} ../examples/"), "tests/examples runs no other"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_commands_and_files(document: Path, tmp_path: Path) -> None:
    """Files are written as shown, and commands run in their order."""
    for block in _blocks(document):
        if block.file:
            file = tmp_path / block.file
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(block.text, encoding="utf-8")
        for line in block.text.splitlines() if block.language == "console" else ():
            _run(line.removeprefix("$ "), tmp_path)


def _run(command: str, where: Path) -> None:
    words = shlex.split(command)
    program = shutil.which(words[0], path=str(BIN))
    assert program is not None, command
    if words[0] == "pytest" and not (where / "baselines").exists():
        subprocess.run([BIN / "pytest-ddd", "init"], cwd=where, check=True, capture_output=True)
    done = subprocess.run(
        [program, *words[1:]], cwd=where, text=True, capture_output=True, check=False
    )
    told = f"{command}\n{done.stdout}{done.stderr}"
    if words[0] == "pytest":  # a busy machine may have trouble of its own, but can be looked at
        assert done.returncode in (0, 1), told
        assert "Report: " in done.stdout, told
        assert "UNKNOWN" not in done.stdout, told
    else:
        assert done.returncode == 0, told


@pytest.mark.parametrize(
    "block",
    [block for block in BLOCKS if block.language == "yaml" and not block.file],
    ids=lambda block: f"{block.document}:{block.line}",
)
def test_yaml_without_a_file_name(block: Block, tmp_path: Path) -> None:
    """A YAML block that names no file is a whole section of a baseline."""
    hosts = "hosts: {web1: {connection: 'local://', groups: [web]}, db1: {connection: 'local://'}}\ngroups: {web: {}}\n"
    has_hosts = re.search("^hosts:", block.text, re.MULTILINE)
    text = block.text if has_hosts else hosts + block.text
    (tmp_path / "prod.yaml").write_text(text, encoding="utf-8")

    assert load_baseline(tmp_path, "prod").name == "prod"


@pytest.mark.parametrize(
    "block",
    [block for block in BLOCKS if block.language == "python" and not block.file],
    ids=lambda block: f"{block.document}:{block.line}",
)
def test_python_without_a_file_name(block: Block) -> None:
    """A Python block that names no file can be executed."""
    space: dict[str, object] = {"__name__": "shown"}
    exec(compile(block.text, f"{block.document}:{block.line}", "exec"), space)

    assert set(space) - {"__name__", "__builtins__"}


def _shown() -> Iterator[tuple[str, str]]:
    """Yield the lines that are shown and, for want of a real host, not run."""
    for block in BLOCKS:
        if block.language == "text" and block.document not in MISTYPED:
            for line in block.text.replace("\\\n", " ").splitlines():
                yield f"{block.document}:{block.line}", line
    for document in (one for one in DOCUMENTS if one.name not in MISTYPED):
        prose = _FENCE.sub("", document.read_text(encoding="utf-8"))
        for line in re.findall(r"^    (\S.*)$", prose, re.MULTILINE):
            yield document.name, line


def _typed() -> Iterator[tuple[str, list[str]]]:
    """Yield every command line of ours among them, with the place where it stands."""
    for place, line in _shown():
        command = line.removeprefix("$ ").split("=… ")[-1].split("  #")[0]
        if command.startswith(("pytest ", "pytest-ddd ")):
            yield place, shlex.split(command)


TYPED = [pytest.param(*one, id=f"{one[0]}-{n}") for n, one in enumerate(_typed())]


@pytest.mark.parametrize(("place", "words"), TYPED)
def test_a_command_that_is_not_run_can_be_typed(
    place: str, words: list[str], request: pytest.FixtureRequest
) -> None:
    """Its verb and options exist, and have the values that they need."""
    if words[0] == "pytest":
        _, unknown = request.config._parser.parse_known_and_unknown_args(words[1:])
        assert unknown == [], place
    else:
        assert main._parser().parse_args(words[1:]).verb == words[1], place


def test_options_that_are_named_exist(pytestconfig: pytest.Config) -> None:
    """No page names an option of ours that pytest does not know."""
    told = subprocess.run(
        [sys.executable, "-m", "pytest", "--help"], capture_output=True, text=True, check=True
    ).stdout
    for document in (one for one in DOCUMENTS if one.name not in MISTYPED):
        for option in re.findall(r"--ddd-[a-z-]*[a-z]", document.read_text(encoding="utf-8")):
            assert option in told, f"{document.name}: {option}"


def test_readme_commands_are_targets_of_make() -> None:
    """README's `make` commands exist."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")

    for target in re.findall(r"\bmake ([a-z]+)", text):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_links_lead_somewhere() -> None:
    """Links to files of the project lead to files."""
    for document in DOCUMENTS:
        prose = _FENCE.sub("", document.read_text(encoding="utf-8"))
        for link in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", prose):
            if not link.startswith("http"):
                assert (document.parent / link).exists(), f"{document.name}: {link}"
