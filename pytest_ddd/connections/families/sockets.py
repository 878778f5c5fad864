"""Sockets: an ss that asks the kernel for the kinds only that testinfra reads.

It asks for no kind, so ss asks for all eleven, and a kernel without some of them looks for a module
each time. Lines of any other kind than TCP, UDP and UNIX are skipped by testinfra.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from pytest_ddd.connections.families.interface import WORD, Answers, Family, as_words, there

_COLUMNS = "Netid"


def _tell(found: Sequence[re.Match[str]], text: str) -> Answers:
    listing = text.removesuffix("all\n")
    if listing != text and listing.startswith(_COLUMNS):
        yield found[0][0], 0, listing


LISTENING = Family(
    pattern=re.compile(rf"(?P<name>/{WORD}/ss) --numeric --listening"),
    where=there("ss"),
    ask=lambda found: f"{as_words(found[:1])} --numeric --listening --tcp --udp --unix && echo all",
    tell=_tell,
)
