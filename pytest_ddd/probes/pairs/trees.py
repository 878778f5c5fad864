"""File trees: the checksums of all files on both sides."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from pytest_ddd.baseline.sections.sync import Tree, Trees
from pytest_ddd.errors import CannotLookError
from pytest_ddd.plain import visible
from pytest_ddd.probes import commands
from pytest_ddd.probes.pairs.interface import Compared
from pytest_ddd.units import plural

if TYPE_CHECKING:
    from pytest_ddd.connections import Connections, Session

_SAMPLE = 5
_DIGEST_LENGTH = 64
_SCRIPT = """\
cd -- {path} || exit 1
files=$(find . -type f {chosen} -print0 | tr -cd '\\000' | head -c {limit} | wc -c)
if [ "$files" -ge {limit} ]; then echo more than {most} files >&2; exit 1; fi
find . -type f {chosen} -print0 | xargs -0 -r sha256sum --
"""


def compare(connections: Connections, model: Trees) -> Compared:
    """Compute the checksums where the files are, both sides at the same time.

    Links, empty directories, owners and modes are not compared.

    Raises:
        CannotLookError: a side cannot be read as a whole, or there is not one file.
    """
    with ThreadPoolExecutor(2) as pool:
        sides = pool.map(lambda tree: _sums(connections, tree, model), (model.left, model.right))
        left, right = sides
    source = f"sha256sum {_shown(model.left)} | {_shown(model.right)}"
    if not left and not right:
        raise CannotLookError(f"{source}: there is not one file on either side")
    return compare_sums(left, right, source)


def compare_sums(left: Mapping[str, str], right: Mapping[str, str], source: str) -> Compared:
    """Count the files that are missing on a side or differ."""
    missing_right = sorted(left.keys() - right.keys())
    missing_left = sorted(right.keys() - left.keys())
    changed = sorted(name for name in left.keys() & right.keys() if left[name] != right[name])
    words = [f"{plural(len(left), 'file')} left, {len(right):,} right"]
    for title, names in (
        ("missing right", missing_right),
        ("missing left", missing_left),
        ("different", changed),
    ):
        if names:
            words.append(f"{title}: {_sample(names)}")
    differing = len(missing_right) + len(missing_left) + len(changed)
    return Compared(values={"difference": differing}, source=source, words="; ".join(words))


def _sums(connections: Connections, tree: Tree, model: Trees) -> Mapping[str, str]:
    """Return file -> checksum, as sha256sum prints them."""
    session = _session(connections, tree)
    command = _SCRIPT.format(
        path=shlex.quote(tree.path),
        chosen=" ".join(f"! -path {shlex.quote(f'./{one}')}" for one in model.exclude),
        limit=model.max_files + 1,
        most=model.max_files,
    )
    shown = f"sha256sum in {tree.path}"
    completed = commands.look(session, command, shown=shown, timeout_s=model.timeout)
    if not completed.ok or completed.stderr.strip():
        hint = "let the account of the connection read all of it, or leave it out with `exclude`"
        raise commands.blind(session, shown, completed, hint=hint)
    sums = {}
    for line in completed.text.splitlines():
        digest, name = line.lstrip("\\")[:_DIGEST_LENGTH], line.lstrip("\\")[_DIGEST_LENGTH + 2 :]
        if not name.startswith("./"):
            raise CannotLookError(f"{session.spec.label}: {shown}: not a checksum: {line[:200]!r}")
        sums[name.removeprefix("./")] = digest
    return sums


def _session(connections: Connections, tree: Tree) -> Session:
    if not tree.host:
        return connections.controller
    if tree.host not in connections.names:
        raise CannotLookError(
            f"no host {tree.host} in this environment",
            hint=f"known: {', '.join(connections.names)}",
        )
    return connections.session(tree.host)


def _shown(tree: Tree) -> str:
    return f"{tree.host or 'controller'}:{tree.path}"


def _sample(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SAMPLE:,} more" if len(names) > _SAMPLE else ""
    return ", ".join(map(visible, names[:_SAMPLE])) + more
