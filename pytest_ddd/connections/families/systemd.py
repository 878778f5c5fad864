"""Units of systemd: one systemctl a verb."""

from __future__ import annotations

import re
from collections.abc import Sequence

from pytest_ddd.connections.families.interface import (
    WORD,
    Answers,
    Family,
    as_words,
    names_of,
    there,
)


def _tell_show(found: Sequence[re.Match[str]], text: str) -> Answers:
    """`systemctl show a b` writes one block a unit, with a blank line between two."""
    names = names_of(found)
    blocks = text.removesuffix("\n").split("\n\n")
    if len(blocks) != len(names):
        return
    by_name = dict(zip(names, blocks, strict=True))
    for match in found:
        name, block = match["name"], by_name[match["name"]]
        known = {
            word for line in block.splitlines() if line[:6] == "Names=" for word in line[6:].split()
        }
        if {name, f"{name}.service"} & known:
            yield match[0], 0, f"{block}\n"


_ENABLED_STATUS = {"enabled": 0, "static": 0, "disabled": 1}


def _tell_enabled(found: Sequence[re.Match[str]], text: str) -> Answers:
    names = names_of(found)
    words = text.splitlines()
    if len(words) != len(names):
        return
    by_name = dict(zip(names, words, strict=True))
    for match in found:
        word = by_name[match["name"]]
        if word in _ENABLED_STATUS:
            yield match[0], _ENABLED_STATUS[word], f"{word}\n"


SHOW = Family(
    pattern=re.compile(rf"systemctl show (?P<name>{WORD})"),
    where=there("systemctl"),
    ask=lambda found: f"systemctl show {as_words(found)}",
    tell=_tell_show,
)

ENABLED = Family(
    pattern=re.compile(rf"(LC_ALL=C )?systemctl is-enabled (-- )?(?P<name>{WORD})"),
    where=there("systemctl"),
    ask=lambda found: f"systemctl is-enabled -- {as_words(found)}",
    tell=_tell_enabled,
)
