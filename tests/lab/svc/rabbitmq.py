"""RabbitMQ on loopback with its management API; it starts slowly, so have one a session."""

from __future__ import annotations

import json
import os
import shutil
import signal
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Self
from urllib.error import URLError
from urllib.parse import quote

from tests.lab.demand import which
from tests.lab.net import answers, free_port
from tests.lab.proc import Proc, signal_pid, wait_for
from tests.lab.reap import Ledger

USER = "guest"
PASSWORD = "guest"
"""RabbitMQ's own first account, which it takes from loopback only."""

READY_S = 180.0
BEHIND_S = 2.0
"""So old may be what the management API shows here; 10 s where nobody says otherwise."""

_ACCOUNT = "rabbitmq"


class Rabbit:
    """A running RabbitMQ with an Erlang port mapper of its own."""

    def __init__(self, ledger: Ledger) -> None:
        """Start both and wait until the management API answers."""
        self.ledger = ledger
        self.amqp_port, self.http_port = free_port(), free_port()
        self._epmd_port, self._dist_port = free_port(), free_port()
        self.dir = ledger.dir / f"rabbitmq-{self.http_port}"
        for folder in (self.dir, self.dir / "data", self.dir / "log"):
            folder.mkdir()
        self._write("conf", self._configuration())
        self._write("plugins", "[rabbitmq_management].\n")
        self._own(self.dir)
        argv = [*_as_account(), _program("epmd"), "-port", str(self._epmd_port)]
        epmd = Proc(ledger, f"{self.dir.name}-epmd", [*argv, "-address", "127.0.0.1"], cwd=self.dir)
        self.epmd = epmd.ready(lambda: answers("127.0.0.1", self._epmd_port), 30)
        self.proc = self.start()

    def url(self) -> str:
        """Address of the management API."""
        return f"http://127.0.0.1:{self.http_port}"

    def start(self) -> Proc:
        """Start (again, on the same ports)."""
        argv = [*_as_account(), "/usr/lib/rabbitmq/bin/rabbitmq-server"]
        proc = Proc(self.ledger, self.dir.name, argv, cwd=self.dir, env=self._environment())
        self.proc = proc.ready(self._answers, READY_S)
        return self.proc

    def declare(self, queue: str) -> None:
        """Make a queue."""
        self.api("PUT", f"/api/queues/%2F/{quote(queue, safe='')}", {"durable": True})

    def delete(self, queue: str) -> None:
        """Remove a queue with all that is in it."""
        self.api("DELETE", f"/api/queues/%2F/{quote(queue, safe='')}")

    def purge(self, queue: str) -> None:
        """Take all messages out."""
        self.api("DELETE", f"/api/queues/%2F/{quote(queue, safe='')}/contents")

    def publish(self, queue: str, count: int, *, timestamp: int | None = None) -> None:
        """Put messages into a queue."""
        properties = {} if timestamp is None else {"timestamp": timestamp}
        for _ in range(count):
            message = {"routing_key": queue, "payload": "x", "payload_encoding": "string"}
            self.api(
                "POST",
                "/api/exchanges/%2F/amq.default/publish",
                {**message, "properties": properties},
            )

    @contextmanager
    def consumer(self, queue: str) -> Iterator[None]:
        """Somebody subscribes to the queue, and acknowledges nothing that it gets."""
        import pika

        parameters = pika.ConnectionParameters("127.0.0.1", self.amqp_port)
        with pika.BlockingConnection(parameters) as connection:
            channel = connection.channel()
            channel.basic_consume(queue, lambda *_: None)
            yield

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """The broker hangs: connections are still taken by the kernel, and nothing answers."""
        pids = self.proc.tree()
        for pid in pids:
            signal_pid(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in pids:
                signal_pid(pid, signal.SIGCONT)

    def told(self, queue: str, key: str) -> object:
        """Return what the management API shows, which is somewhat behind."""
        shown: dict[str, object] = self.api("GET", f"/api/queues/%2F/{quote(queue, safe='')}")  # type: ignore[assignment]
        return shown.get(key)

    def shows(self, queue: str, key: str, value: object, deadline_s: float = 60.0) -> None:
        """Wait until the management API shows a value."""
        if not wait_for(lambda: self.told(queue, key) == value, deadline_s):
            raise AssertionError(f"{queue}: {key} is {self.told(queue, key)!r}, not {value!r}")

    def api(self, method: str, path: str, body: Mapping[str, object] | None = None) -> object:
        """Ask the management API."""
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(f"{self.url()}{path}", data=data, method=method)
        request.add_header("Content-Type", "application/json")
        request.add_header("Authorization", "Basic Z3Vlc3Q6Z3Vlc3Q=")
        with urllib.request.urlopen(request, timeout=30) as response:
            text = response.read()
        return json.loads(text) if text else None

    def stop(self) -> None:
        """Stop broker and port mapper; hard, since it keeps nothing that matters."""
        self.stop_broker()
        self.epmd.stop(signal.SIGKILL)

    def stop_broker(self) -> None:
        """Stop the broker alone."""
        self.proc.stop(signal.SIGKILL)

    def _answers(self) -> bool:
        try:
            return bool(self.api("GET", "/api/overview"))
        except (URLError, OSError, ValueError):
            return False

    def _configuration(self) -> str:
        return (
            f"listeners.tcp.1 = 127.0.0.1:{self.amqp_port}\n"
            "management.tcp.ip = 127.0.0.1\n"
            f"management.tcp.port = {self.http_port}\n"
            "collect_statistics_interval = 1000\n"
            "management.sample_retention_policies.global.minute = 1\n"
            "management.sample_retention_policies.basic.minute = 1\n"
            "management.sample_retention_policies.detailed.10 = 1\n"
            "log.console = false\nlog.file.level = warning\n"
        )

    def _environment(self) -> Mapping[str, str]:
        return {
            "HOME": str(self.dir),
            "RABBITMQ_NODENAME": f"lab{self.http_port}@localhost",
            "RABBITMQ_MNESIA_BASE": str(self.dir / "data"),
            "RABBITMQ_LOG_BASE": str(self.dir / "log"),
            "RABBITMQ_CONFIG_FILE": str(self.dir / "conf"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.dir / "plugins"),
            "RABBITMQ_DIST_PORT": str(self._dist_port),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 2:2 +sbwt none",
            "ERL_EPMD_PORT": str(self._epmd_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "LC_ALL": "C.UTF-8",
        }

    def _write(self, name: str, text: str) -> None:
        (self.dir / name).write_text(text)

    @staticmethod
    def _own(folder: Path) -> None:
        if os.geteuid() == 0:
            for path in (folder, *folder.rglob("*")):
                shutil.chown(path, _ACCOUNT, _ACCOUNT)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def _as_account() -> list[str]:
    if os.geteuid() != 0:
        return []
    return ["setpriv", f"--reuid={_ACCOUNT}", f"--regid={_ACCOUNT}", "--clear-groups"]


def _program(name: str) -> str:
    return which(name) or name
