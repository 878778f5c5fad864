"""Packages: one dpkg-query, or one rpm."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from pytest_ddd.connections.families.interface import (
    WORD,
    Answers,
    Family,
    as_words,
    split_rows,
    there,
)

_DPKG_FIELDS = ("${db:Status-Abbrev}", "${Architecture}", "${Version}", "${Status}")
_DPKG_FORMAT = "|".join(("${Package}", *_DPKG_FIELDS)) + r"\n"


def _tell_dpkg(found: Sequence[re.Match[str]], text: str) -> Answers:
    rows = list(split_rows(text, 1 + len(_DPKG_FIELDS)))
    for match in found:
        mine = [
            dict(zip(_DPKG_FIELDS, row[1:], strict=True)) for row in rows if row[0] == match["name"]
        ]
        wanted = match["format"].replace(r"\n", "\n")
        if mine:
            yield match[0], 0, "".join(_filled(wanted, row) for row in mine)


def _filled(form: str, row: Mapping[str, str]) -> str:
    for field, value in row.items():
        form = form.replace(field, value)
    return form


_RPM_FIELDS = {"%{VERSION}": 1, "%{RELEASE}": 2}


def _tell_rpm(found: Sequence[re.Match[str]], text: str) -> Answers:
    rows = list(split_rows(text, 3))
    for match in found:
        mine = [row for row in rows if row[0] == match["name"]]
        if mine and match["format"] is None:
            yield match[0], 0, ""  # --quiet
        elif mine:
            yield match[0], 0, "".join(row[_RPM_FIELDS[match["format"]]] for row in mine)


DPKG = Family(
    pattern=re.compile(
        r"(LC_ALL=C )?dpkg-query -f '(?P<format>[^']*)' -W (?P<name>[a-z0-9][a-z0-9+.-]+)"
    ),
    where=there("dpkg-query"),
    ask=lambda found: f"dpkg-query -f '{_DPKG_FORMAT}' -W {as_words(found)}",
    tell=_tell_dpkg,
)

RPM = Family(
    pattern=re.compile(
        r"rpm -q (?:--quiet|--queryformat=\"(?P<format>%\{(?:VERSION|RELEASE)\})\") "
        rf"(?P<name>{WORD})(?: 2>&1)?"
    ),
    where=f"! {there('dpkg-query')} && {there('rpm')}",  # as testinfra chooses
    ask=lambda found: (
        f"rpm -q --queryformat '%{{NAME}}|%{{VERSION}}|%{{RELEASE}}\\n' {as_words(found)}"
    ),
    tell=_tell_rpm,
)
