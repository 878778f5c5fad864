"""Fetch a secret from where a reference says it is, and have it redacted from then on."""

from __future__ import annotations

import logging
import os
import shlex
import stat
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from pydantic import BaseModel

from pytest_ddd import redaction
from pytest_ddd.baseline.fields import SecretRef
from pytest_ddd.errors import CannotLookError

COMMAND_TIMEOUT_S = 30.0
"""Long enough for a vault; a command that asks for a passphrase gets no terminal and ends here."""

LARGEST_BYTES = 64 * 1024


class Registers(Protocol):
    """What takes secrets out of everything that is written."""

    def register(self, value: str) -> object:
        """Look for this value from now on."""


def _unheard(_text: str) -> None:
    """Drop a warning."""


def resolve(ref: SecretRef, redactor: Registers, *, warn: Callable[[str], None] = _unheard) -> str:
    """Return the secret itself, registered with `redactor` before anybody sees it.

    Args:
        ref: where it is.
        redactor: gets the value, and each line of a value of several lines.
        warn: gets a sentence when others can read the file.

    Raises:
        CannotLookError: it is not there, or empty.
    """
    if ref.env is not None:
        value = _from_environment(ref.env)
    elif ref.file is not None:
        value = _from_file(ref.file, warn)
    else:
        value = _from_command(ref.command or [])
    redactor.register(value)
    return value


def text_of(value: str | SecretRef) -> str:
    """Return a text as it stands, or the secret that it refers to, redacted from then on.

    Raises:
        CannotLookError: the secret is not there, or empty.
    """
    if isinstance(value, str):
        return value
    return resolve(value, redaction.DEFAULT, warn=logging.getLogger("pytest_ddd").warning)


def redact_early(section: BaseModel) -> None:
    """Have the secrets of a section redacted before anybody uses them.

    Those that are not there, and those that a command has to fetch, are known when they are used.
    """
    for ref in _references(section):
        if ref.command is None:
            with suppress(CannotLookError):
                resolve(ref, redaction.DEFAULT)


def _references(value: object) -> Iterator[SecretRef]:
    if isinstance(value, SecretRef):
        yield value
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from _references(getattr(value, name))
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _references(each)


def _from_environment(name: str) -> str:
    value = os.environ.get(name, "")
    if not value:
        state = "empty" if name in os.environ else "not set"
        raise CannotLookError(
            f"the secret in the environment variable {name} is {state}",
            hint=f"read -rs {name} && export {name}   # a line of history never holds it",
        )
    return value


def _from_file(path: Path, warn: Callable[[str], None]) -> str:
    path = path.expanduser()
    try:
        details = path.stat()
        if not stat.S_ISREG(details.st_mode):
            raise CannotLookError(f"the secret in {path}: not a regular file")
        with path.open("rb") as stream:
            data = stream.read(LARGEST_BYTES + 1)
    except OSError as reason:
        raise CannotLookError(
            f"the secret in {path} cannot be read: {reason.strerror}", hint=f"ls -l {path}"
        ) from None
    if details.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        warn(f"others can read the secret in {path}: chmod 600 {shlex.quote(str(path))}")
    return _text(data, f"the secret in {path}")


def _from_command(command: Sequence[str]) -> str:
    shown = shlex.join(command)
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=COMMAND_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise CannotLookError(
            f"the command for a secret did not end within {COMMAND_TIMEOUT_S:.0f} s: {shown}",
            hint="it must not ask: try it with </dev/null",
        ) from None
    except OSError as reason:
        raise CannotLookError(
            f"the command for a secret cannot run: {shown}: {reason.strerror}"
        ) from None
    if done.returncode != 0:
        raise CannotLookError(
            f"the command for a secret ended with {done.returncode}: {shown}",
            hint="run it yourself to see why",
        )
    return _text(done.stdout, f"the output of {shown}")


def _text(data: bytes, what: str) -> str:
    """Return the text without the newline that editors and commands put behind it."""
    if len(data) > LARGEST_BYTES:
        raise CannotLookError(f"{what} is larger than {LARGEST_BYTES // 1024} KiB")
    try:
        value = data.decode().rstrip("\r\n")
    except UnicodeDecodeError:
        raise CannotLookError(f"{what} is not a text") from None
    if not value:
        raise CannotLookError(f"{what} is empty")
    return value
