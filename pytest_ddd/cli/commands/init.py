"""Make a site: copy checks, baselines and conftest.py, and never overwrite what is there."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest_ddd
from pytest_ddd.cli.printing import say
from pytest_ddd.errors import UsageError

SUMMARY = "make a site of checks and baselines"

COPIED = ("checks", "baselines", "conftest.py")
IGNORED = (".pytest-ddd/", "evidence/")
"""What runs write and no repository should hold."""

_LEFT_OUT = ("__pycache__", ".pytest_cache")
_OTHER_SETTINGS = (
    "pytest.toml",
    ".pytest.toml",
    "pytest.ini",
    ".pytest.ini",
    "tox.ini",
    "setup.cfg",
)
_PYPROJECT = """\
[tool.pytest]
minversion = "9.0"
testpaths = ["checks"]
addopts = ["-ra", "--import-mode=importlib"]
"""


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


def run(arguments: argparse.Namespace) -> int:
    """Make the site, and say what was written, what was kept and what to type next.

    Raises:
        UsageError: it cannot be written there.
    """
    target: Path = arguments.directory
    outcome = _Outcome()
    try:
        _make(target, outcome)
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


def _make(target: Path, outcome: _Outcome) -> None:
    place = source()
    if target.exists() and not target.is_dir():
        raise UsageError(f"{target} is not a directory", hint="pytest-ddd init DIR")
    target.mkdir(parents=True, exist_ok=True)
    if target.resolve() == place.resolve():
        raise UsageError("this is where the checks come from", hint="pytest-ddd init DIR")
    for name in COPIED:
        for path in _files(place / name):
            _write(target / path.relative_to(place), path.read_bytes(), outcome)
    _write_settings(target, outcome)
    _write_ignored(target, outcome)


def _files(path: Path) -> Iterator[Path]:
    if path.is_file():
        yield path
    elif path.is_dir() and path.name not in _LEFT_OUT:
        for below in sorted(path.iterdir()):
            yield from _files(below)


def _write(path: Path, content: bytes, outcome: _Outcome) -> None:
    """Write a file that is not there yet."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with path.open("xb") as stream:
            stream.write(content)
    except FileExistsError:
        same = path.is_file() and path.read_bytes() == content
        outcome.kept.append((path, "the same as ours" if same else "it is there already"))
    else:
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
        _write(path, _PYPROJECT.encode(), outcome)


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
