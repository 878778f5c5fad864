"""Turns the hosts that a baseline declares into connection specs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from pytest_ddd.baseline.fields import SecretRef
from pytest_ddd.baseline.model import Declaration
from pytest_ddd.baseline.sections.hosts import Host
from pytest_ddd.connections.specs import ConnectionSpec, parse_hostspec
from pytest_ddd.errors import UsageError

Resolve = Callable[[SecretRef], str]
"""Returns the secret that a reference names."""


def specs_of(hosts: Mapping[str, Declaration[Host]], resolve: Resolve) -> dict[str, ConnectionSpec]:
    """Return how each host is reached, by inventory name.

    Raises:
        UsageError: a hostspec cannot be used; the message names its line.
    """
    return {name: _spec(name, declared, resolve) for name, declared in hosts.items()}


def _spec(name: str, declared: Declaration[Host], resolve: Resolve) -> ConnectionSpec:
    try:
        return _merged(parse_hostspec(declared.model.connection, name=name), declared, resolve)
    except UsageError as mistake:
        where = declared.origin("connection")
        raise UsageError(f"{where}: hosts.{name}: {mistake.message}", hint=mistake.hint) from None


def _merged(spec: ConnectionSpec, declared: Declaration[Host], resolve: Resolve) -> ConnectionSpec:
    """Return what the hostspec says with what the mapping adds to it."""
    model = declared.model
    password = model.sudo_password
    return replace(
        spec,
        ssh_config=str(model.ssh_config) if model.ssh_config else spec.ssh_config,
        connect_timeout_s=_chosen(declared, "connect_timeout", spec.connect_timeout_s),
        command_timeout_s=_chosen(declared, "command_timeout", spec.command_timeout_s),
        sudo=model.sudo or spec.sudo,
        sudo_user=model.sudo_user or spec.sudo_user,
        sudo_password=(lambda: resolve(password)) if password is not None else None,
    )


def _chosen(declared: Declaration[Host], name: str, in_hostspec_s: float) -> float:
    """Return the limit that the mapping writes; the hostspec's when it is silent."""
    if name in declared.model.model_fields_set:
        return float(getattr(declared.model, name))
    return in_hostspec_s
