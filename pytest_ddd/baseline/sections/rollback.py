"""Rollback points: what is kept before a host is changed, and how it comes back."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from pytest_ddd.baseline.fields import Duration, Entry, Model, Secret


def _visible(text: str) -> str:
    if not text.strip() or not text.isprintable():
        raise ValueError("must be one line of visible text")
    return text


def _absolute(path: str) -> str:
    if not path.startswith("/") or not path.isprintable() or path.strip("/") == "":
        raise ValueError(f"needs the whole path of a file or directory, found {path!r}")
    return path


Line = Annotated[str, AfterValidator(_visible)]
AbsolutePath = Annotated[str, AfterValidator(_absolute)]


class Packages(Model):
    """The packages that an update will replace: their exact versions, as files on the host."""


class ResticPoint(Model):
    """Files and directories, by restic on the host."""

    repository: Line
    password: Secret
    paths: list[AbsolutePath] = Field(min_length=1)
    """Everything below comes back as it was: name no data that goes on changing."""


class CommandPoint(Model):
    """Anything else, by commands of the host: a snapshot of a file system, a dump."""

    create: Line
    verify: Line
    """Exit status 0 when the point is there and could be restored."""
    restore: Line


class Rollback(Entry):
    """One rollback point. Lives on every host; `applies_to` narrows it.

    Exactly one of `packages`, `restic` and `command`.
    """

    packages: Packages | None = None
    restic: ResticPoint | None = None
    command: CommandPoint | None = None
    timeout: Duration = 1800.0

    @model_validator(mode="after")
    def _one_way(self) -> Rollback:
        ways = (self.packages, self.restic, self.command)
        if sum(way is not None for way in ways) != 1:
            raise ValueError("needs exactly one of packages, restic and command")
        return self
