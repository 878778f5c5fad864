"""Host states on this machine: numbers that a command prints, and what cannot be said."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pytest_ddd.baseline.loader import load_baseline
from pytest_ddd.connections import Connections
from pytest_ddd.errors import BaselineError, CannotLookError
from pytest_ddd.outcomes import Outcome, worst
from pytest_ddd.probes import host_states
from pytest_ddd.probes.host_facts import lists
from pytest_ddd.results import judge
from tests.support.scopes import HERE, scope_of

Look = Callable[[str], host_states.State]
NUMBERS = "free: {}, locks: false, packages: false, services: false"


@pytest.fixture
def look(tmp_path: Path) -> Iterator[Look]:
    opened: list[Connections] = []

    def looked(says: str) -> host_states.State:
        scope = scope_of(tmp_path, f"host_states: {{s: {{{says}}}}}")
        opened.append(scope.connections)
        (entry,) = host_states.entries(scope)
        return entry.read()

    yield looked
    for connections in opened:
        connections.close()


def outcome(state: host_states.State) -> Outcome:
    return worst(judge(*one).outcome or Outcome.UNKNOWN for one in state.judged)


@pytest.mark.parametrize(
    ("count", "expected"), [(99, Outcome.GREEN), (100, Outcome.RED), (50, Outcome.YELLOW)]
)
def test_a_command_may_count_the_sessions(look: Look, count: int, expected: Outcome) -> None:
    warn = 50 if expected is Outcome.YELLOW else 100
    sessions = f"sessions: {{command: echo {count}, warn: {warn}, crit: 100}}"

    assert outcome(look(f"{NUMBERS}, {sessions}")) is expected


@pytest.mark.parametrize("command", ["exit 1", "true", "echo many", "echo -5", "echo 1 2"])
def test_what_is_no_number_is_unknown(look: Look, command: str) -> None:
    with pytest.raises(CannotLookError, match="here"):
        look(f"{NUMBERS}, sessions: {{command: '{command}', crit: 100}}")


def test_a_directory_that_is_not_there_is_unknown(look: Look) -> None:
    says = NUMBERS.replace("free: {}", "free: {/no/such/place: {crit: 1GiB}}")

    with pytest.raises(CannotLookError, match="/no/such/place"):
        look(says)


@pytest.mark.parametrize(
    ("program", "prints"),
    [
        ("dpkg-query", "nonsense"),
        ("dpkg-query", ""),
        ("systemctl", "nginx.service"),
        ("systemctl", ""),
    ],
)
def test_a_list_that_cannot_be_read_is_unknown(
    look: Look, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str, prints: str
) -> None:
    """A tool of another version, or one that prints nothing and ends with 0."""
    (tmp_path / program).write_text(f"#!/bin/sh\nprintf '%s' '{prints}'\n")
    (tmp_path / program).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    which = {"dpkg-query": "packages", "systemctl": "services"}[program]

    with pytest.raises(CannotLookError):
        look(NUMBERS.replace(f"{which}: false", f"{which}: true"))


def test_an_empty_list_compares_with_nothing() -> None:
    """Not one package would be missing."""
    with pytest.raises(CannotLookError, match="a list is empty"):
        lists.changed("", "bash 5.2")


def test_what_came_went_and_changed() -> None:
    before, now = "a 1\nb 1\nc 1", "a 1\nb 2\nd 1"

    assert lists.changed(before, now) == ["b 1 -> 2", "c 1 -> (removed)", "d (new) -> 1"]


def test_a_service_that_is_gone_has_stopped() -> None:
    before = "cron.service active\nnginx.service active\nold.service inactive"
    now = "cron.service reloading\nold.service failed"

    assert lists.stopped(before, now) == ["nginx.service was active before and is gone now"]


@pytest.mark.parametrize(
    ("says", "told"),
    [
        ("host_states: {s: {sessions: {crit: 5}}}", "exactly one of ports and command"),
        ("host_states: {s: {sessions: {ports: [80]}}}", "needs warn, crit or both"),
        ("host_states: {s: {free: {/: {warn: 1GiB, crit: 2GiB}}}}", "would never be seen"),
        ("scans: {s: {}}", "exactly one of lynis, debsecan, updates and command"),
        ("scans: {s: {lynis: {}, debsecan: {}}}", "exactly one of lynis"),
        (
            "scans: {s: {lynis: {}, limits: {critical: told, high: told, medium: told}}}",
            "nothing could",
        ),
        ("scans: {s: {command: {run: x, found: [0]}}}", "either clean or found"),
        ("scans: {s: {command: {run: x, lines: {finding: x, examined: x}}}}", "names no finding"),
        (
            "scans: {s: {command: {run: x, json: {findings: a},"
            " lines: {finding: '(?P<id>.)', examined: x}}}}",
            "json or lines, not both",
        ),
        ("smoke_tests: {s: {command: ''}}", "command"),
        ("smoke_tests: {s: {command: x, from: host}}", "needs applies_to"),
    ],
)
def test_mistakes_are_told(tmp_path: Path, says: str, told: str) -> None:
    (tmp_path / "prod.yaml").write_text(HERE + says)

    with pytest.raises(BaselineError) as caught:
        load_baseline(tmp_path, "prod")

    assert told in str(caught.value)
