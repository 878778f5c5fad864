"""Which commands are put together: one folder, one file a kind of thing that is asked about."""

from __future__ import annotations

from pytest_ddd.connections.families.files import PATHS, SHA256, STAT
from pytest_ddd.connections.families.interface import WORD, Family
from pytest_ddd.connections.families.kernel import SYSCTL, UNAME
from pytest_ddd.connections.families.packages import DPKG, RPM
from pytest_ddd.connections.families.sockets import LISTENING
from pytest_ddd.connections.families.systemd import ENABLED, SHOW
from pytest_ddd.connections.families.texts import TEXTS

__all__ = ["FAMILIES", "WORD", "Family"]

FAMILIES = (STAT, SHA256, PATHS, DPKG, RPM, SYSCTL, UNAME, SHOW, ENABLED, TEXTS, LISTENING)
"""What is put together. One that is missing here costs a process a command, and nothing else."""
