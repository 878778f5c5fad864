"""Smoke tests: commands on this machine, that end well, badly, not at all, or are not there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_ddd.baseline.loader import load_baseline
from pytest_ddd.connections import Connections
from pytest_ddd.errors import BaselineError, CannotLookError
from pytest_ddd.probes import smoke_tests
from tests.support.scopes import scope_of


@pytest.fixture
def one(tmp_path: Path) -> Iterator[object]:
    """Return a function that declares a smoke test `order` and looks at it."""
    opened: list[Connections] = []

    def look(says: str) -> smoke_tests.Tried:
        scope = scope_of(tmp_path, f"smoke_tests: {{order: {{{says}}}}}")
        opened.append(scope.connections)
        (entry,) = smoke_tests.entries(scope)
        return entry.read()

    yield look
    for connections in opened:
        connections.close()


def texts(tried: smoke_tests.Tried) -> list[str]:
    return [problem.text for problem in tried.problems]


def test_it_breaks_and_heals(one, tmp_path: Path) -> None:
    says = f"command: 'cat {tmp_path}/order'"
    broken = one(says)
    (tmp_path / "order").write_text("ok 7\n")
    healed = one(says)

    assert texts(broken) == [
        f"order: ended with 1, not 0: cat: {tmp_path}/order: No such file or directory"
    ]
    assert texts(healed) == []
    assert healed.exit_status[0].detail == "ok 7\n"


def test_the_output_counts_too(one) -> None:
    assert texts(one("command: echo empty, output: '^ok'")) == [
        "order: its output does not hold '^ok': 'empty\\n'"
    ]
    assert texts(one("command: echo ok, output: '^ok'")) == []


def test_another_exit_status_may_be_wanted(one) -> None:
    assert texts(one("command: exit 3, exit_status: 3")) == []


def test_what_does_not_end_is_red(one) -> None:
    """Users would wait as well; and the command is gone."""
    tried = one("command: 'echo $$ >&2; exec sleep 617', timeout: 300ms")

    assert texts(tried) == ["order: did not end within 300 ms"]
    assert tried.exit_status[0].value is None


def test_a_missing_program_is_unknown(one) -> None:
    with pytest.raises(CannotLookError, match=r"order: .*no-such-program"):
        one("command: no-such-program")


def test_all_attempts_are_kept(one, tmp_path: Path) -> None:
    """A service that has just been started may need a moment, and the record says so."""
    counter = tmp_path / "n"
    command = f"echo x >> {counter}; test $(wc -l < {counter}) -ge 3"
    tried = one(f"command: '{command}', attempts: {{count: 3, interval: 1ms}}")

    assert texts(tried) == []
    assert [(one.attempt, one.value) for one in tried.exit_status] == [(1, 1), (2, 1), (3, 0)]


def test_it_runs_on_hosts(tmp_path: Path) -> None:
    """With `applies_to`, one for each, and the command knows which."""
    scope = scope_of(
        tmp_path,
        "smoke_tests: {order: {command: 'echo {host} {address}', applies_to: [all]}}",
    )
    (entry,) = smoke_tests.entries(scope)
    seen = entry.read()
    scope.connections.close()

    assert (entry.target, entry.host) == ("here", "here")
    assert seen.exit_status[0].detail == "here localhost\n"


def test_126_is_no_status_to_want(tmp_path: Path) -> None:
    """It would be UNKNOWN for ever."""
    (tmp_path / "prod.yaml").write_text(
        "hosts: {a: {connection: 'local://'}}\nsmoke_tests: {x: {command: x, exit_status: 127}}"
    )

    with pytest.raises(BaselineError):
        load_baseline(tmp_path, "prod")
