"""Turn a reference to a secret into the secret, and make sure that it is never shown."""

from __future__ import annotations

import os
import subprocess

from pytest_ddd import redaction
from pytest_ddd.baseline.fields import SecretRef
from pytest_ddd.errors import CannotLookError

_COMMAND_TIMEOUT_S = 30.0


def secret_value(reference: SecretRef) -> str:
    """Return the secret, registered for redaction before anybody can use it.

    Raises:
        CannotLookError: it is not where the reference says, or it is empty.
    """
    if reference.env is not None:
        value, place = _from_environment(reference.env), f"environment variable {reference.env}"
    elif reference.file is not None:
        value, place = _from_file(reference), f"file {reference.file}"
    else:
        value, place = _from_command(reference.command or []), f"command {reference.command}"
    if not value:
        raise CannotLookError(f"secret is empty: {place}", hint="put the secret there")
    redaction.register(value)
    return value


def _from_environment(name: str) -> str:
    try:
        return os.environ[name].strip()
    except KeyError:
        raise CannotLookError(
            f"secret is missing: environment variable {name}", hint=f"export {name}=…"
        ) from None


def _from_file(reference: SecretRef) -> str:
    assert reference.file is not None
    try:
        return reference.file.expanduser().read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as failure:
        reason = failure.strerror if isinstance(failure, OSError) else "not UTF-8"
        raise CannotLookError(
            f"secret is missing: file {reference.file}: {reason}",
            hint=f"ls -l {reference.file}",
        ) from failure


def _from_command(command: list[str]) -> str:
    words = " ".join(command[:1])
    hint = f"run it yourself: {words}"
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_COMMAND_TIMEOUT_S,
            check=True,
        )
        return done.stdout.decode().strip()
    except subprocess.CalledProcessError as failure:
        message = f"secret is missing: {words} ended with {failure.returncode}"
    except subprocess.TimeoutExpired:
        message = f"secret is missing: {words} took longer than {_COMMAND_TIMEOUT_S:.0f} s"
    except UnicodeDecodeError:
        message = f"secret is missing: {words} printed what is not UTF-8"
    except OSError as failure:
        message = f"secret is missing: {words}: {failure.strerror}"
    # Without its cause: the output of the command hangs on that, and may hold half the secret.
    raise CannotLookError(message, hint=hint) from None
