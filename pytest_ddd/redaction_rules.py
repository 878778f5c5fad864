"""What secrets look like: shapes in text, and names of keys whose values are secret."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

TOKEN = re.compile(r"«redacted:[a-z0-9_.-]+:[0-9a-f]{6}»")
"""What stands in the place of a secret; never redacted again."""

_WORDS = (
    r"pass(?:word|wd|phrase)|pwd|secret|token|api[_-]?key|access[_-]?key|private[_-]?key"
    r"|credential|authorization|cookie|session[_-]?(?:id|key)"
)
_KEY = re.compile(rf"(?i)({_WORDS}|(?<![a-z])pass(?![a-z]))s?(?P<rest>[\w-]*)")
_HARMLESS = re.compile(
    r"(?i)(authentication|enabled|required|allowed|file|path|dir|url|uri|age|days|warn|min|max|len"
    r"|length|count|limit|policy|type|name|expires?|expiry|ttl|bits|status|change[sd]?|ok)$"
)
"""Endings that turn the name of a secret into the name of something about it."""

_PATH_BEFORE = re.compile(r"/[\w.-]{0,60}\Z")
"""`/etc/passwd: owner root` speaks of a file."""

_GLUE = r"\\?[\"']?\s{0,3}"
_VALUE = (
    r"(?:\\?\"(?P<double>(?:[^\"\\]|\\(?!\"))+)|\\?'(?P<single>[^'\n]+)"
    r"|(?P<bare>[^\s'\",;&)}\]]+))"
)


_SECRET_GROUPS = ("secret", "double", "single", "bare")


class Found(NamedTuple):
    """A secret and its place in the text."""

    kind: str
    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One shape: a pattern, and words one of which (lower case) every match contains."""

    kind: str
    needles: tuple[str, ...]
    pattern: re.Pattern[str]

    def find(self, match: re.Match[str]) -> Found | None:
        """Return the secret inside a match; None when it is harmless."""
        groups = match.groupdict()
        name = next((name for name in _SECRET_GROUPS if groups.get(name)), 0)
        start, end = match.span(name)
        text = match.string[start:end]
        if "key" not in groups:
            return Found(self.kind, text, start, end)
        return None if _is_harmless(match, text) else Found(kind_of(match["key"]), text, start, end)


def kind_of(word: str) -> str:
    """Return the kind that a token shows for a key: `api-key`."""
    return re.sub(r"[_\s]+", "-", word.lower())


def secret_word(key: str) -> str:
    """Return the word that makes the value of this key a secret, or an empty text."""
    match = _KEY.search(key)
    if match is None or _HARMLESS.search(match["rest"]):
        return ""
    return kind_of(match[1])


def _is_harmless(match: re.Match[str], value: str) -> bool:
    """Whether `key = value` only looks like a secret: `password_file=…`, `PWD=/root`."""
    key, rest, sign = match["key"].lower(), match["rest"], match["sign"]
    if rest and _HARMLESS.search(rest):
        return True
    if (key == "pwd" and value.startswith("/")) or (value.isdigit() and len(value) < 4):
        return True
    if match["key"] == "PASSWD" and match.string.endswith("NO", 0, match.start("key")):
        return True  # sudoers: NOPASSWD: /bin/sh
    if ":" in sign and _PATH_BEFORE.search(match.string, 0, match.start()):
        return True
    prose = ":" in sign and match.groupdict().get("bare") is not None
    # "token: unexpected end" is a message; "password: x" is taken for a secret all the same.
    return prose and key not in ("password", "passwd", "passphrase") and value.isalpha()


def _rule(kind: str, needles: tuple[str, ...], pattern: str, flags: int = re.IGNORECASE) -> Rule:
    return Rule(kind=kind, needles=needles, pattern=re.compile(pattern, flags))


_KEY_NEEDLES = ("pass", "pwd", "secret", "token", "key", "credential", "session")


@cache
def needles() -> tuple[str, ...]:
    """Return what a text has to hold, in small letters, for any of the shapes to fit."""
    return tuple(dict.fromkeys(needle for rule in rules() for needle in rule.needles))


@cache
def rules() -> tuple[Rule, ...]:
    """Return every shape, most telling first; compiled at the first use, which costs 7 ms."""
    return (
        _rule(
            "private-key",
            ("private key",),
            r"-----BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----"
            r"(?P<secret>.+?)(?=-----END [A-Z0-9 ]{0,30}PRIVATE KEY|\Z)"
            r"|(?:[A-Za-z0-9+/=]{16,80}\s{1,8}){1,200}(?=-----END [A-Z0-9 ]{0,30}PRIVATE KEY)",
            re.DOTALL,
        ),
        _rule("url-password", ("://",), r"://[^\s/:@?#'\"<>]*:(?P<secret>[^\s/?#'\"<>]+)@"),
        _rule(
            "authorization",
            ("digest ",),
            rf"authorization{_GLUE}[:=]\s{{0,3}}digest\s{{1,3}}(?P<secret>[^\r\n]{{4,}})",
        ),
        _rule(
            "authorization",
            ("authorization",),
            rf"authorization{_GLUE}[:=]\s{{0,3}}\\?[\"']?(?:(?:basic|bearer|digest|negotiate|token)\s+)?+"
            r"(?P<secret>[^\r\n\"'\\]{4,})",
        ),
        _rule(
            "bearer",
            ("bearer",),
            r"\bbearer\s+(?=\S*\d|\S{20})(?P<secret>[A-Za-z0-9._~+/=-]{8,})",
        ),
        _rule("basic", ("basic ",), r"\bbasic\s+(?=\S*[\d=])(?P<secret>[A-Za-z0-9+/]{8,}={0,2})"),
        _rule("cookie", ("cookie",), r"cookie2?\\?[\"']?\s{0,3}:\s{0,3}(?P<secret>[^\r\n\"']{4,})"),
        _rule(
            "jwt", ("eyj",), r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{4,}(?:\.[A-Za-z0-9_-]*)?", 0
        ),
        _rule("aws-key", ("akia", "asia"), r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b", 0),
        _rule(
            "github-token",
            ("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-"),
            r"(?:gh[pousr]_[A-Za-z0-9]{16,}|github_pat_\w{16,}|glpat-[\w-]{16,})",
            0,
        ),
        _rule("slack-token", ("xox",), r"\bxox[baprs]-[A-Za-z0-9-]{8,}", 0),
        _rule(
            "webhook", ("hooks.slack.com",), r"hooks\.slack\.com/services/(?P<secret>[\w/-]{8,})"
        ),
        _rule(
            "password-hash",
            ("$",),
            r"\$(?:[156y7]|2[abxy]|gy|apr1|argon2(?:id|i|d)|scrypt|pbkdf2[\w-]{0,20})\$"
            r"[./A-Za-z0-9=,$+-]{8,}",
            0,
        ),
        _rule(
            "password",
            _KEY_NEEDLES,
            rf"(?P<key>{_WORDS}|(?<![a-z])pass(?=\\?[\"']?\s{{0,3}}=))s?(?P<rest>[\w-]{{0,40}})"
            rf"{_GLUE}(?P<sign>=>|:=|==?|:)\s{{0,3}}{_VALUE}",
        ),
        _rule(
            "password",
            ("--",),
            rf"--[a-z-]{{0,30}}(?P<key>{_WORDS})(?P<rest>)(?P<sign>\s+)(?!-){_VALUE}",
        ),
        _rule(
            "password",
            (" -u", "--user"),
            r"(?:\s-u|--user)[ =]\s{0,3}['\"]?[^\s:'\"]+:(?P<secret>[^\s'\"]+)",
        ),
        _rule("password", ("sshpass",), r"\bsshpass\s+-p\s{0,3}['\"]?(?P<secret>[^\s'\"]+)"),
    )
