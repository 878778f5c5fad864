"""Make the way to one lab host long: `Wire` puts a relay with latency, jitter and loss into its cable."""

from __future__ import annotations

import json
import sys
from itertools import count
from pathlib import Path
from typing import Self

from tests.lab.net import Net, Port, enter
from tests.lab.proc import Proc, wait_for

RELAY = Path(__file__).with_name("wire.py")
_NUMBERS = count()


class Wire:
    """While it is open, all traffic of the host takes the long way. Delays count for each direction."""

    def __init__(
        self,
        net: Net,
        port: Port,
        *,
        delay_s: float = 0.0,
        jitter_s: float = 0.0,
        loss: float = 0.0,
        seed: int = 1,
    ) -> None:
        """Say what the way is like; `with` lays it."""
        self._net, self._port, self._seed = net, port, seed
        number = next(_NUMBERS)
        self._near, self._far, self._bridge = f"near{number}", f"far{number}", f"brw{number}"
        self._control = net.ledger.dir / f"wire{number}.json"
        self._proc: Proc | None = None
        self.set(delay_s=delay_s, jitter_s=jitter_s, loss=loss)

    def set(self, *, delay_s: float = 0.0, jitter_s: float = 0.0, loss: float = 0.0) -> None:
        """Change the way; it counts within 50 ms."""
        new = self._control.with_suffix(".new")
        new.write_text(json.dumps({"delay_s": delay_s, "jitter_s": jitter_s, "loss": loss}))
        new.rename(self._control)

    def __enter__(self) -> Self:
        ip = self._net.ip
        argv = [
            sys.executable,
            "-S",
            "-E",
            str(RELAY),
            self._near,
            self._far,
            str(self._control),
            str(self._seed),
        ]
        self._proc = Proc(self._net.ledger, "wire", argv, prefix=enter(self._net.ctl))
        self._proc.ready(self._taps_there)
        ip("link", "add", self._bridge, "type", "bridge")
        ip("link", "set", self._near, "master", "br0", "up")
        ip("link", "set", self._far, "master", self._bridge, "up")
        ip("link", "set", self._bridge, "up")
        ip("link", "set", self._port.ifname, "master", self._bridge)
        return self

    def _taps_there(self) -> bool:
        links = self._net.ip("-br", "link")
        return f"{self._near} " in links and f"{self._far} " in links

    def __exit__(self, *_: object) -> None:
        self._net.ip("link", "set", self._port.ifname, "master", "br0")
        self._net.ip("link", "del", self._bridge)
        if self._proc is not None:
            self._proc.stop()
        # The devices go with the relay.
        wait_for(lambda: not self._taps_there(), 2.0)
