"""Reach hosts: one open connection each, commands in, exact answers out.

Importing this package imports neither testinfra nor anything else that is slow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_ddd.connections.answers import Completed, Reachability
from pytest_ddd.connections.pool import Connections
from pytest_ddd.connections.session import Session
from pytest_ddd.connections.specs import ConnectionSpec, parse_hostspec

if TYPE_CHECKING:
    from testinfra.host import Host as Host  # for annotations only: testinfra is slow to import

__all__ = [
    "Completed",
    "ConnectionSpec",
    "Connections",
    "Reachability",
    "Session",
    "parse_hostspec",
]
