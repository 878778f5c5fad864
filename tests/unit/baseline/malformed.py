"""What a malformed baseline is: its files, the line that is named, and what is said of it."""

from __future__ import annotations

from dataclasses import dataclass

HOSTS = 'hosts:\n  web1: {connection: "ssh://ops@10.0.0.1", groups: [web]}\n'


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One malformed baseline.

    `files` are paths below the directory of environments; `where` is `file:line` of the one
    mistake, below the same directory; `words` stand in its message.
    """

    name: str
    files: dict[str, bytes]
    where: str
    words: tuple[str, ...]


def case(name: str, file: str, text: str | bytes, line: int, *words: str) -> Case:
    """Make a case of an environment `prod` with one wrong file."""
    data = text if isinstance(text, bytes) else text.encode()
    both = {"prod/hosts.yaml": HOSTS.encode(), f"prod/{file}.yaml": data}
    return Case(name=name, files=both, where=f"prod/{file}.yaml:{line}", words=words)


def files(name: str, where: str, words: tuple[str, ...], **files: str) -> Case:
    """Make a case of several files; `__` in a name stands for a slash."""
    every = {f"{path.replace('__', '/')}.yaml": text.encode() for path, text in files.items()}
    return Case(name=name, files=every, where=where, words=words)
