"""Kinds of backups: one module a kind, each satisfying `interface.BackupTool`."""

from __future__ import annotations

from collections.abc import Mapping

from pytest_ddd.probes.backup_tools import borg, command, files, pgbackrest, restic
from pytest_ddd.probes.backup_tools.interface import BackupTool

TOOLS: Mapping[str, BackupTool] = {
    "restic": restic.Restic(),
    "borg": borg.Borg(),
    "pgbackrest": pgbackrest.PgBackRest(),
    "files": files.Files(),
    "command": command.Command(),
}
"""`kind` in the baseline -> how it is looked at."""
