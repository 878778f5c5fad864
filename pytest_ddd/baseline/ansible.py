"""Read hosts and groups from an Ansible inventory, through Ansible's own `ansible-inventory`.

Only Ansible knows what its formats, plugins, directories and `group_vars` mean together.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from urllib.parse import quote

from pytest_ddd.baseline.model import BaselineFile
from pytest_ddd.baseline.tree import Mistakes, Node, shown
from pytest_ddd.plain import Json
from pytest_ddd.results import Origin

KEY = "from_ansible"
TIMEOUT_S = 60.0
_PROGRAM = "ansible-inventory"
_STRICT = {
    "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "true",
    "ANSIBLE_NOCOLOR": "true",
    "LC_ALL": "C.UTF-8",
}
"""A source that cannot be read is an error: Ansible itself goes on with the hosts of the others."""

_SAID = re.compile(
    r"^\[?(?P<kind>WARNING|ERROR)(?:\]:|!) +(?P<said>.+?)(?=\n\n|\n\[?(?:WARNING|ERROR)|\Z)",
    re.MULTILINE | re.DOTALL,
)
_UNPARSED = "Unable to parse"
"""What a warning says of one file of a directory, while the others are listed."""

_NO_GROUPS = ("all", "ungrouped")
_SSH = ("ssh", "smart", "paramiko", "paramiko_ssh")
_KINDS = {"local": "local", "docker": "docker", "podman": "podman", "kubectl": "kubectl"}
"""Ansible's kinds of connection and ours; what neither knows is refused with its line."""

_TRUE = ("1", "true", "yes", "on", "y", "t")


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What an inventory says: the sections that it fills, and the files that say it."""

    sections: Mapping[str, Node] = field(default_factory=dict)
    files: tuple[BaselineFile, ...] = ()


class _UnreadableError(Exception):
    """The inventory cannot be used; the text says why and what to type."""


def take(node: Node, own: Node | None, mistakes: Mistakes) -> Taken:
    """Return the hosts and groups of an inventory; what is wrong is added to `mistakes`.

    Args:
        node: what stands behind `from_ansible`: a file or directory, as one types it here.
        own: what the baseline says of hosts itself, and what therefore counts.
        mistakes: gets everything that is wrong.
    """
    if not isinstance(node.value, str) or not node.value:
        text = f"needs the path of an inventory: write {KEY}: inventory.ini"
        mistakes.add(node.origin, (KEY,), text)
        return Taken()
    try:
        files = _files(Path(node.value).expanduser())
        listed = _listed(node.value, files)
    except _UnreadableError as reason:
        mistakes.add(node.origin, (KEY,), str(reason))
        return Taken()
    sections = _Reader(listed, node.origin, own, mistakes).sections()
    return Taken(sections=sections, files=files)


def _files(path: Path) -> tuple[BaselineFile, ...]:
    """Return the files of an inventory, with the variables that Ansible reads beside it."""
    if not path.exists():
        raise _UnreadableError(f"no file or directory {path}; it is looked for from {Path.cwd()}")
    base = path if path.is_dir() else path.parent
    folders = [path] if path.is_dir() else [base / "group_vars", base / "host_vars"]
    found = [path] if path.is_file() else []
    found += (each for folder in folders for each in sorted(folder.rglob("*")) if each.is_file())
    try:
        return tuple(
            BaselineFile(path=str(each), sha256=hashlib.sha256(each.read_bytes()).hexdigest())
            for each in found
        )
    except OSError as reason:
        raise _UnreadableError(f"{reason.filename} cannot be read: {reason.strerror}") from None


@lru_cache(maxsize=8)
def _listed(path: str, files: tuple[BaselineFile, ...]) -> Mapping[str, Json]:
    """Return what `ansible-inventory --list` prints; asked once while the files stay the same."""
    own = Path(sys.executable).parent
    program = shutil.which(_PROGRAM, path=f"{os.environ.get('PATH', os.defpath)}:{own}")
    if program is None:
        raise _UnreadableError(f"needs {_PROGRAM}, which is not here: pip install ansible-core")
    command = [program, "-i", str(Path(path).expanduser()), "--list"]
    try:
        done = subprocess.run(
            command,
            env={**os.environ, **_STRICT},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise _UnreadableError(f"{_PROGRAM} did not end within {TIMEOUT_S:g} s") from None
    if done.returncode != 0 or _UNPARSED in done.stderr:
        more = f"; try: {_PROGRAM} -i {path} --list"
        raise _UnreadableError(f"{_PROGRAM}: {_reason(done.stderr)}{more}")
    try:
        answer = json.loads(done.stdout)
    except ValueError:
        raise _UnreadableError(f"{_PROGRAM} printed what is no JSON") from None
    return answer if isinstance(answer, dict) else {}


def _reason(text: str) -> str:
    """Return the first warning and the first error, which older versions wrap, as one line."""
    found = [" ".join(match["said"].split()) for match in _SAID.finditer(text)]
    errors = [match["said"] for match in _SAID.finditer(text) if match["kind"] == "ERROR"]
    told = dict.fromkeys([*found[:1], *(" ".join(error.split()) for error in errors[:1])])
    return "; ".join(told) or "it did not say why"


class _Reader:
    """Turns the list of an inventory into sections of a baseline."""

    def __init__(
        self, listed: Mapping[str, Json], origin: Origin, own: Node | None, mistakes: Mistakes
    ) -> None:
        self._origin, self._own, self._mistakes = origin, own, mistakes
        self._groups = {
            name: group
            for name, group in listed.items()
            if name != "_meta" and isinstance(group, dict)
        }
        meta = listed.get("_meta")
        variables = meta.get("hostvars") if isinstance(meta, dict) else None
        self._variables = variables if isinstance(variables, dict) else {}

    def sections(self) -> dict[str, Node]:
        """Return `hosts` and `groups` as a file would say them."""
        groups = {name: set(self._members(name)) for name in self._groups}
        hosts = dict.fromkeys(host for name in self._groups for host in self._members(name))
        if not hosts:
            self._mistakes.add(self._origin, (KEY,), "the inventory has no hosts")
        own_groups = [name for name in groups if name not in _NO_GROUPS]
        return {
            "hosts": self._node({
                host: self._host(host, [name for name in own_groups if host in groups[name]])
                for host in hosts
            }),
            "groups": self._node({name: self._node({}) for name in own_groups}),
        }  # fmt: skip

    def _members(self, group: str, above: tuple[str, ...] = ()) -> Iterator[str]:
        about = self._groups.get(group)
        if not isinstance(about, dict) or group in above:
            return
        yield from map(str, _list(about.get("hosts")))
        for child in _list(about.get("children")):
            yield from self._members(str(child), (*above, group))

    def _host(self, name: str, groups: list[str]) -> Node:
        found = self._variables.get(name)
        told = {
            key: str(value)
            for key, value in (found if isinstance(found, dict) else {}).items()
            if key in _READ and value is not None
        }
        self._refuse_templates(name, told)
        entries = {
            "connection": self._node(_connection(name, told)),
            "groups": self._node(tuple(map(self._node, groups))),
        }
        if told.get("ansible_become", "").lower() in _TRUE:
            entries["sudo"] = self._node(value=True)
            if (user := told.get("ansible_become_user", "root")) != "root":
                entries["sudo_user"] = self._node(user)
        return self._node(entries)

    def _refuse_templates(self, name: str, told: Mapping[str, str]) -> None:
        own = self._own.entries.get(name) if self._own else None
        if own is not None and (own.is_null or "connection" in own.entries):
            return
        for key, value in told.items():
            if "{{" in value:
                text = (
                    f"{key} of {shown(name)} is a template, which only a playbook fills in: "
                    f'say it here: hosts: {{{shown(name)}: {{connection: "ssh://…"}}}}'
                )
                self._mistakes.add(self._origin, (KEY,), text)

    def _node(self, value: str | bool | dict[str, Node] | tuple[Node, ...]) -> Node:
        return Node(value, self._origin)


_NAMES = {
    "kind": ("ansible_connection",),
    "address": ("ansible_host", "ansible_ssh_host"),
    "user": ("ansible_user", "ansible_ssh_user"),
    "port": ("ansible_port", "ansible_ssh_port"),
    "key": ("ansible_ssh_private_key_file", "ansible_private_key_file"),
}
_BECOME = ("ansible_become", "ansible_become_user")
_READ = frozenset({name for names in _NAMES.values() for name in names} | {*_BECOME})
"""All that is taken; above all no password."""


def _connection(name: str, told: Mapping[str, str]) -> str:
    """Return the hostspec that does what Ansible would do."""

    def said(what: str) -> str:
        return next((told[key] for key in _NAMES[what] if told.get(key)), "")

    kind = (said("kind") or "ssh").rpartition(".")[2]
    address = said("address") or name
    if kind == "local":
        return "local://"
    if kind not in _SSH:
        return f"{_KINDS.get(kind, kind)}://{address}"
    address = f"[{address}]" if address.count(":") > 1 else address
    user = f"{said('user')}@" if said("user") else ""
    port = f":{said('port')}" if said("port") else ""
    key = f"?ssh_identity_file={quote(said('key'), safe='/~')}" if said("key") else ""
    return f"ssh://{user}{address}{port}{key}"


def _list(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []
