"""Redis on loopback, with a password and, if wanted, TLS."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self

from tests.lab.demand import which
from tests.lab.net import free_port
from tests.lab.proc import Proc, signal_pid
from tests.lab.reap import Ledger
from tests.lab.svc.tls import Pair

PASSWORD = "lab-redis-password"
READY_S = 60.0


class RedisServer:
    """A running Redis that keeps nothing on disk."""

    def __init__(self, ledger: Ledger, *, tls: Pair | None = None) -> None:
        """Start it; with a certificate it speaks TLS on a port of its own."""
        self.ledger = ledger
        self.port, self.tls_port = free_port(), free_port() if tls is not None else 0
        self.dir = ledger.dir / f"redis-{self.port}"
        self.dir.mkdir()
        lines = [f"port {self.port}", "bind 127.0.0.1", f"dir {self.dir}", 'save ""']
        lines += [f"requirepass {PASSWORD}", "daemonize no"]
        if tls is not None:
            lines += [f"tls-port {self.tls_port}", f"tls-cert-file {tls.cert}"]
            lines += [f"tls-key-file {tls.key}", f"tls-ca-cert-file {tls.cert}"]
            lines += ["tls-auth-clients no"]
        (self.dir / "redis.conf").write_text("\n".join(lines) + "\n")
        self.proc = self.start()

    def url(self, *, tls: bool = False) -> str:
        """Address, without the password."""
        if tls:
            return f"rediss://localhost:{self.tls_port}/0"
        return f"redis://127.0.0.1:{self.port}/0"

    def run(self, *words: str) -> str:
        """Run one command of Redis and return what redis-cli prints."""
        argv = [which("redis-cli") or "redis-cli", "-p", str(self.port), "--no-auth-warning"]
        done = subprocess.run(
            [*argv, "-a", PASSWORD, *words], capture_output=True, text=True, timeout=30, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def start(self) -> Proc:
        """Start (again, on the same ports, with nothing in it)."""
        argv = [which("redis-server") or "redis-server", str(self.dir / "redis.conf")]
        proc = Proc(self.ledger, self.dir.name, argv, cwd=self.dir)
        self.proc = proc.ready(self._answers, READY_S)
        return self.proc

    def stop(self) -> None:
        """Stop it."""
        self.proc.stop(signal.SIGTERM)

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """The server hangs: connections are still taken by the kernel, and nothing answers."""
        signal_pid(self.proc.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            signal_pid(self.proc.pid, signal.SIGCONT)

    def _answers(self) -> bool:
        argv = [which("redis-cli") or "redis-cli", "-p", str(self.port), "--no-auth-warning"]
        done = subprocess.run(
            [*argv, "-a", PASSWORD, "PING"],
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        return done.stdout.strip() == "PONG"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
