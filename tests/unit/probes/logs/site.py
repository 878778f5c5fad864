"""A directory of logs, and ways to look into it: this machine's tools, BusyBox's, another user."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import cast

from pytest_ddd import clock
from pytest_ddd.baseline.model import Declaration
from pytest_ddd.baseline.sections.logs import Log as LogModel
from pytest_ddd.connections import Completed, Connections
from pytest_ddd.errors import CannotLookError, CommandTimeoutError
from pytest_ddd.probes.log_search.review import LogReview
from pytest_ddd.probes.logs import Log
from pytest_ddd.results import Origin

BASELINE = "baselines/prod/logs.yaml"


class Way:
    """The connections of one host, entered by running a shell; has what the probe uses of them."""

    def __init__(self, *prefix: str, env: Mapping[str, str] | None = None) -> None:
        self._prefix = prefix
        self._env = {**os.environ, **(env or {})}

    def limited(self, memory_bytes: int) -> Way:
        """Return the same way for processes that get no more memory than this, each."""
        return Way("/usr/bin/prlimit", f"--as={memory_bytes}", *self._prefix, env=self._env)

    def with_tools(self, directory: Path) -> Way:
        """Return the same way where these programs come first."""
        env = {**self._env, "PATH": f"{directory}:{self._env['PATH']}"}
        return Way(*self._prefix, env=env)

    def session(self, name: str) -> Way:
        """Return the way itself: there is one host."""
        return self

    def run(self, command: str, *, timeout_s: float, repeatable: bool = False) -> Completed:
        """Run a command as a session does."""
        started = clock.monotonic()
        process = subprocess.Popen(
            [*self._prefix, "/bin/sh", "-c", command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=self._env,
            start_new_session=True,
        )
        try:
            stdout, stderr = process.communicate(timeout=timeout_s)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)
            process.communicate()
            raise CommandTimeoutError(f"killed after {timeout_s} s") from None
        return Completed(
            command=command,
            exit_status=process.returncode,
            stdout=stdout,
            stderr=stderr,
            took_s=clock.monotonic() - started,
        )


class Logs:
    """Log files under one directory, and the probe that reads them."""

    def __init__(self, directory: Path, way: Way | Connections) -> None:
        self.directory = directory
        self.way = way
        self.now = clock.now()

    @property
    def path(self) -> Path:
        """The log itself."""
        return self.directory / "shop.log"

    def at(self, **ago: float) -> datetime:
        """Return the moment `hours=2` ago."""
        return self.now - timedelta(**ago)

    def line(self, text: str, **ago: float) -> str:
        """Return a line stamped that long ago."""
        return f"{self.at(**ago).strftime('%Y-%m-%dT%H:%M:%SZ')} {text}\n"

    def write(self, content: str | bytes, name: str = "shop.log", **ago: float) -> Path:
        """Write a file, last changed that long ago."""
        path = self.directory / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        changed = self.at(**ago).timestamp()
        os.utime(path, (changed, changed))
        return path

    def log(self, *, night: datetime | None = None, **model: object) -> Log:
        """Return the entry as the plugin would make it."""
        values: dict[str, object] = {"critical": ["CRITICAL"], "error": ["ERROR"]}
        if "journal" not in model:
            values["path"] = str(self.path)
        return Log(
            declaration=Declaration(
                section="logs",
                key="shop",
                model=LogModel.model_validate({**values, **model}),
                origins={
                    (): Origin(file=BASELINE, line=2),
                    ("critical",): Origin(file=BASELINE, line=4),
                },
            ),
            host="web1",
            connections=cast("Connections", self.way),
            since=night or self.at(hours=12),
        )

    def review(self, *, night: datetime | None = None, **model: object) -> LogReview:
        """Read the log once."""
        return self.log(night=night, **model).read()

    def counts(self, *, night: datetime | None = None, **model: object) -> tuple[object, object]:
        """Return how many critical and error lines there are."""
        review = self.review(night=night, **model)
        return review.critical.value, review.errors.value

    def blind(self, **model: object) -> str:
        """Return why the log could not be looked at."""
        try:
            review = self.review(night=None, **model)
        except CannotLookError as failure:
            return str(failure)
        raise AssertionError(f"looked, and found {[reading.shown for reading in review.readings]}")


def applets(directory: Path, program: str, names: Sequence[str]) -> str:
    """Return a PATH whose commands are applets of one program, such as busybox."""
    for name in names:
        (directory / name).symlink_to(program)
    return str(directory)
