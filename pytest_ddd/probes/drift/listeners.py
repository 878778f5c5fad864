"""Listening sockets that should be there, and those that should not."""

from __future__ import annotations

from pytest_ddd.baseline.sections.configuration import Listener as ListenerModel
from pytest_ddd.probes.drift.comparison import Comparison
from pytest_ddd.probes.drift.sockets import WILDCARDS, Listener, covers, listeners, parse_key


def compare(comparison: Comparison) -> None:
    """Compare one port: `tcp:443` means every address, `tcp:127.0.0.1:5432` that one only."""
    model = comparison.model(ListenerModel)
    with comparison.looking("listening"):
        wanted = parse_key(comparison.name)
        found, source = listeners(comparison)
        anywhere = Listener(protocol=wanted.protocol, address="", port=wanted.port)
        there = sorted(one for one in found if covers(anywhere, one))
        shown = ", ".join(str(one) for one in there)
        problem = _missing(wanted, there, shown) if model.listening else _present(wanted, there)
        comparison.note(
            "listening",
            shown or "not listening",
            expected=_expectation(wanted, listening=model.listening),
            source=source,
            path=("listening",),
            problem=problem,
        )


def _expectation(wanted: Listener, *, listening: bool) -> str:
    where = f"on {wanted.address}" if wanted.address else "on every address"
    return f"listening {where}" if listening else "not listening"


def _missing(wanted: Listener, there: list[Listener], shown: str) -> str:
    """Return what is wrong with a socket that should listen."""
    if not there:
        return f"nothing listens, expected {_expectation(wanted, listening=True)}"
    addresses = {one.address for one in there}
    if not wanted.address:
        return "" if addresses & WILDCARDS else f"listens on {shown} only, expected every address"
    if wanted.address == "0.0.0.0" and addresses & WILDCARDS:  # noqa: S104  # compared, not bound
        return ""  # a dual-stack socket shows as :: alone in /proc/net
    if wanted.address not in addresses:
        return f"listens on {shown}, expected {wanted.address}"
    if wanted.address not in WILDCARDS and addresses & WILDCARDS:
        return f"listens on {shown}, expected {wanted.address} only"
    return ""


def _present(wanted: Listener, there: list[Listener]) -> str:
    """Return what is wrong with a socket that should not listen."""
    open_ones = [
        str(one)
        for one in there
        if not wanted.address or one.address == wanted.address or one.address in WILDCARDS
    ]
    return f"listens on {', '.join(open_ones)}, expected not listening" if open_ones else ""
