"""Find backup repositories on a host, and how their jobs open them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import PurePosixPath

from pytest_ddd.baseline.model import Declaration
from pytest_ddd.baseline.placing import Statement
from pytest_ddd.baseline.sections.backups import Backup as Model
from pytest_ddd.errors import CannotLookError, UnreachableError
from pytest_ddd.probes.backups import SECTION, Backup
from pytest_ddd.probes.capture.interface import LeftOut, Search, Values
from pytest_ddd.probes.capture.names import look_at
from pytest_ddd.probes.drift.comparison import Comparison
from pytest_ddd.probes.scope import Scope

_ROOTS = (
    "/backup", "/backups", "/data", "/home", "/media", "/mnt", "/opt", "/root", "/srv",
    "/var/backups", "/var/lib",
)  # fmt: skip
_DEPTH = 5

_REPOSITORIES = (
    f"find {shlex.join(_ROOTS)} -maxdepth {_DEPTH} -name config -type f 2>/dev/null |"
    " while IFS= read -r file; do dir=${file%/config};"
    ' if [ -d "$dir/keys" ] && [ -d "$dir/snapshots" ]; then echo "restic $dir";'
    ' elif [ -d "$dir/data" ] && grep -q "^[[]repository[]]" "$file"; then echo "borg $dir"; fi;'
    " done"
)
"""Both tools keep a file `config` beside directories of fixed names, as their manuals say."""

_SETTINGS = (
    "grep -rhoE '((RESTIC_PASSWORD_FILE|BORG_PASSCOMMAND)=|--password-file[ =]).*'"
    " /etc/cron.d /etc/crontab /etc/default /etc/restic /etc/borg /etc/borgmatic"
    " /etc/systemd/system /etc/cron.daily /usr/local/bin /usr/local/sbin 2>/dev/null"
)
"""How jobs open their repositories: where the password is kept, never the password."""

_SETTING = re.compile(
    r"(?P<name>RESTIC_PASSWORD_FILE|BORG_PASSCOMMAND|--password-file)[ =]"
    r"(?P<quote>[\"']?)(?P<value>(?(quote).*?|[^\s\"']+))(?P=quote)(?=\s|[\"']|$)"
)
_VARIABLES = {"--password-file": "RESTIC_PASSWORD_FILE"}
_NONE = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Repository:
    """A repository on the host itself."""

    tool: str
    path: str


def find(search: Search) -> Iterator[Statement | LeftOut]:
    """Yield each repository that can be opened the way its own job does."""
    look = look_at(search.scope.connections, search.host)
    found = _repositories(look)
    ways = ways_in(look.script(_SETTINGS).text) if found else []
    taken: set[str] = set()
    for one in found:
        key = _key(one, taken)
        taken.add(key)
        if search.wants(key):
            yield _opened(search.scope, search.host, key, one, ways)


def _repositories(look: Comparison) -> list[_Repository]:
    words = (line.partition(" ") for line in look.script(_REPOSITORIES).text.splitlines())
    return sorted(
        (_Repository(tool=tool, path=path) for tool, _, path in words), key=lambda one: one.path
    )


def ways_in(text: str) -> list[tuple[str, str]]:
    """Return the variables by which jobs open repositories: name and value, never a password."""
    found = _SETTING.finditer(text)
    ways = ((_VARIABLES.get(match["name"], match["name"]), match["value"]) for match in found)
    return list(dict.fromkeys(ways))


def _opened(
    scope: Scope, host: str, key: str, one: _Repository, ways: Sequence[tuple[str, str]]
) -> Statement | LeftOut:
    """Return an entry with the first way that opens a repository."""
    own = [way for way in ways if way[0].startswith(one.tool.upper())]
    why = "nothing on the host says where its password is kept"
    for name, value in own if one.tool == "restic" else [(_NONE, ""), *own]:
        environment: Values = {"environment": {name: value}} if name else {}
        values: Values = {"kind": one.tool, "repository": one.path, **environment}
        model = Model.model_validate({**values, "applies_to": [host], "integrity": "none"})
        declaration = Declaration(section=SECTION, key=key, model=model, origins={})
        entry = Backup(declaration, target=host, host=host, connections=scope.connections)
        try:
            entry.read()
        except UnreachableError:
            raise
        except CannotLookError as failure:
            why = failure.message.removeprefix(f"{key}: ")
        else:
            return Statement(host=host, path=(SECTION, key), values=values)
    return _left_out(host, key, one, why)


def _left_out(host: str, key: str, one: _Repository, why: str) -> LeftOut:
    where = f"kind: {one.tool}, repository: {one.path}, applies_to: [{host}]"
    entry = f"{key}: {{{where}, password: {{file: …}}}}"
    return LeftOut(
        host=host,
        name=f"{SECTION}:{key}",
        why=f"{one.tool} repository {one.path}: {why}",
        hint=f"say in backups.yaml how it is opened: {entry}",
    )


def _key(one: _Repository, taken: set[str]) -> str:
    """Return the name of the directory, numbered when it is taken."""
    name = re.sub(r"[^A-Za-z0-9_-]+", "-", PurePosixPath(one.path).name).strip("-") or one.tool
    names = (name if number == 1 else f"{name}-{number}" for number in count(1))
    return next(each for each in names if each not in taken)
