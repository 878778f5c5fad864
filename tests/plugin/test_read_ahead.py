"""Reading ahead: everything at once, only entries, only where asked for, and stopped with the run."""

from __future__ import annotations

import socket
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pytest_ddd import clock
from tests.plugin.conftest import Outcome, Site
from tests.support.http_servers import Behaviour, Server, answer, serving, silent
from tests.support.sshd import SERVER, running, sshd

ENDPOINTS = 8
PATIENCE_S = 60.0
READ = "def test_endpoints(endpoint):\n    assert endpoint.read().problems == ()\n"


def _together(count: int) -> Behaviour:
    """Answer nobody before `count` requests have come in."""
    there = threading.Barrier(count)

    def behave(connection: socket.socket, server: Server) -> None:
        server.read_head(connection)
        there.wait(PATIENCE_S)
        connection.sendall(answer())

    return behave


def _endpoints(site: Site, server: Server, count: int) -> None:
    declared = ", ".join(
        f"e{number}: {{url: '{server.url}/{number}', deadline: {PATIENCE_S:g}s, "
        "attempts: {count: 1}}"
        for number in range(count)
    )
    site.baseline("local", endpoints=f"endpoints: {{{declared}}}")


@contextmanager
def _fleet(site: Site, count: int, tmp_path: Path) -> Iterator[object]:
    """Let `prod` be one sshd under many names."""
    with sshd(tmp_path / "sshd") as server:
        site.fleet(server, count)
        yield server


def _done(outcome: Outcome) -> dict[str, str]:
    return {
        entry: colour
        for entry, colour in outcome.outcomes().items()
        if not entry.endswith("/reachable")
    }


def test_all_endpoints_are_asked_at_once(site: Site, plugin_args: tuple[str, ...]) -> None:
    """A server that answers nobody before all have asked is content."""
    with serving(_together(ENDPOINTS)) as server:
        _endpoints(site, server, ENDPOINTS)
        site.check(f"def test_host(host): pass\n{READ}")
        done = site.run(*plugin_args)

    assert done.status == 0, done.text
    assert len(server.requests) == ENDPOINTS


def test_a_users_command_runs_when_its_check_runs_and_once(
    site: Site, plugin_args: tuple[str, ...]
) -> None:
    """While entries are read ahead, no command of a later check has run."""
    ran = site.root / "ran"
    site.baseline("local", configuration=f"configuration: {{files: {{{ran}: {{state: absent}}}}}}")
    site.check(
        "def test_a_drift(drift_item):\n    assert drift_item.read().problems == ()\n"
        f"def test_b_before(host):\n    assert not host.file('{ran}').exists\n"
        f"def test_c_writes(host):\n    assert host.run('echo once >>{ran}').rc == 0\n"
    )

    done = site.run(*plugin_args)

    assert done.status == 0, done.text
    assert ran.read_text() == "once\n"


def test_reading_ahead_is_no_read_of_the_check(site: Site, plugin_args: tuple[str, ...]) -> None:
    """A check that never reads its entry has looked at nothing, whatever was read ahead."""
    site.baseline("local", thresholds="thresholds: {memory: {warn: 99%, crit: 100%}}")
    site.check("def test_it(resource): pass\n")

    done = site.run(*plugin_args)

    assert _done(done) == {"localhost/memory": "UNKNOWN"}
    assert "never looked at" in done.text


def test_collecting_reads_nothing(site: Site) -> None:
    """`--collect-only` asks no endpoint."""
    with serving(_together(1)) as server:
        _endpoints(site, server, 2)
        site.check(READ)
        site.run("--collect-only")

    assert server.connections == 0


def test_deselected_entries_are_not_read(site: Site, plugin_args: tuple[str, ...]) -> None:
    """Only the entries of selected checks are read."""
    with serving(_together(1)) as server:
        _endpoints(site, server, 3)
        site.check(READ)
        done = site.run("-k", "e1", *plugin_args)

    assert done.status == 0, done.text
    assert [head.split()[1] for head in server.requests] == ["/1"]


@pytest.mark.parametrize(
    ("ending", "status"),
    [("assert 0", 1), ("raise KeyboardInterrupt", 2), ("pytest.exit('enough', 3)", 3)],
    ids=["-x", "ctrl-c", "exit"],
)
def test_a_run_that_ends_waits_for_nothing(site: Site, ending: str, status: int) -> None:
    """With endpoints that never answer under way, a run that is stopped is over."""
    with serving(silent) as server:
        _endpoints(site, server, 4)
        site.check(f"def test_a():\n    {ending}\n{READ}")
        started = clock.monotonic()
        done = site.run("-x")

    assert clock.monotonic() - started < 20
    assert done.status == status, done.text
    assert "e0" not in {one.entry for one in done.results}


def test_an_internal_error_stops_reading(site: Site) -> None:
    """A broken conftest ends the run, and no remote shell is left."""
    site.write("conftest.py", "def pytest_runtest_logstart(): raise OSError('broken')\n")
    site.baseline("local", thresholds="thresholds: {cpu: {warn: 99%, crit: 100%, sample: 30s}}")
    site.check("def test_it(resource):\n    resource.read()\n")

    started = clock.monotonic()
    done = site.run("-x")

    assert clock.monotonic() - started < 15
    assert done.status == 3, done.text
    assert running(str(site.root)) == []


@SERVER
def test_one_login_a_host(site: Site, plugin_args: tuple[str, ...], tmp_path: Path) -> None:
    """Each host is logged in to once, also by workers: each reads ahead only for its own."""
    with _fleet(site, 5, tmp_path) as server:
        site.baseline("prod", thresholds="thresholds: {memory: {warn: 99%, crit: 100%}}")
        site.check("def test_it(resource):\n    assert resource.read().problems == ()\n")
        done = site.run("--host=prod", *plugin_args)

        assert done.status == 0, done.text
        assert server.handshakes == 5  # type: ignore[attr-defined]
    workers = Counter(one.worker for one in done.results)
    assert len(workers) == (2 if "-n2" in plugin_args else 1)


def test_what_was_read_before_an_action_is_read_again(
    site: Site, plugin_args: tuple[str, ...]
) -> None:
    """Steps before an action, the action, and steps after it each see their own time."""
    file = site.write("changed", "before")
    site.write(
        "pyproject.toml",
        "[tool.pytest]\ntestpaths = ['checks']\nstrict = true\nmarkers = ['action: changes hosts']\n",
    )
    site.baseline(
        "local", configuration=f"configuration: {{files: {{{file}: {{content: after}}}}}}"
    )
    site.check(
        "@pytest.mark.step(1)\n"
        "def test_before(drift_item):\n    assert len(drift_item.read().problems) == 1\n"
        "@pytest.mark.step(2)\n@pytest.mark.action\n"
        f"def test_act(host):\n    host.run('printf after >{file}')\n"
        "@pytest.mark.step(3)\n"
        "def test_after(drift_item):\n    assert drift_item.read().problems == ()\n"
    )

    done = site.run(*plugin_args)

    after = [one for one in done.results if one.check_id.endswith("/after")]
    assert [one.outcome.value for one in after] == ["GREEN"], done.text


def test_each_scenario_is_read_in_its_own_time(site: Site, plugin_args: tuple[str, ...]) -> None:
    """An entry that two scenarios share is read twice."""
    with serving(_together(1)) as server:
        _endpoints(site, server, 1)
        site.check(f"def test_host(host): pass\n{READ}")
        site.check(
            "pytestmark = [pytest.mark.daily, pytest.mark.scenario('end-of-day-validation')]\n"
            + READ,
            name="test_evening",
        )
        done = site.run(*plugin_args)

    assert done.status == 0, done.text
    assert len(server.requests) == 2


def test_a_check_takes_as_long_as_its_read(site: Site, plugin_args: tuple[str, ...]) -> None:
    """The time of a check is its read's own, though the check only takes what is there."""
    site.baseline("local", thresholds="thresholds: {cpu: {warn: 99%, crit: 100%, sample: 3s}}")
    site.check(
        "@pytest.mark.step(1)\ndef test_a(resource):\n    resource.read()\n"
        "@pytest.mark.step(2)\ndef test_z(): pass\n"
    )

    done = site.run(*plugin_args)

    looked = {one.check_id.rpartition("/")[2]: one for one in done.results}
    assert looked["a"].took_s >= 3
    assert looked["z"].took_s < 3
