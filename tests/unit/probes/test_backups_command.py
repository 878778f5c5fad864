"""Backups that a command of the user tells of."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from pytest_ddd import clock
from pytest_ddd.connections import Connections
from pytest_ddd.errors import CannotLookError
from tests.unit.probes.backup_site import GREEN, RED, YELLOW, backup, check, texts


@pytest.fixture(scope="module")
def here() -> Iterator[Connections]:
    connections = Connections({})
    yield connections
    connections.close()


def printing(hours_ago: float, size_bytes: int) -> str:
    at = clock.now() - timedelta(hours=hours_ago)
    return f"""echo '{{"at": "{at.isoformat()}", "size_bytes": {size_bytes}}}'"""


def test_a_fresh_backup_is_green(here: Connections) -> None:
    outcome, state = check(backup(here, kind="command", command=printing(1, 500)))
    assert (outcome, state.size.value, texts(state)) == (GREEN, 500, "")


def test_an_old_backup_is_yellow(here: Connections) -> None:
    assert check(backup(here, kind="command", command=printing(30, 500)))[0] is YELLOW


def test_a_backup_below_its_least_size_is_red(here: Connections) -> None:
    one = backup(here, kind="command", command=printing(1, 500), min_size="1kB")
    outcome, state = check(one)
    assert (outcome, texts(state)) == (RED, "latest has 500 B only")


def test_no_backup_is_red(here: Connections) -> None:
    command = """echo '{"at": null, "size_bytes": 0}'"""
    assert check(backup(here, kind="command", command=command))[0] is RED


@pytest.mark.parametrize(
    "command",
    [
        "exit 3",
        "true",
        "echo no",
        "echo '[]'",
        "echo '{}'",
        """echo '{"at": "yesterday", "size_bytes": 1}'""",
        """echo '{"at": "2026-01-31T03:00:00Z", "size_bytes": "1"}'""",
        """echo '{"at": "2026-01-31T03:00:00Z", "size_bytes": -1}'""",
        """echo '{"at": "2026-01-31T03:00:00Z", "size_bytes": NaN}'""",
        """echo '{"at": "2026-01-31T03:00:00Z", "size_bytes": 1} {}'""",
        """echo '{"at": "2026-01-31T03:00:00Z", "size_bytes": 1, "x": 1}'""",
        "no-such-command-anywhere",
    ],
)
def test_what_is_no_answer_is_unknown(here: Connections, command: str) -> None:
    with pytest.raises(CannotLookError):
        backup(here, kind="command", command=command).read()


def test_a_command_that_hangs_is_unknown(here: Connections) -> None:
    with pytest.raises(CannotLookError, match="did not end within 1 s"):
        backup(here, kind="command", command="sleep 60", timeout="1s").read()


def test_secrets_reach_the_command_in_its_environment(
    here: Connections, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_TOKEN", 'it\'s\na "token" $x')
    command = f"""test "$TOKEN" = "$(printf 'it\\'s\\na "token" $x')" && {printing(1, 5)}"""
    command = command.replace("'it\\'s\\na \"token\" $x'", "'it\\047s\\na \"token\" $x'")
    one = backup(
        here, kind="command", command=command, environment={"TOKEN": {"env": "TEST_TOKEN"}}
    )
    assert check(one)[0] is GREEN


def test_a_second_try_is_made_when_it_could_not_look(
    here: Connections, tmp_path_factory: pytest.TempPathFactory
) -> None:
    flag = tmp_path_factory.mktemp("flag") / "flag"
    command = f"test -e {flag} || {{ touch {flag}; exit 1; }}; {printing(1, 5)}"
    one = backup(here, kind="command", command=command, attempts={"count": 2, "interval": "1ms"})
    outcome, state = check(one)
    assert (outcome, state.age.attempt) == (GREEN, 2)
