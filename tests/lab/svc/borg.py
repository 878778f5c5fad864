"""A borg repository with old, new, damaged or locked content."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from tests.lab.host import LabHost
from tests.lab.proc import Proc
from tests.lab.reap import Ledger
from tests.lab.svc.repository import Place

PASSPHRASE = "lab-borg-passphrase"


class Borg:
    """An encrypted repository with cache and keys of its own."""

    def __init__(self, ledger: Ledger, path: Path, host: LabHost | None = None) -> None:
        """Make the repository at `path`, on this machine or inside a host."""
        self.ledger, self.path = ledger, path
        environment = {
            "BORG_REPO": str(path),
            "BORG_PASSPHRASE": PASSPHRASE,
            "BORG_BASE_DIR": str(path.with_name(f"{path.name}.base")),
        }
        self.place = Place.on(host, path, environment)
        self.place.run("borg", "init", "--make-parent-dirs", "--encryption=repokey")

    def backup(self, name: str, *sources: Path, at: datetime | None = None) -> None:
        """Make an archive, if wanted with the time stamp of another day."""
        # borg 1.2 takes a time stamp without a zone as UTC.
        when = ["--timestamp", at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")] if at else []
        self.place.run("borg", "create", *when, f"::{name}", *(str(path) for path in sources))

    def borg(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Any borg command; a failure is given back, not raised."""
        return self.place.run("borg", *arguments, check=False)

    def damage_segment(self, *, cut: bool = False) -> Path:
        """Break the largest data segment: `borg check` notices."""
        return self.place.damage("data/*/*", cut=cut)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Another borg holds the exclusive lock."""
        argv = self.place.argv("borg", "with-lock", str(self.path), "sleep", "600")
        proc = Proc(self.ledger, "borg-lock", argv)
        try:
            proc.ready((self.place.seen / "lock.exclusive").exists)
            yield
        finally:
            proc.stop()
            self.place.run("borg", "break-lock", str(self.path))
