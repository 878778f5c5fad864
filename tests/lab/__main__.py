"""Start a lab by hand: `python -m tests.lab [HOST ...]`, end it with Ctrl-C."""

from __future__ import annotations

import shlex
import signal
import sys
import time
from collections.abc import Sequence
from contextlib import suppress

from tests.lab import bootstrap
from tests.lab.lab import Lab
from tests.lab.plugin import DEFAULT_HOSTS
from tests.lab.reap import Ledger


def main(names: Sequence[str]) -> int:
    """Boot the hosts, say how to reach them, wait, remove all."""
    bootstrap.provide(["lab"])
    ledger = Ledger.open()
    lab = Lab(ledger)
    start = time.monotonic()
    lab.up(names)
    print(f"{', '.join(names)} up in {time.monotonic() - start:.1f} s")
    print(f"ssh:     nsenter --net=/run/netns/{lab.net.ctl} ssh -F {lab.ssh_config} {names[0]}")
    print(f"prefix:  {shlex.join(lab.prefix)}")
    print(f"trust:   {lab.authority.cert}")
    print("Ctrl-C ends the lab.", flush=True)
    with suppress(KeyboardInterrupt):
        signal.pause()
    lab.close()
    leaks = ledger.close()
    print("\n".join(leaks) or "nothing is left")
    return 1 if leaks else 0


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(main(sys.argv[1:] or list(DEFAULT_HOSTS)))
