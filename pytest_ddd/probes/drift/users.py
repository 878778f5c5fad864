"""Accounts: present or not, ids, shell, home and exact group membership."""

from __future__ import annotations

from pytest_ddd.baseline.sections.configuration import User
from pytest_ddd.errors import CannotLookError
from pytest_ddd.probes.drift.accounts import all_accounts, has_getent
from pytest_ddd.probes.drift.comparison import Comparison
from pytest_ddd.probes.drift.ways import UserModule


def compare(comparison: Comparison) -> None:
    """Compare one account, wherever the host's name service keeps it."""
    model = comparison.model(User)
    user = comparison.host.user(comparison.name)
    source = f"host.user({comparison.name!r})"
    exists = None
    with comparison.looking("exists"):
        exists = _exists(comparison, user)
        _compare_exists(comparison, user, exists=exists)
    if not exists or not model.exists:
        return
    if model.uid is not None:
        with comparison.looking("uid"):
            comparison.same("uid", user.uid, model.uid, source=f"{source}.uid")
    if model.gid is not None:
        with comparison.looking("gid"):
            comparison.same("gid", user.gid, model.gid, source=f"{source}.gid")
    for name in ("shell", "home"):
        if (wanted := getattr(model, name)) is not None:
            with comparison.looking(name):
                comparison.same(name, _field(comparison, user, name), wanted, source=source)
    if model.groups is not None:
        with comparison.looking("groups"):
            _compare_groups(comparison, user, model.groups)


def _exists(comparison: Comparison, user: UserModule) -> bool:
    """Return whether there is such an account; `id` says no as well when it cannot read."""
    if user.exists:
        return True
    return any(account.name == comparison.name for account in all_accounts(comparison))


def _compare_exists(comparison: Comparison, user: UserModule, *, exists: bool) -> None:
    wanted = comparison.model(User).exists
    problem = ""
    if wanted and not exists:
        problem = "no such account, expected one"
    elif exists and not wanted:
        problem = f"there is such an account (uid {user.uid}), expected none"
    comparison.note(
        "exists",
        exists,
        expected="an account" if wanted else "no account",
        source=f"host.user({comparison.name!r}).exists",
        path=("exists",),
        problem=problem,
    )


def _field(comparison: Comparison, user: UserModule, name: str) -> str:
    """Return shell or home; without getent, from /etc/passwd."""
    if has_getent(comparison):
        return user.shell if name == "shell" else user.home
    for account in all_accounts(comparison):
        if account.name == comparison.name:
            return account.shell if name == "shell" else account.home
    raise CannotLookError("the account is not in /etc/passwd, and there is no getent")


def _compare_groups(comparison: Comparison, user: UserModule, wanted: list[str]) -> None:
    """Compare supplementary groups exactly; the primary one may be listed or not."""
    primary = user.group
    found = set(user.groups) - {primary}
    expected = set(wanted) - {primary}
    parts = [f"{name} is missing" for name in sorted(expected - found)]
    parts += [f"{name} is too many" for name in sorted(found - expected)]
    comparison.note(
        "groups",
        ", ".join(sorted(found)) or "none",
        expected=", ".join(sorted(expected)) or "none",
        source=f"host.user({comparison.name!r}).groups",
        path=("groups",),
        problem=f"groups differ: {', '.join(parts)}" if parts else "",
        detail=f"primary group {primary}",
    )
