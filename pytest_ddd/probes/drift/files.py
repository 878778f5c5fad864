"""Files, directories and links: owner, mode, digest, content, target."""

from __future__ import annotations

import re
from hashlib import sha256

from pytest_ddd.baseline.sections.configuration import File
from pytest_ddd.errors import CannotLookError
from pytest_ddd.probes.drift.comparison import Comparison
from pytest_ddd.probes.drift.content import compare_content
from pytest_ddd.probes.drift.presence import is_absent, unreadable
from pytest_ddd.probes.drift.ways import FileModule
from pytest_ddd.units import format_size

CONTENT_LIMIT_BYTES = 4 * 1024**2
"""Larger files are compared by sha256: nobody reads a diff of them."""


def compare(comparison: Comparison) -> None:
    """Compare one path; of a link, everything but `target` is what it points to."""
    model = comparison.model(File)
    path = comparison.name
    file = comparison.host.file(path)
    state = ""
    with comparison.looking("state"):
        state = _state(comparison, file)
        _compare_state(comparison, state)
    if state != model.state or state == "absent":
        return
    if model.target is not None:
        with comparison.looking("target"):
            _compare_target(comparison, file, model.target)
    _compare_access(comparison, file, model)
    if model.sha256 is not None:
        with comparison.looking("sha256"):
            digest = _sha256(comparison, file)
            comparison.same("sha256", digest, model.sha256, source=f"host.file({path!r}).sha256sum")
    if model.content is not None or model.contains or model.lacks:
        with comparison.looking("content"):
            content = _content(comparison, file)
            compare_content(comparison, model, content, digest=sha256(content).hexdigest())


def _state(comparison: Comparison, file: FileModule) -> str:
    if file.is_symlink:
        return "symlink"
    if file.is_file:
        return "file"
    if file.is_directory:
        return "directory"
    if not file.exists and is_absent(comparison, comparison.name):
        return "absent"
    if file.is_pipe:
        return "pipe"
    return "socket" if file.is_socket else "device"


def _compare_state(comparison: Comparison, state: str) -> None:
    wanted = comparison.model(File).state
    problem = ""
    if state == "absent" != wanted:
        problem = f"does not exist, expected a {wanted}"
    elif wanted == "absent" != state:
        problem = f"is there (a {state}), expected absent"
    elif state != wanted:
        problem = f"is a {state}, expected a {wanted}"
    comparison.note(
        "state",
        state,
        expected=wanted,
        source=f"host.file({comparison.name!r})",
        path=("state",),
        problem=problem,
    )


def _compare_target(comparison: Comparison, file: FileModule, wanted: str) -> None:
    """Accept the text of the link and the place it leads to."""
    answer = comparison.run("readlink", "--", comparison.name)
    if not answer.ok:
        raise CannotLookError(answer.error_text.strip() or "readlink failed")
    target = answer.text.removesuffix("\n")
    if target != wanted and file.exists and file.linked_to == wanted:
        target = wanted
    comparison.same("target", target, wanted, source=f"readlink {comparison.name}")


def _compare_access(comparison: Comparison, file: FileModule, model: File) -> None:
    source = f"host.file({comparison.name!r})"
    if model.owner is not None:
        with comparison.looking("owner"):
            owner = str(file.uid) if model.owner.isdigit() else file.user
            comparison.same("owner", owner, model.owner, source=f"{source}.user")
    if model.group is not None:
        with comparison.looking("group"):
            group = str(file.gid) if model.group.isdigit() else file.group
            comparison.same("group", group, model.group, source=f"{source}.group")
    if model.mode is not None:
        with comparison.looking("mode"):
            mode, wanted = f"{file.mode:04o}", f"{int(model.mode, 8):04o}"
            comparison.same("mode", mode, wanted, source=f"{source}.mode")


def _sha256(comparison: Comparison, file: FileModule) -> str:
    """Return the digest; testinfra gives an empty text for a file that it may not read."""
    digest = file.sha256sum.removeprefix("\\")  # sha256sum marks names that it had to escape
    if re.fullmatch(r"[0-9a-f]{64}", digest):
        return digest
    raise unreadable(comparison, comparison.name, "sha256")


def _content(comparison: Comparison, file: FileModule) -> bytes:
    if not file.is_file:
        raise CannotLookError(f"{comparison.name} does not lead to a file")
    if not comparison.run("test", "-r", comparison.name).ok:
        raise unreadable(comparison, comparison.name, "content")
    if (size_bytes := file.size) > CONTENT_LIMIT_BYTES:
        raise CannotLookError(
            f"{comparison.name} has {format_size(size_bytes)}, "
            f"more than the {format_size(CONTENT_LIMIT_BYTES)} that are read",
            hint="compare it by sha256 instead of content, contains or lacks",
        )
    return file.content
