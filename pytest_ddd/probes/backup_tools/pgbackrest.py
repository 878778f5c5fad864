"""pgBackRest: the backups of one stanza, and what `verify` reads."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from datetime import datetime

from pytest_ddd.errors import CannotLookError
from pytest_ddd.probes.backup_tools import json_answers
from pytest_ddd.probes.backup_tools.asking import Asking, excerpt, said
from pytest_ddd.probes.backup_tools.interface import COMPARED, Copy, Found, Verified
from pytest_ddd.probes.backup_tools.json_answers import Answer

_OK = 0
_NOTHING = (1, 2, 3)
"""Status of a stanza: 1 missing stanza path, 2 no valid backups, 3 missing stanza data."""

_BAD = re.compile(r"status: (?!ok|valid)\w|(missing|invalid|other): [1-9]|invalid checksum")
"""What `verify` writes into the line about anything that is not as it was backed up."""


@dataclass(frozen=True, slots=True)
class PgBackRest:
    """Asks on the host that pgBackRest is configured on."""

    def find(self, asking: Asking) -> Found:
        """Return the backups that ended, full, differential and incremental ones alike."""
        command = f"{_pgbackrest(asking)} --output=json info"
        completed = asking.run(command, package="pgbackrest")
        if not completed.ok:
            raise asking.blind(command, completed)
        return parse(completed.text, asking.model.stanza, command, asking.where)

    def verify(self, asking: Asking, _latest: Copy, /) -> Verified | None:
        """With `integrity: data` read all files and compare their checksums.

        Its exit status is 0 whatever it finds: only its words count.
        """
        if asking.model.integrity == "none":
            return None
        if asking.model.integrity == "structure":
            read = "the list of backups only; integrity: data reads the files"
            return Verified(good=True, read=read, source=f"{_pgbackrest(asking)} info")
        options = "--log-level-console=info --output=text --verbose"
        command = f"{_pgbackrest(asking)} {options} verify"
        completed = asking.run(command, package="pgbackrest")
        words = completed.text
        if not completed.ok:
            raise asking.blind(command, completed)
        if bad := [line.strip() for line in words.splitlines() if _BAD.search(line)]:
            said_so = excerpt("; ".join(dict.fromkeys(bad)))
            return Verified(good=False, read="all files", said=said_so, source=command)
        if "status: ok" not in words:
            raise CannotLookError(f"{asking.where}: {command}: no result: {said(completed)}")
        return Verified(good=True, read="all files", said=excerpt(words), source=command)


def parse(text: str, stanza: str, command: str, where: str) -> Found:
    """Return what `info --output=json` lists for one stanza.

    Raises:
        CannotLookError: it is not what pgBackRest 2 prints.
    """
    stanzas = json_answers.many(text, f"{where}: pgbackrest info")
    found = next((one for one in stanzas if one.text("name") == stanza), None)
    if found is None:
        return Found(problems=(f"there is no stanza {stanza}",), source=command)
    status = found.one("status")
    code, message = status.count("code"), status.text("message")
    problems = [] if code == _OK or code in _NOTHING else [f"stanza {stanza}: {message}"]
    backups = sorted(found.many("backup"), key=_stopped)
    copies = tuple(
        Copy(name=one.text("label"), at=_stopped(one), size_bytes=one.one("info").count("size"))
        for one in backups[-COMPARED - 1 :]
    )
    if copies and code in _NOTHING:
        problems.append(f"stanza {stanza}: {message}")
    if backups and backups[-1].fields.get("error") is True:
        problems.append(f"{copies[-1].name}: pages with invalid checksums in the database")
    return Found(copies=copies, problems=tuple(problems), source=command, note=message)


def _stopped(backup: Answer) -> datetime:
    return backup.one("timestamp").seconds("stop")


def _pgbackrest(asking: Asking) -> str:
    return f"pgbackrest --stanza={shlex.quote(asking.model.stanza)}"
