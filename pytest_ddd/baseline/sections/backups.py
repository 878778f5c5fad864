"""Backups: where they are, how fresh and how large they must be."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from pytest_ddd.baseline.fields import (
    Duration,
    DurationLimits,
    Entry,
    PercentLimits,
    Secret,
    Size,
)

_NEEDS = {
    "restic": "repository",
    "borg": "repository",
    "pgbackrest": "stanza",
    "files": "files",
    "command": "command",
}

_ONLY_FOR = {
    "host": ("restic", "borg"),
    "tags": ("restic",),
    "integrity": ("restic", "borg", "pgbackrest", "files"),
    "data_subset": ("restic",),
}
"""Keys that other kinds would pass over, so that less is looked at than the baseline says."""


def _subset(text: str) -> str:
    if not re.fullmatch(r"[0-9]+(\.[0-9]+)?%|[0-9]+/[0-9]+|[0-9]+[KMGT]?", text):
        raise ValueError("not a part of a repository: write 10%, 1/5 or 500M")
    return text


Subset = Annotated[str, AfterValidator(_subset)]
"""How `restic check --read-data-subset` takes it."""


class Backup(Entry):
    """One backup. Lives in the environment and is looked at from the controller.

    With `applies_to` it is looked at on each of those hosts, or from the controller when
    `from: controller`.
    """

    kind: Literal["restic", "borg", "pgbackrest", "files", "command"]
    """Which tool made it."""
    from_: Literal["controller", "host"] | None = Field(default=None, alias="from")
    """Where it is looked at; on the hosts of `applies_to` if there are any."""
    repository: str = ""
    """Of restic and borg."""
    stanza: str = ""
    """Of pgBackRest."""
    files: str = ""
    """A glob; the newest match is the latest backup."""
    command: str = ""
    """Exit status 0 and one JSON object on standard output: {"at": RFC 3339, "size_bytes": N}."""
    password: Secret | None = None
    """Of restic."""
    environment: dict[str, str | Secret] = Field(default_factory=dict)
    """Variables for the tool; a value may be a reference to a secret."""
    host: str = ""
    """restic: only snapshots of this host; borg: only archives with this prefix."""
    tags: list[str] = Field(default_factory=list)
    """restic: only snapshots with these tags."""
    age: DurationLimits = DurationLimits.model_validate({"warn": "26h", "crit": "50h"})
    """Limits of the age of the latest one."""
    min_size: Size = 1
    """A smaller one is RED."""
    shrink: PercentLimits = PercentLimits.model_validate({"warn": "30%", "crit": "60%"})
    """How much smaller than the median of the previous ones the latest may be."""
    integrity: Literal["none", "structure", "data"] = "structure"
    """`structure` reads the index only and does not see damaged data; `data` reads the data."""
    data_subset: Subset = "100%"
    """How much `integrity: data` reads of a restic repository."""
    timeout: Duration = 600.0
    """For the whole look."""

    @model_validator(mode="after")
    def _has_a_place(self) -> Backup:
        needed = _NEEDS[self.kind]
        if not getattr(self, needed):
            raise ValueError(f"a {self.kind} backup needs {needed}")
        if self.kind == "restic" and self.password is None and not self.environment:
            raise ValueError("a restic backup needs password: {env: NAME} or {file: PATH}")
        return self

    @model_validator(mode="after")
    def _promises_no_more(self) -> Backup:
        for name, kinds in _ONLY_FOR.items():
            if name in self.model_fields_set and self.kind not in kinds:
                raise ValueError(f"{name} has no meaning for {self.kind} (only {', '.join(kinds)})")
        if "data_subset" in self.model_fields_set and self.integrity != "data":
            raise ValueError("data_subset is read with integrity: data only")
        return self
