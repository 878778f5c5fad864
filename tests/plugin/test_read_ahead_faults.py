"""Hosts that fail while they are read ahead: each has its outcome, the others have theirs."""

from __future__ import annotations

import os
import shlex
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.lab.net import free_port
from tests.plugin.conftest import Site
from tests.support.http_servers import serving, silent
from tests.support.sshd import Sshd, needs, running, sshd, until

pytestmark = needs("sshd", "ssh", "ssh-keygen", "unshare")

# In the place of a tool that reads of the healthy hosts need too.
CUT = """
up=$PPID
while [ "$up" -gt 1 ]; do
  read -r _ name _ parent _ </proc/$up/stat
  [ "$name" = "(sshd)" ] && kill -9 $up && exit 1
  up=$parent
done
"""
HANG = f"exec sleep 987654.{os.getpid()}"
FLOOD = "exec yes a line that nobody wants to keep"

CONFIGURATION = """
    configuration:
      packages: {bash: {}}
      files: {/etc/passwd: {sha256: "%s"}}
      sysctl: {kernel.ostype: {value: Linux}}
"""
CHECK = """
    def test_drift(drift_item):
        assert drift_item.read().problems == ()
"""
GREEN = {"reachable": "GREEN", "package:bash": "GREEN", "sysctl:kernel.ostype": "GREEN"}
BLOCKED = dict.fromkeys(("package:bash", "sysctl:kernel.ostype", "file:/etc/passwd"), "BLOCKED")
FILE = "file:/etc/passwd"
EXPECTED = {
    "good1": GREEN | {FILE: "RED"},
    "good2": GREEN | {FILE: "RED"},
    "dead": BLOCKED | {"reachable": "RED"},
    "mute": BLOCKED | {"reachable": "RED"},
    "wrongkey": BLOCKED | {"reachable": "UNKNOWN"},
    "refused": BLOCKED | {"reachable": "UNKNOWN"},
    "hangs": GREEN | {FILE: "UNKNOWN"},
    "floods": GREEN | {FILE: "UNKNOWN"},
}
"""What each entry of each host becomes; the file's digest is wrong everywhere, so it is read."""


class _Yard:
    """Puts up hosts, one worse than the other."""

    def __init__(self, stack: ExitStack, base: Path) -> None:
        self._stack, self._base = stack, base
        self.hosts: dict[str, str] = {}

    def server(
        self, name: str, *, tool: str = "", text: str = "", extra: str = "", command: str = "30s"
    ) -> Sshd:
        """Start an sshd in whose place `tool` is this script."""
        base = self._base / name
        setup = ""
        if tool:
            script = self._base / f"{name}.sh"
            script.write_text(f"#!/bin/sh\n{text}\n")
            script.chmod(0o755)
            setup = f"mount --bind {shlex.quote(str(script))} $(readlink -f $(command -v {tool}))"
        server = self._stack.enter_context(sshd(base, setup=setup, extra=extra))
        self.add(name, server, command=command)
        return server

    def add(
        self,
        name: str,
        server: Sshd,
        *,
        port: int = 0,
        user: str = "root",
        config: str = "",
        connects: str = "20s",
        command: str = "30s",
    ) -> None:
        """Name a way to a server in the inventory."""
        path = server.base / f"{name}_config"
        path.write_text(config + (server.base / "ssh_config").read_text())
        self.hosts[name] = (
            f"{{connection: 'ssh://{user}@127.0.0.1:{port or server.port}', ssh_config: {path}, "
            f"connect_timeout: {connects}, command_timeout: {command}}}"
        )


def _outcomes(site: Site, *args: str) -> dict[str, dict[str, str]]:
    done = site.run("--host=prod", *args)
    found: dict[str, dict[str, str]] = {}
    for one in done.results:
        found.setdefault(one.target, {})[one.entry or "reachable"] = one.outcome.value
    assert "Traceback" not in done.text
    return found


@pytest.fixture
def prod(site: Site) -> Site:
    """A site that looks at three things of each host."""
    site.baseline("prod", configuration=CONFIGURATION % ("0" * 64))
    site.check(CHECK)
    return site


def test_each_host_has_its_outcome(prod: Site, tmp_path: Path) -> None:
    """Dead, mute, unknown key, refused, hanging and flooding hosts beside two good ones."""
    with ExitStack() as stack:
        yard = _Yard(stack, tmp_path)
        good = yard.server("good1")
        yard.add("good2", good)
        yard.add("dead", good, port=free_port())
        yard.add("mute", good, port=stack.enter_context(serving(silent)).port, connects="2s")
        yard.add("wrongkey", good, config="HostKeyAlias somebody-else\n")
        yard.add("refused", good, user="nobody")
        yard.server("hangs", tool="sha256sum", text=HANG, command="8s")
        yard.server("floods", tool="sha256sum", text=FLOOD)
        hosts = ", ".join(f"{name}: {text}" for name, text in yard.hosts.items())
        prod.baseline("prod", hosts=f"hosts: {{{hosts}}}")

        found = _outcomes(prod)

    assert found == EXPECTED
    for name in yard.hosts:
        assert running(f"{name}_config") == []
    assert until(lambda: running(HANG.removeprefix("exec ")) == [])
    assert until(lambda: running(FLOOD.removeprefix("exec ")) == [])


@pytest.mark.parametrize(
    "how",
    [
        {"tool": "sha256sum", "text": CUT},
        {"extra": "ForceCommand /bin/sh | (dd bs=1 count=300 2>/dev/null; kill -9 $PPID)"},
    ],
    ids=["connection cut in mid-batch", "half a frame"],
)
def test_a_connection_that_is_lost(prod: Site, tmp_path: Path, how: dict[str, str]) -> None:
    """What was not seen is UNKNOWN, the host beside it is looked at, and nothing hangs."""
    with ExitStack() as stack:
        yard = _Yard(stack, tmp_path)
        yard.server("good")
        yard.server("lost", **how)
        hosts = ", ".join(f"{name}: {text}" for name, text in yard.hosts.items())
        prod.baseline("prod", hosts=f"hosts: {{{hosts}}}")

        found = _outcomes(prod)

    assert found["good"] == GREEN | {FILE: "RED"}
    assert found["lost"][FILE] == "UNKNOWN"
    assert set(found["lost"].values()) <= {"GREEN", "UNKNOWN"}
    assert running("lost_config") == []
