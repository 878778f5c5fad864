"""Relay frames between two TAP devices with delay, jitter and loss: this kernel need not have netem.

Run as a script inside the control namespace; `Wire` in slow.py starts it and writes its control file.
Only the standard library, because the interpreter may be any.
"""

from __future__ import annotations

import fcntl
import heapq
import json
import os
import random
import select
import struct
import sys
import time
from itertools import count
from pathlib import Path

# From <linux/if_tun.h>.
TUNSETIFF = 0x400454CA
IFF_TAP, IFF_NO_PI = 0x0002, 0x1000
FRAME_BYTES = 65536
REREAD_S = 0.05


def open_tap(name: str) -> int:
    """Make (or take) a TAP device and give its frame socket."""
    handle = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(handle, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TAP | IFF_NO_PI))
    return handle


def read_control(path: Path) -> tuple[float, float, float]:
    """Delay and jitter in seconds, loss as a share from 0 to 1."""
    data = json.loads(path.read_text(encoding="utf-8"))
    return float(data["delay_s"]), float(data["jitter_s"]), float(data["loss"])


def relay(left: int, right: int, control: Path, seed: int) -> None:
    """Carry frames both ways until killed."""
    dice = random.Random(seed)
    waiting: list[tuple[float, int, int, bytes]] = []
    order = count()
    delay, jitter, loss = read_control(control)
    reread = time.monotonic()
    while True:
        now = time.monotonic()
        if now - reread > REREAD_S:
            delay, jitter, loss = read_control(control)
            reread = now
        pause = REREAD_S if not waiting else max(0.0, min(REREAD_S, waiting[0][0] - now))
        ready, _, _ = select.select([left, right], [], [], pause)
        for source in ready:
            frame = os.read(source, FRAME_BYTES)
            if dice.random() >= loss:
                due = time.monotonic() + delay + dice.random() * jitter
                heapq.heappush(
                    waiting, (due, next(order), right if source == left else left, frame)
                )
        while waiting and waiting[0][0] <= time.monotonic():
            _, _, target, frame = heapq.heappop(waiting)
            try:
                os.write(target, frame)
            except OSError:
                continue  # the device is down just now: a lost frame


if __name__ == "__main__":
    relay(open_tap(sys.argv[1]), open_tap(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4]))
