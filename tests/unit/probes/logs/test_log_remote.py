"""The same search over ssh: the same answer, whatever shell the other side has."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest

from pytest_ddd.connections import Connections
from pytest_ddd.errors import CommandTimeoutError
from tests.support.sshd import SERVER, running, sshd, until
from tests.unit.probes.logs.site import Logs, Way

pytestmark = SERVER


@pytest.mark.parametrize("shell", ["/bin/dash", "/bin/bash", "/bin/busybox"])
def test_the_answer_over_ssh_is_the_local_one(tmp_path: Path, shell: str) -> None:
    here = Logs(tmp_path, Way())
    here.write(
        here.line("ERROR it's $(known) noise", hours=2) * 40 + here.line("CRITICAL é", hours=1)
    )
    here.write(
        gzip.compress(here.line("ERROR packed", hours=11).encode()), "shop.log.2.gz", hours=11
    )
    local = here.review(ignore=[r"it's \$\(known\)"])
    with sshd(tmp_path / "sshd", shell=shell) as server:
        connections = Connections({"web1": server.spec()})
        try:
            remote = Logs(tmp_path, connections).review(ignore=[r"it's \$\(known\)"])
        finally:
            connections.close()
    assert (local.critical.value, local.errors.value) == (1, 1)
    assert [(reading.name, reading.value, reading.detail) for reading in remote.readings] == [
        (reading.name, reading.value, reading.detail) for reading in local.readings
    ]


def test_a_search_that_is_too_slow_leaves_nothing_behind(tmp_path: Path) -> None:
    logs = Logs(tmp_path, Way())
    with logs.path.open("wb") as log:
        log.truncate(1 << 40)
    with sshd(tmp_path / "sshd") as server:
        connections = Connections({"web1": server.spec()})
        try:
            with pytest.raises(CommandTimeoutError):
                Logs(tmp_path, connections).review(
                    max_bytes="2048GiB", max_line="20GiB", timeout="1s", error=["left-behind"]
                )
            assert until(lambda: not running("-e left-behind"))
        finally:
            connections.close()


def test_messages_name_the_search_not_its_script(tmp_path: Path) -> None:
    logs = Logs(tmp_path, Way())
    with logs.path.open("wb") as log:
        log.truncate(1 << 40)
    with sshd(tmp_path / "sshd") as server:
        connections = Connections({"web1": server.spec()})
        try:
            with pytest.raises(CommandTimeoutError) as caught:
                Logs(tmp_path, connections).review(
                    max_bytes="2048GiB", max_line="20GiB", timeout="1s"
                )
        finally:
            connections.close()
    assert re.search(r"grep -naE .*shop\.log", str(caught.value))
