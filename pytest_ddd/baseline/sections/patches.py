"""Updates of a host: what is updated, in which batches, and how one knows that it still works."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, model_validator

from pytest_ddd.baseline.fields import Duration, Entry, Model, Pattern


def _visible(text: str) -> str:
    if not text.strip() or not text.isprintable():
        raise ValueError("must be one line of visible text")
    return text


Line = Annotated[str, AfterValidator(_visible)]
"""A command of the host, in one line of sh."""


def _unit(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9:_.\\@][A-Za-z0-9:_.\\@-]*", text):
        raise ValueError(f"not a systemd unit: {text!r} (write nginx or nginx.service)")
    return text


Unit = Annotated[str, AfterValidator(_unit)]


def _batch(value: object) -> object:
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return str(value)
    number = re.fullmatch(r"([1-9][0-9]{0,2})%", value) if isinstance(value, str) else None
    if number is not None and int(number[1]) <= 100:
        return value
    raise ValueError(f"not the size of a batch: {value!r} (write 1 for one host, or 25%)")


Batch = Annotated[
    str,
    BeforeValidator(_batch),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": 1},
                {"type": "string", "pattern": "^[1-9][0-9]{0,2}%$"},
            ]
        }
    ),
]
"""How many hosts: a number, or a share of all."""


class Apt(Model):
    """Debian packages by apt-get."""

    select: Literal["security", "all"] = "security"
    """Only what a security archive offers, or everything that is newer. Held packages stay."""
    security: list[Pattern] = Field(default_factory=lambda: ["(?i)security"], min_length=1)
    """What the origin of a security update looks like: `Debian-Security:12/stable-security`."""
    lock_wait: Duration = 60.0
    """How long to wait while another program holds dpkg's lock."""


class Commands(Model):
    """Anything else, by commands of the host: pip, npm, an application of your own."""

    pending: Line
    """Prints what would be updated, one line each; nothing means that all is up to date."""
    apply: Line
    undo: Line
    """Brings back what was there before `apply`, also when that ended half-way."""
    verify: Line
    """Exit status 0 when the update is in force."""


class Reboot(Model):
    """When a host is booted again after its update, and how long that may take."""

    when: Literal["required", "always", "never"] = "required"
    """`required`: when the host has /run/reboot-required."""
    timeout: Duration = 600.0


class Patch(Entry):
    """One kind of update. Lives on every host; `applies_to` narrows it.

    Exactly one of `apt` and `commands`.
    """

    apt: Apt | None = None
    commands: Commands | None = None
    batches: list[Batch] = Field(default_factory=lambda: ["1", "25%", "100%"], min_length=1)
    """Hosts of the first batch, the second and so on; the last size holds for the rest."""
    order: list[str] = Field(default_factory=list)
    """Hosts and groups that come first; the others follow as the inventory has them."""
    soak: Duration = 0.0
    """How long a batch has to stay well before the next one begins."""
    restart: list[Unit] = Field(default_factory=list)
    """Units that are started anew after the update, beside those that needrestart names."""
    services: list[Unit] = Field(default_factory=list)
    """Units that have to be active afterwards, beside all that were before."""
    checks: list[Line] = Field(default_factory=list)
    """Commands of the host that have to exit with 0 afterwards."""
    settle: Duration = 60.0
    """How long services and checks may take until they are well."""
    reboot: Reboot = Reboot()
    duration: Duration = 900.0
    """What one host takes at most, its boot included."""
    rollback_duration: Duration = 900.0
    """What the way back of one host takes at most."""
    point_age: Duration = 4 * 3600.0
    """How old a rollback point may be."""

    @model_validator(mode="after")
    def _one_way(self) -> Patch:
        if (self.apt is None) == (self.commands is None):
            raise ValueError("needs exactly one of apt and commands: apt: {} for security updates")
        return self
