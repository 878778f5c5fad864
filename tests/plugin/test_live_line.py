"""The live line: on a terminal a check that waits shows how far reading ahead has come."""

from __future__ import annotations

import os
import pty
import re
import select
import socket
import subprocess
import sys
import threading

from pytest_ddd import clock
from tests.plugin.conftest import Site
from tests.support.http_servers import Server, answer, serving

PATIENCE_S = 180.0
CHECK = "def test_endpoints(endpoint):\n    assert endpoint.read().problems == ()\n"
FAR = re.compile(rb"\x1b7 \xe2\x80\xa6 1/2 reads\x1b\[K\x1b8")
"""Behind the letters, with the cursor put back and the rest of the line erased."""


class _Slow:
    """Answers one endpoint at once, and the other one when it is let, or loses patience."""

    def __init__(self, patience_s: float = PATIENCE_S) -> None:
        self.may_answer = threading.Event()
        self._patience_s = patience_s

    def __call__(self, connection: socket.socket, server: Server) -> None:
        if server.read_head(connection).startswith("GET /1 "):
            self.may_answer.wait(self._patience_s)
        connection.sendall(answer())


def _declare(site: Site, server: Server) -> None:
    declared = ", ".join(
        f"e{number}: {{url: '{server.url}/{number}', deadline: {2 * PATIENCE_S:g}s, "
        "attempts: {count: 1}}"
        for number in range(2)
    )
    site.baseline("local", endpoints=f"endpoints: {{{declared}}}")
    site.check(CHECK)


def _on_a_terminal(site: Site, slow: _Slow) -> tuple[int, bytes]:
    """Run the site on a terminal, let the server answer once the line is seen; status and text."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider"]
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100"}
    process = subprocess.Popen(
        command, cwd=site.root, env=environment, stdin=theirs, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    seen, until = b"", clock.monotonic() + PATIENCE_S
    try:
        while select.select([ours], [], [], max(0.0, until - clock.monotonic()))[0]:
            try:
                seen += os.read(ours, 65536)
            except OSError:  # how Linux says that nobody has the terminal open any more
                break
            if FAR.search(seen):
                slow.may_answer.set()
    finally:
        slow.may_answer.set()
        status = process.wait(PATIENCE_S)
        os.close(ours)
    return status, seen


def test_a_terminal_shows_how_far_it_is(site: Site) -> None:
    slow = _Slow()
    with serving(slow) as server:
        _declare(site, server)
        status, seen = _on_a_terminal(site, slow)

    assert status == 0, seen.decode()
    assert FAR.search(seen), seen.decode()
    last = [*FAR.finditer(seen)][-1]
    assert seen[last.end() :].startswith(b"\x1b[K")  # nothing of it stays


def test_a_file_shows_nothing_of_it(site: Site) -> None:
    with serving(_Slow(patience_s=1.0)) as server:
        _declare(site, server)
        done = site.run()

    assert done.status == 0
    assert " reads" not in done.text
