"""Answers many commands that only read with few processes: one stat, one dpkg-query, and so on.

It takes commands exactly as testinfra's modules send them and gives back what each of them would
have printed. A family turns commands of one shape into one command; every other command runs as it
is, in the same shell. What is not answered beyond doubt (an error text, a row that is missing, a
name with blanks) is left out: whoever needs it sends it himself.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol

from pytest_ddd.connections.answers import Completed
from pytest_ddd.connections.families import FAMILIES, WORD, Family

TIMEOUT_S = 10.0

_EXACT = "surrogateescape"

_PLAIN = re.compile(rf"(LC_ALL=C )?test -[a-zA-Z] {WORD}|command -v {WORD}")
"""Builtins of every sh: they need no process and cannot end the shell."""


class Runs(Protocol):
    """What `together` needs of a session."""

    def run(self, command: str, *, timeout_s: float, stdin: bytes, repeatable: bool) -> Completed:
        """Run a command line of sh."""


def together(
    session: Runs, commands: Iterable[str], *, timeout_s: float = TIMEOUT_S
) -> dict[str, Completed]:
    """Return the answers of those commands that could be answered beyond doubt.

    Args:
        session: where they run.
        commands: they only read, and none needs what another has done.
        timeout_s: for all of them; a path that hangs then holds up only its own command.

    Raises:
        CannotLookError: nothing could be answered.
    """
    groups, single = _sort(dict.fromkeys(commands))
    single.sort(key=_may_complain)
    marker = f"y{secrets.token_hex(12)}"
    loud = sum(map(_may_complain, single))
    sections = [*(_asked(family, found) for family, found in groups), *map(_run_alone, single)]
    # Read from stdin: the marker stands in no list of processes.
    done = session.run(
        ". /dev/stdin", timeout_s=timeout_s, stdin=_script(marker, sections, loud), repeatable=True
    )
    outputs = _cut(done, marker, len(sections), loud)
    answers = {}
    for (family, found), (_, stdout, _) in zip(groups, outputs, strict=False):
        for command, status, text in family.tell(found, stdout.decode(errors=_EXACT)):
            answers[command] = _completed(done, command, status, text.encode(errors=_EXACT))
    for command, (status, stdout, stderr) in zip(single, outputs[len(groups) :], strict=False):
        answers[command] = _completed(done, command, status, stdout, stderr)
    return answers


def _sort(commands: Iterable[str]) -> tuple[list[tuple[Family, list[re.Match[str]]]], list[str]]:
    found: dict[int, list[re.Match[str]]] = {}
    single = []
    for command in commands:
        for number, family in enumerate(FAMILIES):
            if match := family.pattern.fullmatch(command):
                found.setdefault(number, []).append(match)
                break
        else:
            single.append(command)
    return [(FAMILIES[number], matches) for number, matches in found.items()], single


def _asked(family: Family, found: Sequence[re.Match[str]]) -> str:
    return f"{family.where} && {family.ask(found)}"


def _may_complain(command: str) -> bool:
    return _PLAIN.fullmatch(command) is None


def _run_alone(command: str) -> str:
    return f"(\n{command}\n)" if _may_complain(command) else command


def _script(marker: str, sections: Sequence[str], loud: int) -> bytes:
    """Return what runs the sections; stderr is told of the last so many, as it costs more.

    `m` marks the end of what stands on stdout, `e` that of both.
    """
    head = f'm() {{ printf "\n{marker} $?\n"; }}\ne() {{ m; printf "\n{marker}\n" >&2; }}\n'
    quiet = len(sections) - loud
    text = "".join(
        f"{section}\n{'me'[place >= quiet - 1]}\n" for place, section in enumerate(sections)
    )
    return f"{head}exec </dev/null\n{text}".encode(errors=_EXACT)


def _cut(done: Completed, marker: str, count: int, loud: int) -> list[tuple[int, bytes, bytes]]:
    """Return status, stdout and stderr of each section; nothing when they do not add up."""
    mark = f"\n{marker}".encode()
    parts, errors = done.stdout.split(mark), done.stderr.split(mark + b"\n")
    if len(parts) != count + 1 or len(errors) != loud + (2 if count > loud else 1):
        return []
    told = [b""] * (count - loud) + errors[-1 - loud : -1]
    outputs, stdout = [], parts[0]
    for error, rest in zip(told, parts[1:], strict=True):
        status, _, following = rest.partition(b"\n")
        outputs.append((int(status), stdout, error))
        stdout = following
    return outputs


def _completed(
    done: Completed, command: str, status: int, stdout: bytes, stderr: bytes = b""
) -> Completed:
    return Completed(
        command=command, exit_status=status, stdout=stdout, stderr=stderr, took_s=done.took_s
    )


_HELD: ContextVar[tuple[object, dict[str, Completed]] | None] = ContextVar("held", default=None)


@contextmanager
def holding(session: object, answers: Mapping[str, Completed]) -> Iterator[None]:
    """Let this thread's reading commands on a session take these answers, each of them once."""
    token = _HELD.set((session, dict(answers)))
    try:
        yield
    finally:
        _HELD.reset(token)


def held(session: object, command: str) -> Completed | None:
    """Return the answer that is held for a command, if one is; the next time there is none."""
    found = _HELD.get()
    return found[1].pop(command, None) if found is not None and found[0] is session else None


def let_go() -> None:
    """Hold no answer any more: from now on this thread asks the host."""
    found = _HELD.get()
    if found is not None:
        found[1].clear()
