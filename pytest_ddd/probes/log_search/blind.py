"""Say in words what a log search could not see, and which command helps."""

from __future__ import annotations

import shlex

from pytest_ddd.probes.log_search.answer import Blind, full_name
from pytest_ddd.units import format_size

_TEXTS = {
    "missing": "{file} does not exist",
    "dangling": "{file} is a link to nothing, or to itself",
    "denied": "{file} cannot be reached: {said}",
    "unreadable": "{file} cannot be read: permission denied",
    "directory": "the directory of {file} cannot be listed by {said}: rotated files stay unseen",
    "kind": "{file} is no regular file but a {said}",
    "listing": "{file} cannot be examined",
    "over": "{file} holds more than max_bytes ({said})",
    "unguarded": "the shell of the host cannot limit memory: a line without end could fill it",
    "search": "grep gave up on {file} (status {said}): a line without end, or no memory",
    "protocol": "the grep of the host does not number its lines",
    "classify": "grep gave up on matching lines (status {said})",
    "encoding": "{file} is written in UTF-16: no pattern matches what it says",
    "damaged": "{file} cannot be unpacked (status {said})",
    "long": "line {said} of {file} matches and is longer than max_line: no log line",
    "rotating": "{file} is rotated faster than it can be read",
    "tool": "{said} is missing on the host",
    "journal": "the journal cannot be read in full: {said}",
    "silent": "{file} never wrote a line",
}

_HINTS = {
    "missing": "correct the path, or write `optional: true` if the service may never log",
    "dangling": "ls -l {quoted}",
    "denied": "`sudo: true` for the host in hosts.yaml; namei -l {quoted} there says who may read",
    "unreadable": "ls -l {quoted}; let the user of the connection join the group, or use sudo",
    "directory": "namei -l {quoted}",
    "kind": "ls -l {quoted}; declare the file itself, or `journal:`",
    "over": "rotate it more often, or raise max_bytes",
    "search": "head -c 300 {quoted} | od -c; a log cut by copytruncate needs a writer that appends",
    "encoding": "let the service log in UTF-8; head -c 64 {quoted} | od -c",
    "damaged": "gzip -tv {quoted}",
    "long": "raise max_line if such lines are meant",
    "journal": "usermod -aG systemd-journal USER",
    "silent": "systemctl status UNIT; `optional: true` if it may never log",
}


def complaint(blind: Blind, name: str) -> str:
    """Return one sentence that says what could not be seen, and why."""
    said = blind.said
    if blind.kind == "over" and said.isdigit():
        said = format_size(int(said))
    text = _TEXTS.get(blind.kind, "{file}: " + blind.kind + " {said}")
    return text.format(file=full_name(name, blind.suffix), said=said)


def hint(blind: Blind, name: str) -> str:
    """Return what to type next; empty when there is nothing better than the complaint."""
    quoted = shlex.quote(full_name(name, blind.suffix))
    return _HINTS.get(blind.kind, "").format(quoted=quoted)
