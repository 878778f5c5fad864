"""Answers many commands that only read with few processes: one stat, one dpkg-query, and so on.

It takes commands exactly as testinfra's modules send them and gives back what each of them would
have printed. A family turns commands of one shape into one command; every other command runs as it
is, in the same shell. What is not answered beyond doubt (an error text, a row that is missing, a
name with blanks) is left out: whoever needs it sends it himself.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Protocol

from pytest_ddd.connections.answers import Completed

_WORD = r"[A-Za-z0-9_@%+=:,./-]+"
"""What a shell reads as it stands; names with anything else are not put together."""

TIMEOUT_S = 10.0

_PLAIN = re.compile(rf"(LC_ALL=C )?test -[a-zA-Z] {_WORD}|command -v {_WORD}")
"""Builtins of every sh: they need no process and cannot end the shell."""

Answers = Iterator[tuple[str, int, str]]
"""Command, exit status and stdout."""


class Runs(Protocol):
    """What `together` needs of a session."""

    def run(self, command: str, *, timeout_s: float, stdin: bytes, repeatable: bool) -> Completed:
        """Run a command line of sh."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """Commands of one shape that one command can answer.

    `where` says whether the host has what it needs; `ask` returns the one command for all matches,
    and `tell` what each of them would have said, from its output.
    """

    pattern: re.Pattern[str]
    where: str
    ask: Callable[[Sequence[re.Match[str]]], str]
    tell: Callable[[Sequence[re.Match[str]], str], Answers]


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
    marker = f"y{secrets.token_hex(12)}"
    sections = [*(_asked(family, found) for family, found in groups), *map(_run_alone, single)]
    # Read from stdin: the marker stands in no list of processes.
    done = session.run(
        ". /dev/stdin", timeout_s=timeout_s, stdin=_script(marker, sections), repeatable=True
    )
    outputs = _cut(done, marker, len(sections))
    answers = {}
    for (family, found), (_, stdout, _) in zip(groups, outputs, strict=False):
        for command, status, text in family.tell(found, stdout.decode(errors="replace")):
            answers[command] = _completed(done, command, status, text.encode())
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


def _run_alone(command: str) -> str:
    return command if _PLAIN.fullmatch(command) else f"(\n{command}\n)"


def _script(marker: str, sections: Sequence[str]) -> bytes:
    head = f'm() {{ printf "\\n{marker} $?\\n"; printf "\\n{marker}\\n" >&2; }}\nexec </dev/null\n'
    return (head + "".join(f"{section}\nm\n" for section in sections)).encode(
        errors="surrogateescape"
    )


def _cut(done: Completed, marker: str, count: int) -> list[tuple[int, bytes, bytes]]:
    """Return status, stdout and stderr of each section; nothing when they do not add up."""
    mark = f"\n{marker}".encode()
    parts, errors = done.stdout.split(mark), done.stderr.split(mark + b"\n")
    if len(parts) != count + 1 or len(errors) != count + 1:
        return []
    outputs, stdout = [], parts[0]
    for error, rest in zip(errors, parts[1:], strict=False):
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


def _names(found: Sequence[re.Match[str]]) -> str:
    return " ".join(dict.fromkeys(match["name"] for match in found))


def _rows(text: str, fields: int) -> Iterator[list[str]]:
    rows = (line.split("|", fields - 1) for line in text.splitlines())
    return (row for row in rows if len(row) == fields)


_STAT = {"U": 0, "G": 1, "u": 2, "g": 3, "a": 4, "s": 5}


def _tell_stat(found: Sequence[re.Match[str]], text: str) -> Answers:
    rows = {row[-1]: row for row in _rows(text, 7)}
    for match in found:
        if row := rows.get(match["name"]):
            yield match[0], 0, f"{row[_STAT[match['field']]]}\n"


def _tell_sha256(found: Sequence[re.Match[str]], text: str) -> Answers:
    digests = {path: digest for digest, _, path in (s.partition("  ") for s in text.splitlines())}
    for match in found:
        if re.fullmatch("[0-9a-f]{64}", digest := digests.get(match["name"], "")):
            yield match[0], 0, f"{digest}\n"


def _tell_paths(found: Sequence[re.Match[str]], text: str) -> Answers:
    there = set(text.splitlines())
    for match in found:
        if match["name"] in there:
            yield match[0], 0, f"{match['name']}\n"


_DPKG_FIELDS = ("${db:Status-Abbrev}", "${Architecture}", "${Version}", "${Status}")
_DPKG_FORMAT = "|".join(("${Package}", *_DPKG_FIELDS)) + r"\n"


def _tell_dpkg(found: Sequence[re.Match[str]], text: str) -> Answers:
    rows = list(_rows(text, 1 + len(_DPKG_FIELDS)))
    for match in found:
        mine = [
            dict(zip(_DPKG_FIELDS, row[1:], strict=True)) for row in rows if row[0] == match["name"]
        ]
        wanted = match["format"].replace(r"\n", "\n")
        if mine:
            yield match[0], 0, "".join(_filled(wanted, row) for row in mine)


def _filled(form: str, row: Mapping[str, str]) -> str:
    for field, value in row.items():
        form = form.replace(field, value)
    return form


_RPM_FIELDS = {"%{VERSION}": 1, "%{RELEASE}": 2}


def _tell_rpm(found: Sequence[re.Match[str]], text: str) -> Answers:
    rows = list(_rows(text, 3))
    for match in found:
        mine = [row for row in rows if row[0] == match["name"]]
        if mine and match["format"] is None:
            yield match[0], 0, ""  # --quiet
        elif mine:
            yield match[0], 0, "".join(row[_RPM_FIELDS[match["format"]]] for row in mine)


def _tell_uname(found: Sequence[re.Match[str]], text: str) -> Answers:
    words = dict(zip("sm", text.split(), strict=False))
    for match in found:
        if match["name"] in words:
            yield match[0], 0, f"{words[match['name']]}\n"


def _tell_sysctl(found: Sequence[re.Match[str]], text: str) -> Answers:
    values = {key: value for key, _, value in (s.partition(" = ") for s in text.splitlines())}
    for match in found:
        if match["name"] in values:
            yield match[0], 0, f"{values[match['name']]}\n"


def _tell_show(found: Sequence[re.Match[str]], text: str) -> Answers:
    """`systemctl show a b` writes one block a unit, with a blank line between two."""
    names = list(dict.fromkeys(match["name"] for match in found))
    blocks = text.removesuffix("\n").split("\n\n")
    if len(blocks) != len(names):
        return
    by_name = dict(zip(names, blocks, strict=True))
    for match in found:
        name, block = match["name"], by_name[match["name"]]
        known = {
            word for line in block.splitlines() if line[:6] == "Names=" for word in line[6:].split()
        }
        if {name, f"{name}.service"} & known:
            yield match[0], 0, f"{block}\n"


_ENABLED_STATUS = {"enabled": 0, "static": 0, "disabled": 1}


def _tell_enabled(found: Sequence[re.Match[str]], text: str) -> Answers:
    names = list(dict.fromkeys(match["name"] for match in found))
    words = text.splitlines()
    if len(words) != len(names):
        return
    by_name = dict(zip(names, words, strict=True))
    for match in found:
        word = by_name[match["name"]]
        if word in _ENABLED_STATUS:
            yield match[0], _ENABLED_STATUS[word], f"{word}\n"


def _there(tool: str) -> str:
    return f"command -v {tool} >/dev/null"


FAMILIES = (
    Family(
        pattern=re.compile(rf"stat -Lc %(?P<field>[UGugas]) (?P<name>/{_WORD})"),
        where=_there("stat"),
        ask=lambda found: f"stat -Lc '%U|%G|%u|%g|%a|%s|%n' {_names(found)}",
        tell=_tell_stat,
    ),
    Family(
        pattern=re.compile(rf"sha256sum (?P<name>/{_WORD}) \| cut -d ' ' -f 1"),
        where=_there("sha256sum"),
        ask=lambda found: f"sha256sum {_names(found)}",
        tell=_tell_sha256,
    ),
    Family(
        pattern=re.compile(rf"LC_ALL=C ls -d -- (?P<name>/{_WORD})"),
        where=_there("ls"),
        ask=lambda found: (
            f"for p in {_names(found)}; do {{ [ -e $p ] || [ -L $p ]; }} && echo $p; done; true"
        ),
        tell=_tell_paths,
    ),
    Family(
        pattern=re.compile(
            r"(LC_ALL=C )?dpkg-query -f '(?P<format>[^']*)' -W (?P<name>[a-z0-9][a-z0-9+.-]+)"
        ),
        where=_there("dpkg-query"),
        ask=lambda found: f"dpkg-query -f '{_DPKG_FORMAT}' -W {_names(found)}",
        tell=_tell_dpkg,
    ),
    Family(
        pattern=re.compile(
            r"rpm -q (?:--quiet|--queryformat=\"(?P<format>%\{(?:VERSION|RELEASE)\})\") "
            rf"(?P<name>{_WORD})(?: 2>&1)?"
        ),
        where=f"! {_there('dpkg-query')} && {_there('rpm')}",  # as testinfra chooses
        ask=lambda found: (
            f"rpm -q --queryformat '%{{NAME}}|%{{VERSION}}|%{{RELEASE}}\\n' {_names(found)}"
        ),
        tell=_tell_rpm,
    ),
    Family(
        pattern=re.compile(r"/\S*/sysctl -n (?P<name>[a-z0-9_.-]+)"),
        where=_there("sysctl"),
        ask=lambda found: f"sysctl {_names(found)}",
        tell=_tell_sysctl,
    ),
    Family(
        pattern=re.compile(r"uname -(?P<name>[sm])"),
        where=_there("uname"),
        ask=lambda _: "uname -s -m",
        tell=_tell_uname,
    ),
    Family(
        pattern=re.compile(rf"systemctl show (?P<name>{_WORD})"),
        where=_there("systemctl"),
        ask=lambda found: f"systemctl show {_names(found)}",
        tell=_tell_show,
    ),
    Family(
        pattern=re.compile(rf"(LC_ALL=C )?systemctl is-enabled (-- )?(?P<name>{_WORD})"),
        where=_there("systemctl"),
        ask=lambda found: f"systemctl is-enabled -- {_names(found)}",
        tell=_tell_enabled,
    ),
)
"""What is put together. One that is missing here costs a process a command, and nothing else."""


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
