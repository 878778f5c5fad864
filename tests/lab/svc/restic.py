"""A restic repository with old, new, damaged or locked content."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from tests.lab.host import LabHost
from tests.lab.proc import NotReadyError, Proc, signal_pid
from tests.lab.reap import Ledger
from tests.lab.svc.repository import Place

ATTEMPTS = 5
PASSWORD = "lab-restic-password"


class Restic:
    """A repository; every command uses its own cache directory, so tests do not see each other."""

    def __init__(self, ledger: Ledger, path: Path, host: LabHost | None = None) -> None:
        """Make the repository at `path`, on this machine or inside a host."""
        self.ledger, self.path = ledger, path
        self.password_file = path.with_name(f"{path.name}.password")
        self.wrong_password_file = path.with_name(f"{path.name}.wrong")
        environment = {
            "RESTIC_REPOSITORY": str(path),
            "RESTIC_PASSWORD_FILE": str(self.password_file),
            "RESTIC_CACHE_DIR": str(path.with_name(f"{path.name}.cache")),
            "GOMAXPROCS": "2",
        }
        self.place = Place.on(host, path, environment)
        self._write(host, self.password_file, PASSWORD)
        self._write(host, self.wrong_password_file, "wrong")
        self.place.run("restic", "init")

    @staticmethod
    def _write(host: LabHost | None, path: Path, text: str) -> None:
        if host is not None:
            host.write(str(path), f"{text}\n", mode=0o600)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{text}\n")
            path.chmod(0o600)

    def backup(
        self, *sources: Path, at: datetime | None = None, tag: str = "lab", host: str = ""
    ) -> None:
        """Back the sources up, if wanted with the time stamp of another day."""
        when = ["--time", at.astimezone().strftime("%Y-%m-%d %H:%M:%S")] if at else []
        name = ["--host", host] if host else []
        self.place.run(
            "restic",
            "backup",
            "--quiet",
            "--tag",
            tag,
            *when,
            *name,
            *(str(path) for path in sources),
        )

    def restic(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Any restic command; a failure is given back, not raised."""
        return self.place.run("restic", *arguments, check=False)

    def damage_pack(self, *, cut: bool = False) -> Path:
        """Break a pack of file content: `restic check` does not notice, `--read-data` does; cut, both do."""
        return self.place.damage(f"data/*/{self._data_pack()}", cut=cut)

    def _data_pack(self) -> str:
        for index in self.place.run("restic", "list", "index").stdout.split():
            packs = json.loads(self.place.run("restic", "cat", "index", index).stdout)["packs"]
            for pack in packs:
                if {blob["type"] for blob in pack["blobs"]} == {"data"}:
                    return str(pack["id"])
        raise AssertionError(f"no data pack in {self.path}: back something up first")

    @contextmanager
    def locked(self, *, exclusive: bool = False) -> Iterator[None]:
        """Another restic holds the lock: a backup that never ends, or (exclusive) a check that hangs."""
        proc = self._hung_check() if exclusive else self._start("sleep 600 | restic backup --stdin")
        try:
            yield
        finally:
            proc.stop(signal.SIGKILL)
            self.place.run("restic", "unlock", "--remove-all")

    def _start(self, command: str) -> Proc:
        before = set(self._locks())
        proc = Proc(self.ledger, "restic-lock", self.place.argv("sh", "-c", command))
        return proc.ready(lambda: bool(set(self._locks()) - before))

    def _hung_check(self) -> Proc:
        # A check of a small repository is over soon, so stopping it in time may take more than one try.
        for _ in range(ATTEMPTS):
            try:
                proc = self._start("exec restic check")
            except NotReadyError:  # it was over between two looks
                continue
            for pid in proc.tree():
                signal_pid(pid, signal.SIGSTOP)
            if proc.running and self._locks():
                return proc
            proc.stop(signal.SIGKILL)
        raise AssertionError(f"{self.path}: could not hold an exclusive lock")

    def _locks(self) -> list[Path]:
        """The locks; what restic is still writing, before it gives it its name, is none."""
        return [lock for lock in (self.place.seen / "locks").iterdir() if "-tmp-" not in lock.name]
