"""Hardening: one file for each kind of safeguard, each looking at what is really in force."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pytest_ddd.probes.drift.comparison import Comparison
from pytest_ddd.probes.hardening import firewall, passwords, sshd

ON_HOST: Mapping[str, Callable[[Comparison], None]] = {
    "firewall": firewall.compare,
    "passwords": passwords.compare,
    "sshd": sshd.compare,
}
"""Kind -> what looks on the host."""
