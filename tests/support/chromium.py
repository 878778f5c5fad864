"""Headless Chromium, told what to do over a pipe (Chrome DevTools Protocol)."""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from tests.lab.proc import wait_for

DEADLINE_S = 120.0


class Chromium:
    """One browser with one page; `call` is a command of the protocol."""

    def __init__(self, profile: Path) -> None:
        read_in, self._to = os.pipe()
        self._from, write_out = os.pipe()
        binary = shutil.which("chromium") or "chromium"
        sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
        self.process = subprocess.Popen(
            [
                "bash",  # knows file descriptors of two digits
                "-c",
                f'exec "$@" 3<&{read_in} 4>&{write_out}',
                "chromium",
                binary,
                *sandbox,
                "--headless",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--disable-background-networking",
                "--disable-extensions",
                "--no-first-run",
                "--remote-debugging-pipe",
                f"--user-data-dir={profile}",
                "about:blank",
            ],
            pass_fds=(read_in, write_out),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        os.close(read_in)
        os.close(write_out)
        self._buffer = b""
        self._number = 0
        self._session = ""
        self.events: list[dict[str, Any]] = []
        assert wait_for(lambda: bool(self._pages()))
        page = self._pages()[0]
        self._session = self.call("Target.attachToTarget", targetId=page, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Performance"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **params: object) -> dict[str, Any]:
        """Send a command and return its answer; events that come meanwhile are kept."""
        self._number += 1
        message: dict[str, object] = {"id": self._number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self._to, data) :]
        while True:
            answer = self._next()
            if answer.get("id") == self._number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]  # type: ignore[no-any-return]
            self.events.append(answer)

    def open(self, page: Path) -> None:
        """Load a file and wait until it is there."""
        self.events.clear()
        self.call("Page.navigate", url=page.resolve().as_uri())
        deadline = time.monotonic() + DEADLINE_S
        while not any(one.get("method") == "Page.loadEventFired" for one in self.events):
            assert time.monotonic() < deadline, "the page was not loaded"
            self.events.append(self._next())

    def ask(self, expression: str) -> Any:
        """Return the value of a script expression."""
        answer = self.call(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def wait_until(self, condition: str) -> None:
        """Wait until a condition holds."""
        deadline = time.monotonic() + DEADLINE_S
        while not self.ask(condition):
            assert time.monotonic() < deadline, condition

    def without_scripts(self, off: bool = True) -> None:
        """Switch JavaScript of pages off; `ask` works all the same."""
        self.call("Emulation.setScriptExecutionDisabled", value=off)

    def complaints(self) -> list[str]:
        """Return what the browser complained of since the page was opened."""
        self.call("Runtime.evaluate", expression="0")
        found = []
        for one in self.events:
            if one.get("method") == "Log.entryAdded":
                found.append(one["params"]["entry"]["text"])
            if one.get("method") == "Runtime.exceptionThrown":
                found.append(str(one["params"]["exceptionDetails"]))
        return found

    def metric(self, name: str) -> float:
        """Return one of the browser's own measures of the page."""
        metrics = self.call("Performance.getMetrics")["metrics"]
        return float(next(one["value"] for one in metrics if one["name"] == name))

    def pdf(self) -> bytes:
        """Print the page."""
        answer = self.call("Page.printToPDF", preferCSSPageSize=True, printBackground=True)
        return base64.b64decode(answer["data"])

    def memory_bytes(self) -> int:
        """Return the memory of the page's own process."""
        found = []
        for status in Path("/proc").glob("[0-9]*/status"):
            try:
                line = (status.parent / "cmdline").read_bytes()
                if b"--type=renderer" in line and self._is_ours(status.parent):
                    resident = int((status.parent / "statm").read_text().split()[1])
                    found.append(resident * os.sysconf("SC_PAGE_SIZE"))
            except (OSError, ValueError):
                continue
        return max(found, default=0)

    def close(self) -> None:
        """End the browser and all its processes."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        os.close(self._to)
        os.close(self._from)

    def _is_ours(self, process: Path) -> bool:
        return os.getpgid(int(process.name)) == self.process.pid

    def _pages(self) -> list[str]:
        targets = self.call("Target.getTargets")["targetInfos"]
        return [one["targetId"] for one in targets if one["type"] == "page"]

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._from], [], [], DEADLINE_S)
            assert ready, f"the browser said nothing for {DEADLINE_S:g} s"
            block = os.read(self._from, 1024 * 1024)
            assert block, "the browser is gone"
            self._buffer += block
        message, _, self._buffer = self._buffer.partition(b"\0")
        return json.loads(message)  # type: ignore[no-any-return]


@contextmanager
def chromium(profile: Path) -> Iterator[Chromium]:
    """Run a browser; no process of it is left."""
    browser = Chromium(profile)
    try:
        yield browser
    finally:
        browser.close()
