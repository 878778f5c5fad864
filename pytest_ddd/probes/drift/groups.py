"""Groups of accounts: present or not, id and exact members."""

from __future__ import annotations

from pytest_ddd.baseline.sections.configuration import UserGroup
from pytest_ddd.probes.drift.accounts import all_accounts, group_line, has_getent
from pytest_ddd.probes.drift.comparison import Comparison


def compare(comparison: Comparison) -> None:
    """Compare one group, wherever the host's name service keeps it."""
    model = comparison.model(UserGroup)
    found: tuple[int, list[str]] | None = None
    with comparison.looking("exists"):
        found = _look(comparison)
        _compare_exists(comparison, found)
    if found is None or not model.exists:
        return
    gid, members = found
    source = f"host.group({comparison.name!r})"
    if model.gid is not None:
        comparison.same("gid", gid, model.gid, source=f"{source}.gid")
    if model.members is not None:
        with comparison.looking("members"):
            _compare_members(comparison, gid, members, model.members)


def _look(comparison: Comparison) -> tuple[int, list[str]] | None:
    """Return id and listed members; testinfra's pipelines hide a missing getent."""
    if not has_getent(comparison):
        line = group_line(comparison, comparison.name)
        return (
            None if line is None else (int(line[2]), [name for name in line[3].split(",") if name])
        )
    group = comparison.host.group(comparison.name)
    return (group.gid, list(group.members)) if group.exists else None


def _compare_exists(comparison: Comparison, found: tuple[int, list[str]] | None) -> None:
    wanted = comparison.model(UserGroup).exists
    problem = ""
    if wanted and found is None:
        problem = "no such group, expected one"
    elif found is not None and not wanted:
        problem = f"there is such a group (gid {found[0]}), expected none"
    comparison.note(
        "exists",
        found is not None,
        expected="a group" if wanted else "no group",
        source=f"host.group({comparison.name!r}).exists",
        path=("exists",),
        problem=problem,
    )


def _compare_members(
    comparison: Comparison, gid: int, listed: list[str], wanted: list[str]
) -> None:
    """Compare members exactly, with those whose primary group it is.

    An account of the group's own name is its owner, and need not be listed.
    """
    primary = {account.name for account in all_accounts(comparison) if account.gid == gid}
    found = set(listed) | (primary - {comparison.name})
    expected = set(wanted)
    if comparison.name in primary:
        found.discard(comparison.name)
        expected.discard(comparison.name)
    parts = [f"{name} is missing" for name in sorted(expected - found)]
    parts += [
        f"{name} is too many" + (" (by primary group)" if name in primary else "")
        for name in sorted(found - expected)
    ]
    comparison.note(
        "members",
        ", ".join(sorted(found)) or "none",
        expected=", ".join(sorted(expected)) or "none",
        source=f"host.group({comparison.name!r}).members",
        path=("members",),
        problem=f"members differ: {', '.join(parts)}" if parts else "",
    )
