"""What the models alone cannot say: how entries may be named, which names must exist."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Collection, Iterator

from pytest_ddd.baseline.fields import LITERAL_REFUSED, URL_REFUSED
from pytest_ddd.baseline.sections.scenarios import SCENARIO_NAMES, is_scenario
from pytest_ddd.baseline.sections.thresholds import FROM_ELSEWHERE
from pytest_ddd.baseline.sections.thresholds import KINDS as RESOURCES
from pytest_ddd.baseline.tree import Mistakes, Node, Path, nearest, shown, walk
from pytest_ddd.redaction_rules import secret_word

LONGEST_NAME = 200
_MOUNT = re.compile(r"(disk|inodes):/.*")
_SOCKET = re.compile(r"(?:tcp|udp):(?:(\[[0-9a-fA-F:.%a-z]+\]|[0-9.]+|\*):)?([0-9]{1,5})")
_SECRET_HEADERS = ("authorization", "proxy-authorization", "cookie")
_EXPECTED = ("json", "response_headers")
"""What an endpoint must answer: patterns and conditions, whatever they are named."""

_CREDENTIALS = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*://[^/\s:@]*:[^/\s@]+@")

Rule = Callable[[str, Node, Path, Mistakes], None]
"""Checks one entry: its name, its node, its path, where mistakes go."""


def check_name(name: str, node: Node, path: Path, mistakes: Mistakes) -> None:
    """Refuse names of entries that a command would take for an option or nobody could read."""
    if not name or not name.isprintable() or name != name.strip():
        mistakes.add(
            node.origin, path, "a name is one line of visible text without blanks around it"
        )
    elif len(name) > LONGEST_NAME:
        mistakes.add(node.origin, path, f"a name has at most {LONGEST_NAME} characters")
    elif name.startswith("-"):
        mistakes.add(
            node.origin, path, "a name may not begin with a dash: commands take it for an option"
        )


def check_resource(name: str, node: Node, path: Path, mistakes: Mistakes) -> None:
    """Refuse unknown resources, and limits in another unit than the resource has."""
    kind, _, rest = name.partition(":")
    if kind in FROM_ELSEWHERE:
        _check_elsewhere(kind, rest, node, path, mistakes)
        return
    for way in (*FROM_ELSEWHERE, "unit"):
        if way in node.entries:
            text = f"has no meaning for {shown(name)}: only prometheus:NAME and table:NAME know it"
            mistakes.add(node.entries[way].origin, (*path, way), text)
    if name not in RESOURCES and not _MOUNT.fullmatch(name):
        known = (*RESOURCES, f"disk:/{name.partition(':')[2].lstrip('/')}")
        mistakes.add(node.origin, path, f"no resource {shown(name)!r}{nearest(name, known)}")
        return
    for place in ((), ("night",)):
        limits = node.entries.get("night") if place else node
        for limit in ("warn", "crit"):
            found = limits.entries.get(limit) if limits is not None else None
            wrong = _wrong_unit(kind, found.value) if found is not None else ""
            if found is not None and wrong and not found.broken:
                mistakes.add(found.origin, (*path, *place, limit), wrong)
    if "exclude" in node.entries and name not in ("disk", "inodes"):
        mistakes.add(node.entries["exclude"].origin, path, "only disk and inodes know exclude")


def _check_elsewhere(kind: str, rest: str, node: Node, path: Path, mistakes: Mistakes) -> None:
    """Refuse a resource that is read elsewhere and does not say where, or says it twice."""
    if not rest.strip():
        mistakes.add(node.origin, path, f"needs a name: write {kind}:NAME")
    if kind not in node.entries:
        mistakes.add(node.origin, path, f"needs a mapping `{kind}:` that says how it is read")
    for name in ("exclude", "sample", *(way for way in FROM_ELSEWHERE if way != kind)):
        if name in node.entries:
            text = f"{name} has no meaning for {kind}:NAME"
            mistakes.add(node.entries[name].origin, (*path, name), text)


def _wrong_unit(kind: str, value: object) -> str:
    """Return what is wrong with the unit of a limit, or an empty text."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return ""
    written = shown(str(value))
    if kind == "load":
        numeric = not isinstance(value, str)
        return "" if numeric else f"load is a number for each core: write 1.5, found {written}"
    if not isinstance(value, str):
        return f"needs a unit: write {written}%, found {written}"
    if value.strip().endswith("B"):
        return f"{kind} is a share of what there is: write 80%, found {written}"
    number = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)\s*%", value)
    if number is not None and float(number[1]) > 100:
        return f"can never be reached: {kind} ends at 100%, found {written}"
    return ""


def check_listener(name: str, node: Node, path: Path, mistakes: Mistakes) -> None:
    """Refuse sockets that cannot be."""
    if not is_socket(name):
        text = f"not a socket: {shown(name)!r} (write tcp:443, tcp:127.0.0.1:5432 or udp:[::1]:53)"
        mistakes.add(node.origin, path, text)


def is_socket(text: str) -> bool:
    """Return whether a text names a socket: protocol, perhaps an address, port."""
    match = _SOCKET.fullmatch(text)
    if match is None or not 0 < int(match[2]) < 65536:
        return False
    address = match[1]
    if address in (None, "*"):
        return True
    try:
        found = ipaddress.ip_address(address.strip("[]").partition("%")[0])
    except ValueError:
        return False
    return (found.version == 6) == address.startswith("[")


def check_service(name: str, node: Node, path: Path, mistakes: Mistakes) -> None:
    """Refuse a `responds` that means a socket and names none."""
    check_name(name, node, path, mistakes)
    responds = node.entries.get("responds")
    value = responds.value if responds is not None else None
    if responds is not None and isinstance(value, str) and value.startswith(("tcp:", "udp:")):
        check_listener(value, responds, (*path, "responds"), mistakes)


def check_absolute(name: str, node: Node, path: Path, mistakes: Mistakes) -> None:
    """Refuse paths that depend on where one stands."""
    if not name.startswith("/") or not name.isprintable():
        mistakes.add(node.origin, path, f"needs the whole path from /, found {shown(name)!r}")


def check_log(name: str, node: Node, path: Path, mistakes: Mistakes) -> None:
    """Refuse a log file that depends on where one stands."""
    check_name(name, node, path, mistakes)
    file = node.entries.get("path")
    if file is not None and isinstance(file.value, str):
        check_absolute(file.value, file, (*path, "path"), mistakes)


def check_scenario(name: str, node: Node, path: Path, mistakes: Mistakes) -> None:
    """Refuse scenarios that nobody runs."""
    if not is_scenario(name):
        near = nearest(name, SCENARIO_NAMES)
        mistakes.add(node.origin, path, f"no scenario {shown(name)!r}{near}")


def check_from(name: str, node: Node, path: Path, mistakes: Mistakes) -> None:
    """Refuse what is looked at on hosts without saying on which."""
    check_name(name, node, path, mistakes)
    side = node.entries.get("from")
    if side is not None and side.value == "host" and not applies_to(node):
        mistakes.add(side.origin, (*path, "from"), "needs applies_to: which hosts?")


def check_asked(name: str, node: Node, path: Path, mistakes: Mistakes) -> None:
    """Refuse an entry whose server is asked by hosts without saying by which."""
    check_name(name, node, path, mistakes)
    for way in ("prometheus", "json"):
        server = node.entries.get(way)
        side = server.entries.get("from") if server is not None else None
        if side is not None and side.value == "host" and not applies_to(node):
            mistakes.add(side.origin, (*path, way, "from"), "needs applies_to: which hosts?")


RULES: dict[str, Rule] = {
    "metrics": check_asked,
    "rule_sets": check_asked,
    "thresholds": check_resource,
    "logs": check_log,
    "backups": check_from,
    "jobs": check_from,
    "queues": check_from,
    "smoke_tests": check_from,
    "scenarios": check_scenario,
    "listeners": check_listener,
    "services": check_service,
    "files": check_absolute,
    "mounts": check_absolute,
}
"""Section, or kind of configuration, -> its rule; `check_name` for all others."""


def applies_to(node: Node) -> tuple[str, ...]:
    """Return the names in `applies_to` of an entry."""
    found = node.entries.get("applies_to")
    items = found.items if found is not None else ()
    return tuple(item.value for item in items if isinstance(item.value, str))


def check_applies_to(node: Node, path: Path, known: Collection[str], mistakes: Mistakes) -> None:
    """Refuse `applies_to` that names nobody: what applies to nobody is never looked at."""
    found = node.entries.get("applies_to")
    if found is None or found.broken:
        return
    place = (*path, "applies_to")
    if found.value == ():
        mistakes.add(found.origin, place, "names nobody: remove the line, or name hosts or groups")
    for item in found.items:
        if isinstance(item.value, str) and item.value not in known:
            text = f"no host or group {shown(item.value)!r}{nearest(item.value, known)}"
            mistakes.add(item.origin, place, text)


def check_tree_hosts(node: Node, path: Path, known: Collection[str], mistakes: Mistakes) -> None:
    """Refuse a file tree of a pair on a host that nobody knows."""
    files = node.entries.get("files")
    for side in ("left", "right"):
        tree = files.entries.get(side) if files is not None else None
        host = tree.entries.get("host") if tree is not None else None
        if host is None or not isinstance(host.value, str) or host.value in ("", *known):
            continue
        text = f"no host {shown(host.value)!r}{nearest(host.value, known)}"
        mistakes.add(host.origin, (*path, "files", side, "host"), text)


def check_secrets(node: Node, path: Path, mistakes: Mistakes) -> None:
    """Refuse a secret that stands in the file itself; never say it."""
    for place, name, found in _named_texts(node, path):
        if isinstance(found.value, str) and _CREDENTIALS.search(found.value):
            mistakes.add(found.origin, place, URL_REFUSED)
        elif secret_word(name) or name.lower() in _SECRET_HEADERS:
            mistakes.add(found.origin, place, LITERAL_REFUSED)


def check_commands(node: Node, path: Path, mistakes: Mistakes) -> None:
    """Refuse a password in a URL among the words of a command, or in any other list."""
    for place, found in walk(node, path):
        is_item = isinstance(place[-1], int)
        if is_item and isinstance(found.value, str) and _CREDENTIALS.search(found.value):
            mistakes.add(found.origin, place, URL_REFUSED)


def _named_texts(node: Node, path: Path) -> Iterator[tuple[Path, str, Node]]:
    """Yield the texts of an entry with the key that each stands under."""
    for name, entry in node.entries.items():
        place = (*path, name)
        if isinstance(entry.value, str | int | float) and not isinstance(entry.value, bool):
            yield place, name, entry
        elif not _is_reference(entry) and name not in _EXPECTED:
            yield from _named_texts(entry, place)


def _is_reference(node: Node) -> bool:
    return bool(node.entries) and set(node.entries) <= {"env", "file", "command"}
