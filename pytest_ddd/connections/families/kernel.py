"""The kernel: one sysctl, one uname."""

from __future__ import annotations

import re
from collections.abc import Sequence

from pytest_ddd.connections.families.interface import Answers, Family, as_words, there


def _tell_sysctl(found: Sequence[re.Match[str]], text: str) -> Answers:
    values = {key: value for key, _, value in (s.partition(" = ") for s in text.splitlines())}
    for match in found:
        if match["name"] in values:
            yield match[0], 0, f"{values[match['name']]}\n"


def _tell_uname(found: Sequence[re.Match[str]], text: str) -> Answers:
    words = dict(zip("sm", text.split(), strict=False))
    for match in found:
        if match["name"] in words:
            yield match[0], 0, f"{words[match['name']]}\n"


SYSCTL = Family(
    pattern=re.compile(r"/\S*/sysctl -n (?P<name>[a-z0-9_.-]+)"),
    where=there("sysctl"),
    ask=lambda found: f"sysctl {as_words(found)}",
    tell=_tell_sysctl,
)

UNAME = Family(
    pattern=re.compile(r"uname -(?P<name>[sm])"),
    where=there("uname"),
    ask=lambda _: "uname -s -m",
    tell=_tell_uname,
)
