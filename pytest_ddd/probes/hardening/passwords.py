"""Passwords: how each account's is stored and how old it is, and what is asked of a new one."""

from __future__ import annotations

import re
from dataclasses import dataclass

from pytest_ddd import clock
from pytest_ddd.baseline.sections.security import Safeguard
from pytest_ddd.errors import CannotLookError
from pytest_ddd.probes.drift.comparison import Comparison
from pytest_ddd.units import plural

_DAY_S = 86400
_SHADOW = r"""
awk -F: '
FILENAME == "/etc/passwd" && $2 == "x" { next }  # it stands in the other file
{
  hash = $2
  if (hash == "") kind = "empty"
  else if (hash ~ /^[!*]/ || hash == "x") kind = "locked"
  else if (substr(hash, 1, 1) == "$") { split(hash, part, "$"); kind = part[2] }
  else kind = "des"
  days = FILENAME == "/etc/passwd" ? ":" : $3 ":" $5
  print $1 ":" kind ":" days
}' /etc/passwd /etc/shadow
"""
"""Hashes stay on the host: only their kind is printed."""

_NEW = r"""
for file in /etc/pam.d/common-password /etc/pam.d/system-auth /etc/pam.d/passwd; do
  [ ! -e "$file" ] || sed "s/^/pam /" "$file" || exit 1
done
for file in /etc/security/pwquality.conf.d/*.conf /etc/security/pwquality.conf; do
  [ ! -e "$file" ] || sed "s/^/pwquality /" "$file" || exit 1
done
sed "s/^/login /" /etc/login.defs
"""
_KINDS = {
    "y": "yescrypt", "gy": "gost-yescrypt", "6": "sha512", "5": "sha256", "1": "md5",
    "2a": "bcrypt", "2b": "bcrypt", "2y": "bcrypt", "7": "scrypt", "des": "des",
}  # fmt: skip
"""crypt(5): what stands between the first two dollar signs."""

_PAM_LENGTH = re.compile(
    r"^pam\s+password\s.*\bpam_(pwquality|cracklib|unix)\.so\b(.*)$", re.MULTILINE
)
_MINLEN = re.compile(r"\bminlen\s*=\s*(\d+)")
_CONF_MINLEN = re.compile(r"^pwquality\s+minlen\s*=\s*(\d+)", re.MULTILINE)
_DEFAULT_PWQUALITY = 8
"""pwquality.conf(5), which says too that the files of its directory are read first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Account:
    name: str
    kind: str
    changed_day: int | None
    max_days: int | None


def compare(comparison: Comparison) -> None:
    """Compare the accounts that have a password, then the rules for new ones."""
    model = comparison.model(Safeguard)
    with comparison.looking("accounts"):
        _compare_accounts(comparison, model)
    if model.min_length is not None or model.max_age is not None:
        with comparison.looking("rules"):
            _compare_rules(comparison, model)


def _compare_accounts(comparison: Comparison, model: Safeguard) -> None:
    accounts = _accounts(comparison)
    open_ones = [one for one in accounts if one.kind != "locked"]
    wrong = {one.name: found for one in open_ones if (found := _wrong(one, model))}
    comparison.note(
        "accounts",
        f"{len(open_ones)} of {len(accounts)} have a password",
        expected=f"stored as {', '.join(model.hashes)}",
        source="awk … /etc/passwd /etc/shadow",
        path=("hashes",),
        detail="\n".join(f"{one.name}: {one.kind}" for one in open_ones),
    )
    for name, (text, key) in wrong.items():
        comparison.note(
            f"account {name}", text, expected="as the baseline says", source="/etc/shadow",
            path=(key,), problem=f"account {name} {text}",
        )  # fmt: skip


def _wrong(account: _Account, model: Safeguard) -> tuple[str, str] | None:
    """Return what is wrong with an account, and the key that says so."""
    if account.kind == "empty":
        return "has an empty password", "hashes"
    if account.kind not in model.hashes:
        return f"stores its password as {account.kind}", "hashes"
    text = _aged(account, int(model.max_age // _DAY_S)) if model.max_age is not None else ""
    return (text, "max_age") if text else None


def _aged(account: _Account, longest: int) -> str:
    if account.max_days is None or account.max_days > longest:
        return (
            f"has a password that expires after {account.max_days or 'never'} days, not {longest}"
        )
    if account.changed_day is None:  # shadow(5): then nothing of the kind is in force
        return "has a password that never expires: no day of its last change is known"
    days = int(clock.now().timestamp() // _DAY_S) - account.changed_day
    if days < -1:  # a host may be a day ahead
        return f"has a password that was changed in the future, {plural(-days, 'day')} from now"
    return f"has a password of {plural(days, 'day')}, at most {longest}" if days > longest else ""


def _accounts(comparison: Comparison) -> list[_Account]:
    answer = comparison.script(_SHADOW)
    if not answer.ok:
        raise CannotLookError(
            f"/etc/shadow: {answer.said}", hint="set sudo: true for this host in hosts.yaml"
        )
    found = []
    for line in answer.text.splitlines():
        name, kind, changed, longest = line.split(":")
        found.append(
            _Account(
                name=name,
                kind=_KINDS.get(kind, kind),
                changed_day=int(changed) if changed.isdigit() else None,
                max_days=int(longest) if longest.isdigit() else None,
            )
        )
    if not found:
        raise CannotLookError("/etc/shadow lists no account at all")
    return found


def _compare_rules(comparison: Comparison, model: Safeguard) -> None:
    answer = comparison.script(_NEW)
    if not answer.ok:
        raise CannotLookError(answer.said)
    if model.min_length is not None:
        length, where = _asked_length(answer.text)
        comparison.note(
            "min_length",
            length if length is not None else "not asked for",
            expected=f"at least {model.min_length}",
            source=where,
            problem=""
            if length is not None and length >= model.min_length
            else f"a new password needs {length or 'no'} characters, expected {model.min_length}",
        )
    if model.max_age is not None:
        longest = int(model.max_age // _DAY_S)
        match = re.search(r"^login\s+PASS_MAX_DAYS\s+(-?\d+)", answer.text, re.MULTILINE)
        days = int(match[1]) if match else None
        fits = days is not None and 0 < days <= longest
        comparison.note(
            "PASS_MAX_DAYS",
            days if days is not None else "not set",
            expected=f"at most {longest}",
            source="/etc/login.defs",
            path=("max_age",),
            problem="" if fits else f"PASS_MAX_DAYS is {days}, expected at most {longest}",
        )


def _asked_length(text: str) -> tuple[int | None, str]:
    """Return the length that PAM asks of a new password; a file that PAM does not read is none."""
    for module in _PAM_LENGTH.finditer(text):
        argument = _MINLEN.search(module[2])
        if argument is not None:
            return int(argument[1]), f"pam_{module[1]}.so minlen"
        if module[1] == "pwquality":
            written = _CONF_MINLEN.findall(text)
            return (int(written[-1]) if written else _DEFAULT_PWQUALITY), "pwquality.conf minlen"
    return None, "/etc/pam.d"
