"""Make a site: copy checks, baselines and conftest.py, and never overwrite what is there."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest_ddd
from pytest_ddd.cli import founding, questions
from pytest_ddd.cli.printing import say
from pytest_ddd.errors import UsageError

SUMMARY = "make a site of checks and baselines"

COPIED = ("checks", "baselines", "conftest.py")
IGNORED = (".pytest-ddd/", "evidence/")
"""What runs write and no repository should hold."""

_THERE = "it is there already"
_LEFT_OUT = ("__pycache__", ".pytest_cache")
_OTHER_SETTINGS = (
    "pytest.toml",
    ".pytest.toml",
    "pytest.ini",
    ".pytest.ini",
    "tox.ini",
    "setup.cfg",
)


@dataclass(slots=True)
class _Outcome:
    """What happened to the files."""

    written: list[Path] = field(default_factory=list)
    kept: list[tuple[Path, str]] = field(default_factory=list)


def configure(parser: argparse.ArgumentParser) -> None:
    """Add what the verb takes."""
    parser.add_argument(
        "directory",
        nargs="?",
        type=Path,
        default=Path(),
        metavar="DIR",
        help="where to make it (default: here)",
    )
    group = parser.add_argument_group(
        "what no machine can know", "Asked for on a terminal; elsewhere left open unless given."
    )
    for one in founding.QUESTIONS:
        group.add_argument(
            f"--{one.name}", metavar="TEXT", help=f"{one.words} For example: {one.example}"
        )


def run(arguments: argparse.Namespace) -> int:
    """Make the site, and say what was written, what was kept and what to type next.

    Raises:
        UsageError: it cannot be written there.
    """
    target: Path = arguments.directory
    outcome = _Outcome()
    is_new = not (target / founding.ENVIRONMENT).exists()
    given = questions.answers(founding.QUESTIONS, vars(arguments), may_ask=is_new)
    try:
        _make(target, given, outcome)
    except OSError as reason:
        raise UsageError(
            f"cannot make a site in {target}: {reason.strerror}: {reason.filename}",
            hint="choose another directory: pytest-ddd init DIR",
        ) from None
    for path in outcome.written:
        say(f"wrote  {path}")
    for path, why in outcome.kept:
        say(f"kept   {path}: {why}")
    _say_what_is_next(target)
    return 0


def source() -> Path:
    """Return where checks and baselines are copied from: the wheel, or the checkout.

    Raises:
        UsageError: this installation holds neither.
    """
    package = Path(pytest_ddd.__file__).parent
    for place in (package / "scaffold", package.parent):
        if all((place / name).is_dir() for name in ("checks", "baselines")):
            return place
    raise UsageError(
        "this installation of pytest-ddd holds no checks to copy",
        hint="install it again: pip install --force-reinstall pytest-ddd",
    )


def _make(target: Path, answers: Mapping[str, str], outcome: _Outcome) -> None:
    place = source()
    if target.exists() and not target.is_dir():
        raise UsageError(f"{target} is not a directory", hint="pytest-ddd init DIR")
    target.mkdir(parents=True, exist_ok=True)
    if target.resolve() == place.resolve():
        raise UsageError("this is where the checks come from", hint="pytest-ddd init DIR")
    for name in COPIED:
        for path in _files(place / name):
            _copy(path, path.relative_to(place), target, answers, outcome)
    for made, text in founding.generated(answers).items():
        _write(target / made, text.encode(), outcome, renew=made == founding.SCHEMA)
    _write_settings(target, outcome)
    _write_ignored(target, outcome)


def _files(path: Path) -> Iterator[Path]:
    if path.is_file():
        yield path
    elif path.is_dir() and path.name not in _LEFT_OUT:
        for below in sorted(path.iterdir()):
            yield from _files(below)


def _copy(
    path: Path, name: Path, target: Path, answers: Mapping[str, str], outcome: _Outcome
) -> None:
    content, why = path.read_bytes(), _THERE
    if str(name) == founding.ENVIRONMENT and answers:
        content = founding.with_answers(content.decode(), answers).encode()
        why = f"{_THERE}: change {', '.join(answers)} in it"
    _write(target / name, content, outcome, why=why)


def _write(
    path: Path, content: bytes, outcome: _Outcome, *, renew: bool = False, why: str = _THERE
) -> None:
    """Write a file that is not there yet, or renew one that nobody writes by hand."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_file() and path.read_bytes() == content:
        outcome.kept.append((path, "the same as ours"))
    elif path.is_symlink() or (path.exists() and not renew):
        outcome.kept.append((path, why))
    else:
        path.write_bytes(content)
        outcome.written.append(path)


def _write_settings(target: Path, outcome: _Outcome) -> None:
    """Write pyproject.toml unless pytest has its settings elsewhere."""
    for name in _OTHER_SETTINGS:
        if (target / name).exists():
            outcome.kept.append(
                (target / name, "add `testpaths = checks` if pytest finds no check")
            )
            return
    path = target / "pyproject.toml"
    if path.exists() or path.is_symlink():
        outcome.kept.append((path, 'add testpaths = ["checks"] to its pytest table'))
    else:
        _write(path, founding.PYPROJECT.encode(), outcome)


def _write_ignored(target: Path, outcome: _Outcome) -> None:
    """Add the lines that .gitignore lacks."""
    path = target / ".gitignore"
    text = path.read_text() if path.exists() else ""
    missing = [line for line in IGNORED if line not in text.splitlines()]
    if not missing:
        outcome.kept.append((path, "it has our lines"))
        return
    gap = "" if not text or text.endswith("\n") else "\n"
    with path.open("a") as stream:
        stream.write(gap + "".join(f"{line}\n" for line in missing))
    outcome.written.append(path)


def _say_what_is_next(target: Path) -> None:
    say("\nNext:")
    if target.resolve() != Path.cwd():
        say(f"  cd {target}")
    say("  pytest -m daily                      # check this machine")
    say("  cp -r baselines/local baselines/prod # then name your hosts in hosts.yaml")
    say("  pytest-ddd validate prod")
    say("  pytest -m daily --host=prod")
