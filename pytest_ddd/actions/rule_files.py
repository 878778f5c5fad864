"""Read, check and replace one file of rules on a host; a reader sees the old one or the new one."""

from __future__ import annotations

import posixpath
import shlex
from dataclasses import dataclass

from pytest_ddd.connections import Completed, Session
from pytest_ddd.errors import CannotLookError, DddError

_TIMEOUT_S = 30.0
_MAX_BYTES = 16 << 20
_ABSENT = 44
"""Exit status of our own that says: there is no such file."""

_NOT_FOUND = (126, 127)
_EXCERPT = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleFile:
    """A file on a host, and how that host runs promtool."""

    session: Session
    path: str
    promtool: str

    def read(self) -> bytes | None:
        """Return what the file holds; None when there is none.

        Raises:
            CannotLookError: it cannot be read.
        """
        path = shlex.quote(self.path)
        done = self._run(f"[ -e {path} ] || exit {_ABSENT}; cat {path}", repeatable=True)
        if done.exit_status == _ABSENT:
            return None
        if not done.ok:
            raise CannotLookError(f"{self._where}: {done.said[:_EXCERPT]}")
        return done.stdout

    def check(self, content: bytes) -> None:
        """Let promtool look at rules before anything is written where Prometheus reads.

        Raises:
            CannotLookError: promtool is missing.
            DddError: it refuses them.
        """
        script = (
            "d=$(mktemp -d) || exit 1; trap 'rm -rf \"$d\"' EXIT; "
            f'cat >"$d/rules.yml"; {self.promtool} check rules "$d/rules.yml" 2>&1'
        )
        done = self._run(script, stdin=content)
        if done.exit_status in _NOT_FOUND:
            raise CannotLookError(
                f"{self.session.spec.label}: {self.promtool} cannot be run: nobody can check rules",
                hint="apt-get install prometheus   # on that host, or correct `promtool`",
            )
        if not done.ok:
            raise DddError(f"promtool refuses the rules: {done.said[:_EXCERPT]}")

    def write(self, content: bytes) -> None:
        """Replace the file in one step; owner and mode stay, and it is on disk afterwards.

        Raises:
            DddError: it cannot be written; the old file is untouched.
        """
        # The length proves that all of it has come: a dead sender looks like the end of the text.
        script = f"""set -e; umask 022; f={shlex.quote(self.path)}; t={shlex.quote(self._draft)}
if [ -L "$f" ]; then f=$(readlink -f "$f"); t=$(dirname "$f")/$(basename "$t"); fi
if [ -e "$f" ]; then cp -p "$f" "$t"; fi
cat >"$t"; [ "$(wc -c <"$t")" -eq {len(content)} ]
sync "$t"; mv -f "$t" "$f"; sync "$(dirname "$f")" """
        self._must(script, stdin=content)

    def remove(self) -> None:
        """Remove the file.

        Raises:
            DddError: it cannot be removed.
        """
        self._must(f"rm -f {shlex.quote(self.path)}")

    def command(self, command: str) -> None:
        """Run a command of the baseline on the host.

        Raises:
            DddError: it fails.
        """
        self._must(command)

    @property
    def _where(self) -> str:
        return f"{self.session.spec.label}: {self.path}"

    @property
    def _draft(self) -> str:
        """Beside the file, so that it can take its place in one step; no glob *.yml sees it."""
        folder, name = posixpath.split(self.path)
        return posixpath.join(folder, f".{name}.pytest-ddd")

    def _must(self, script: str, *, stdin: bytes = b"") -> None:
        done = self._run(script, stdin=stdin)
        if not done.ok:
            raise DddError(f"{self._where}: {done.said[:_EXCERPT]}")

    def _run(self, script: str, *, stdin: bytes = b"", repeatable: bool = False) -> Completed:
        return self.session.run(
            script,
            timeout_s=_TIMEOUT_S,
            stdin=stdin,
            max_output_bytes=_MAX_BYTES,
            repeatable=repeatable,
        )
