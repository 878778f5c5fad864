"""Files: one stat, one sha256sum, one look at which paths are there."""

from __future__ import annotations

import re
from collections.abc import Sequence

from pytest_ddd.connections.families.interface import (
    WORD,
    Answers,
    Family,
    as_words,
    split_rows,
    there,
)

_STAT = {"U": 0, "G": 1, "u": 2, "g": 3, "a": 4, "s": 5}


def _tell_stat(found: Sequence[re.Match[str]], text: str) -> Answers:
    rows = {row[-1]: row for row in split_rows(text, 7)}
    for match in found:
        if row := rows.get(match["name"]):
            yield match[0], 0, f"{row[_STAT[match['field']]]}\n"


def _tell_sha256(found: Sequence[re.Match[str]], text: str) -> Answers:
    digests = {path: digest for digest, _, path in (s.partition("  ") for s in text.splitlines())}
    for match in found:
        if re.fullmatch("[0-9a-f]{64}", digest := digests.get(match["name"], "")):
            yield match[0], 0, f"{digest}\n"


def _tell_paths(found: Sequence[re.Match[str]], text: str) -> Answers:
    seen = set(text.splitlines())
    for match in found:
        if match["name"] in seen:
            yield match[0], 0, f"{match['name']}\n"


STAT = Family(
    pattern=re.compile(rf"stat -Lc %(?P<field>[UGugas]) (?P<name>/{WORD})"),
    where=there("stat"),
    ask=lambda found: f"stat -Lc '%U|%G|%u|%g|%a|%s|%n' {as_words(found)}",
    tell=_tell_stat,
)

SHA256 = Family(
    pattern=re.compile(rf"sha256sum (?P<name>/{WORD}) \| cut -d ' ' -f 1"),
    where=there("sha256sum"),
    ask=lambda found: f"sha256sum {as_words(found)}",
    tell=_tell_sha256,
)

PATHS = Family(
    pattern=re.compile(rf"LC_ALL=C ls -d -- (?P<name>/{WORD})"),
    where=there("ls"),
    ask=lambda found: (
        f"for p in {as_words(found)}; do {{ [ -e $p ] || [ -L $p ]; }} && echo $p; done; true"
    ),
    tell=_tell_paths,
)
