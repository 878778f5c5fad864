"""Secrets: fetched from where the reference says, and registered before anybody sees them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pytest_ddd import redaction
from pytest_ddd.baseline import secrets
from pytest_ddd.baseline.fields import SecretRef
from pytest_ddd.baseline.sections.escalation import Escalation
from pytest_ddd.errors import CannotLookError
from pytest_ddd.redaction import Redactor

CANARY = "canary-4711-secret"


@pytest.fixture
def redactor() -> Redactor:
    return Redactor()


def test_from_the_environment(redactor: Redactor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DB_PASSWORD", CANARY)

    assert secrets.resolve(SecretRef(env="DB_PASSWORD"), redactor) == CANARY


def test_from_a_file_without_its_last_newline(redactor: Redactor, site: Path) -> None:
    (site / "password").write_text(f"{CANARY}\n")

    assert secrets.resolve(SecretRef(file=Path("password")), redactor) == CANARY


def test_from_a_file_at_home(
    redactor: Redactor, site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(site))
    (site / "password").write_text(CANARY)

    assert secrets.resolve(SecretRef(file=Path("~/password")), redactor) == CANARY


def test_from_a_command(redactor: Redactor) -> None:
    assert secrets.resolve(SecretRef(command=["printf", "%s\\n", CANARY]), redactor) == CANARY


def test_it_is_redacted_from_then_on(redactor: Redactor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DB_PASSWORD", CANARY)

    secrets.resolve(SecretRef(env="DB_PASSWORD"), redactor)

    assert CANARY not in redactor.scrub(f"answered {CANARY}")


def test_a_file_that_others_can_read_is_warned_of(redactor: Redactor, site: Path) -> None:
    (site / "password").write_text(CANARY)
    (site / "password").chmod(0o644)
    warnings: list[str] = []

    secrets.resolve(SecretRef(file=Path("password")), redactor, warn=warnings.append)

    assert warnings == ["others can read the secret in password: chmod 600 password"]


def test_a_file_that_nobody_else_can_read_is_not(redactor: Redactor, site: Path) -> None:
    (site / "password").write_text(CANARY)
    (site / "password").chmod(0o600)
    warnings: list[str] = []

    secrets.resolve(SecretRef(file=Path("password")), redactor, warn=warnings.append)

    assert warnings == []


@pytest.mark.parametrize(
    ("ref", "words"),
    [
        (SecretRef(env="DDD_NOT_SET"), "DDD_NOT_SET is not set"),
        (SecretRef(env="DDD_EMPTY"), "DDD_EMPTY is empty"),
        (SecretRef(file=Path("missing")), "missing cannot be read"),
        (SecretRef(file=Path()), "not a regular file"),
        (SecretRef(file=Path("empty")), "is empty"),
        (SecretRef(file=Path("binary")), "is not a text"),
        (SecretRef(file=Path("pipe")), "not a regular file"),
        (SecretRef(command=["no-such-program-4711"]), "cannot run"),
        (SecretRef(command=["sh", "-c", "echo leaked-text; exit 3"]), "ended with 3"),
        (SecretRef(command=["true"]), "is empty"),
        (SecretRef(command=["sleep", "5"]), "did not end"),
        (SecretRef(command=["cat"]), "is empty"),
    ],
    ids=str,
)
def test_what_is_not_there_cannot_be_looked_at(
    ref: SecretRef,
    words: str,
    redactor: Redactor,
    site: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if words == "did not end":
        monkeypatch.setattr(secrets, "COMMAND_TIMEOUT_S", 0.3)
    monkeypatch.setenv("DDD_EMPTY", "")
    (site / "empty").write_text("\n")
    (site / "binary").write_bytes(b"\xff\xfe\x00")
    os.mkfifo(site / "pipe")

    with pytest.raises(CannotLookError, match=words) as caught:
        secrets.resolve(ref, redactor)

    assert "leaked-text" not in str(caught.value).replace("echo leaked-text", "")


def test_keys_of_a_section_are_redacted_before_they_are_used(
    site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever they stand in it; what is not there, or needs a command, waits until it is used."""
    monkeypatch.setattr(redaction, "DEFAULT", Redactor())
    monkeypatch.setenv("PAGER_KEY", f"{CANARY}-1")
    (site / "hook").write_text(f"{CANARY}-2")
    channels = {
        "pager": {"kind": "pagerduty", "key": {"env": "PAGER_KEY"}},
        "hook": {"kind": "webhook", "url": {"file": "hook"}, "key": {"env": "NOT_THERE"}},
        "vault": {"kind": "pagerduty", "key": {"command": ["touch", "was-run"]}},
    }

    secrets.redact_early(Escalation.model_validate({"channels": channels}))

    scrubbed = redaction.DEFAULT.scrub(f"a {CANARY}-1 b {CANARY}-2")
    assert CANARY not in scrubbed
    assert not (site / "was-run").exists()
