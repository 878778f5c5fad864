"""The passwd and group databases of a host, through every source that it knows."""

from __future__ import annotations

from dataclasses import dataclass

from pytest_ddd.errors import CannotLookError
from pytest_ddd.probes.drift.comparison import Comparison

_MISSING_COMMAND = 127


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One line of the passwd database."""

    name: str
    uid: int
    gid: int
    home: str
    shell: str


def all_accounts(comparison: Comparison) -> list[Account]:
    """Return all accounts that the host enumerates.

    Raises:
        CannotLookError: the database cannot be read, or holds nothing.
    """
    found = []
    for line in _database(comparison, "passwd").splitlines():
        fields = line.split(":")
        if len(fields) == 7 and fields[2].isdigit() and fields[3].isdigit():
            uid, gid = int(fields[2]), int(fields[3])
            found.append(Account(name=fields[0], uid=uid, gid=gid, home=fields[5], shell=fields[6]))
    if not found:
        raise CannotLookError("the host lists no account at all")
    return found


def has_getent(comparison: Comparison) -> bool:
    """Return whether testinfra's modules for accounts can work there."""
    return comparison.script("command -v getent").ok


def group_line(comparison: Comparison, name: str) -> list[str] | None:
    """Return the four fields of one group from /etc/group, for hosts without getent."""
    for line in _file(comparison, "/etc/group").splitlines():
        fields = line.split(":")
        if len(fields) == 4 and fields[0] == name:
            return fields
    return None


def _database(comparison: Comparison, name: str) -> str:
    answer = comparison.run("getent", name)
    if answer.exit_status == _MISSING_COMMAND:
        return _file(comparison, f"/etc/{name}")
    if not answer.ok:
        raise CannotLookError(
            f"`getent {name}` ended with {answer.exit_status}: {answer.error_text.strip()}"
        )
    return answer.text


def _file(comparison: Comparison, path: str) -> str:
    answer = comparison.run("cat", "--", path)
    if not answer.ok:
        raise CannotLookError(answer.error_text.strip() or f"{path} cannot be read")
    return answer.text
