"""Files: the newest match of a glob is the latest backup."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from datetime import UTC, datetime

from pytest_ddd.errors import CannotLookError
from pytest_ddd.probes.backup_tools.asking import Asking, said
from pytest_ddd.probes.backup_tools.interface import COMPARED, Copy, Found, Verified
from pytest_ddd.units import format_size

_GLOB = re.compile(r"(\*|\?|\[[^]/]+\])")
_LINE = re.compile(r"(\d+) (\d+) ([0-9a-f]+) (/?.+)")
_KIND, _DIRECTORY = 0o170000, 0o040000
"""Of the mode that stat prints in hexadecimal digits."""

_GONE_STATUS, _DENIED_STATUS = 65, 66
_FRESH_S = 600
"""A file that was written to this recently may still be growing."""

_WATCH_S = 2
_READERS = {
    ".gz": ("gzip -t", "gzip"),
    ".tgz": ("gzip -t", "gzip"),
    ".bz2": ("bzip2 -t", "bzip2"),
    ".xz": ("xz -t", "xz-utils"),
    ".zst": ("zstd -qt", "zstd"),
    ".zip": ("unzip -qt", "unzip"),
    ".tar": ("tar -tf", "tar"),
}
"""Name ending -> what reads such a file from end to end, and its package."""


@dataclass(frozen=True, slots=True)
class Files:
    """Asks with sh, stat and xargs; the clock of the host decides how old a file is."""

    def find(self, asking: Asking) -> Found:
        """Return the matches by their age."""
        pattern = asking.model.files
        command = f"set -- {_as_shell(pattern)}; {_listing(pattern)}"
        completed = asking.run(command)
        source = f"stat {pattern}"
        if completed.exit_status == _GONE_STATUS:
            return Found(problems=(completed.error_text.strip(),), source=source)
        if not completed.ok:
            raise CannotLookError(
                f"{asking.where}: {pattern}: {said(completed)}",
                hint="let the account of the connection read that directory, or use sudo: true",
            )
        now, *lines = completed.text.splitlines() or [""]
        if not now.isdecimal():
            raise CannotLookError(f"{asking.where}: {pattern}: not a clock: {now!r}")
        # Size and age of a directory say nothing about what is in it: it may be empty.
        found = [copy for line in lines if (copy := _copy(line, asking)) is not None]
        if lines and not found:
            raise CannotLookError(
                f"{asking.where}: {pattern} matches directories only",
                hint=f"name the files in them: {pattern.rstrip('/')}/*",
            )
        copies = sorted(found, key=lambda copy: copy.at)
        seen_at = datetime.fromtimestamp(int(now), UTC)
        problems = self._suspicions(asking, copies[-1], seen_at) if copies else ()
        last = tuple(copies[-COMPARED - 1 :])
        return Found(copies=last, problems=problems, source=source, seen_at=seen_at)

    def verify(self, asking: Asking, latest: Copy, /) -> Verified | None:
        """With `integrity: data` read the newest file as what its name says it is."""
        if asking.model.integrity == "none":
            return None
        if asking.model.integrity == "structure":
            read = "name, time and size only; integrity: data reads the file"
            return Verified(good=True, read=read, source=f"stat {latest.name}")
        reader = next((way for end, way in _READERS.items() if latest.name.endswith(end)), None)
        if reader is None:
            raise CannotLookError(
                f"{asking.where}: {latest.name}: integrity: data knows {', '.join(_READERS)} only",
                hint="use kind: command with a command of your own",
            )
        command = f"{reader[0]} {shlex.quote(latest.name)}"
        completed = asking.run(f"{command} >/dev/null", package=reader[1])
        read = "the whole newest file"
        return Verified(
            good=completed.ok,
            read=read,
            said="" if completed.ok else said(completed),
            source=command,
        )

    def _suspicions(self, asking: Asking, latest: Copy, seen_at: datetime) -> tuple[str, ...]:
        if not -_FRESH_S < (seen_at - latest.at).total_seconds() < _FRESH_S:
            return ()
        size = f"stat -L -c %s -- {shlex.quote(latest.name)}"
        completed = asking.run(f"sleep {_WATCH_S}; {size}")
        now = completed.text.strip()
        if not now.isdecimal() or int(now) == latest.size_bytes:
            return ()
        return (f"{latest.name} is still growing: {format_size(int(now))} so far",)


def _as_shell(pattern: str) -> str:
    """Quote a glob so that the shell expands it, and does nothing else."""
    parts = _GLOB.split(pattern)
    return "".join(
        part if number % 2 else (shlex.quote(part) if part else "")
        for number, part in enumerate(parts)
    )


def _listing(pattern: str) -> str:
    """Return the shell that lists the matches; an unreadable directory is not an empty one."""
    fixed = _GLOB.split(pattern)[0]
    directory = shlex.quote(fixed.rpartition("/")[0] or ("/" if fixed.startswith("/") else "."))
    return (
        f'if [ ! -e "$1" ] && [ ! -L "$1" ]; then'
        f" if [ ! -e {directory} ]; then"
        f" echo there is no directory {directory} >&2; exit {_GONE_STATUS}; fi;"
        f" if [ ! -r {directory} ] || [ ! -x {directory} ]; then"
        f" echo {directory} cannot be read >&2; exit {_DENIED_STATUS}; fi;"
        f" date +%s; exit 0; fi;"
        ' date +%s; printf "%s\\0" "$@" | xargs -0 stat -L -c "%Y %s %f %n" --'
    )


def _copy(line: str, asking: Asking) -> Copy | None:
    """Return what stat says of one file; None of a directory."""
    match = _LINE.fullmatch(line)
    if match is None:
        raise CannotLookError(f"{asking.where}: {asking.model.files}: not from stat: {line!r}")
    if int(match[3], 16) & _KIND == _DIRECTORY:
        return None
    at = datetime.fromtimestamp(int(match[1]), UTC)
    return Copy(name=match[4], at=at, size_bytes=int(match[2]))
