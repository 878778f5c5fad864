"""Where a backup repository is and how commands reach it: on this machine or inside a lab host."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.lab.host import LabHost

COMMAND_TIMEOUT_S = 180.0
DAMAGE_BYTES = 100


class CommandFailedError(AssertionError):
    """A backup command of the lab itself failed; carries what it said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A repository directory: `path` as the commands see it, `seen` as this process sees it."""

    path: Path
    seen: Path
    prefix: Sequence[str] = ()
    environment: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def on(cls, host: LabHost | None, path: Path, environment: Mapping[str, str]) -> Place:
        """A repository inside a host, or of this machine."""
        if host is None:
            return cls(path=path, seen=path, environment=environment)
        seen = host.root / path.relative_to("/")
        return cls(path=path, seen=seen, prefix=host.nsenter(), environment=environment)

    def argv(self, *arguments: str) -> list[str]:
        """The command with its environment, wherever it has to run."""
        return [*self.prefix, "env", *(f"{k}={v}" for k, v in self.environment.items()), *arguments]

    def run(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command on the repository."""
        done = subprocess.run(
            self.argv(*arguments), stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=COMMAND_TIMEOUT_S, check=False,
        )  # fmt: skip
        if check and done.returncode:
            raise CommandFailedError(
                f"{arguments}: exit {done.returncode}\n{done.stdout}{done.stderr}"
            )
        return done

    def damage(self, pattern: str, *, cut: bool = False) -> Path:
        """Overwrite bytes in the middle of the largest matching file, or cut it in half; give the file."""
        victim = max(
            (path for path in self.seen.glob(pattern) if path.is_file()),
            key=lambda path: path.stat().st_size,
        )
        size = victim.stat().st_size
        victim.chmod(0o600)
        with victim.open("r+b") as handle:
            if cut:
                handle.truncate(size // 2)
            else:
                handle.seek(size // 2)
                handle.write(b"\0" * min(DAMAGE_BYTES, size // 2))
        return victim
