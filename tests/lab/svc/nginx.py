"""nginx on loopback with plain and TLS sites made from a dict of locations."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from tests.lab.demand import which
from tests.lab.net import answers, free_port
from tests.lab.proc import Proc, wait_for
from tests.lab.reap import Ledger
from tests.lab.svc.tls import Pair

TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A fixed answer."""

    status: int = 200
    body: str = ""
    content_type: str = "text/plain"
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, value: object, status: int = 200) -> Reply:
        """An answer with a JSON body."""
        return cls(status=status, body=json.dumps(value), content_type="application/json")

    def directives(self) -> str:
        """The same in nginx's words."""
        if "$" in self.body:
            raise ValueError("nginx has no way to write a dollar sign in a fixed answer")
        text = self.body.replace("\\", "\\\\").replace("'", "\\'")
        more = "".join(
            f"add_header {name} '{value}' always; " for name, value in self.headers.items()
        )
        return f"default_type {self.content_type}; {more}return {self.status} '{text}';"


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """One virtual host; a location is a fixed answer or a line of nginx directives."""

    names: Sequence[str] = ("localhost",)
    locations: Mapping[str, Reply | str] = field(default_factory=dict)
    tls: Pair | None = None


class Nginx:
    """A running nginx: every site on `http_port`, those with a certificate also on `https_port`."""

    def __init__(
        self,
        ledger: Ledger,
        sites: Sequence[Site],
        *,
        prefix: Sequence[str] = (),
        netns: str | None = None,
    ) -> None:
        """Write the configuration and start; `netns` and its `prefix` put it into a namespace."""
        self.ledger, self._prefix, self._netns = ledger, prefix, netns
        self.http_port = free_port(netns)
        self.https_port = free_port(netns)
        self.dir = ledger.dir / f"nginx-{self.http_port}"
        self.dir.mkdir()
        self.configure(sites)
        self.proc = self.start()

    @property
    def access_log(self) -> Path:
        """One line a request."""
        return self.dir / "access.log"

    @property
    def error_log(self) -> Path:
        """Complaints of nginx itself."""
        return self.dir / "error.log"

    def url(self, path: str = "/", *, tls: bool = False, host: str = "127.0.0.1") -> str:
        """Address of a location."""
        return (
            f"https://{host}:{self.https_port}{path}"
            if tls
            else f"http://{host}:{self.http_port}{path}"
        )

    def configure(self, sites: Sequence[Site]) -> None:
        """Write the configuration (`start` or `reload` makes it count)."""
        user = "user root;\n" if os.geteuid() == 0 else ""
        scratch = "\n".join(f"  {name}_temp_path {self.dir}/{name};" for name in TEMPORARY)
        servers = "\n".join(self._server(site) for site in sites)
        self._config.write_text(
            f"{user}daemon off;\nworker_processes 1;\npid {self.dir}/pid;\nerror_log {self.error_log} info;\n"
            f"events {{ worker_connections 256; }}\nhttp {{\n{scratch}\n  access_log {self.access_log};\n"
            f"  server_names_hash_bucket_size 128;\n{servers}\n}}\n"
        )

    @property
    def _config(self) -> Path:
        return self.dir / "nginx.conf"

    def _server(self, site: Site) -> str:
        lines = [f"listen 127.0.0.1:{self.http_port};", f"server_name {' '.join(site.names)};"]
        if site.tls is not None:
            lines.append(f"listen 127.0.0.1:{self.https_port} ssl;")
            lines.append(f"ssl_certificate {site.tls.cert}; ssl_certificate_key {site.tls.key};")
        for path, reply in site.locations.items():
            text = reply if isinstance(reply, str) else reply.directives()
            lines.append(f"location {path} {{ {text} }}")
        return "  server {\n" + "".join(f"    {line}\n" for line in lines) + "  }"

    def start(self) -> Proc:
        """Start (again, on the same ports)."""
        argv = [
            which("nginx") or "/usr/sbin/nginx",
            "-e",
            "stderr",
            "-p",
            str(self.dir),
            "-c",
            str(self._config),
        ]
        proc = Proc(self.ledger, self.dir.name, argv, prefix=self._prefix)
        self.proc = proc  # it listens before it hears signals: that it does once it has workers
        proc.ready(
            lambda: answers("127.0.0.1", self.http_port, self._netns) and bool(self._workers())
        )
        return self.proc

    def reload(self, sites: Sequence[Site]) -> None:
        """Take a new configuration; a refused one is an error and the old one goes on."""
        self.configure(sites)
        before = self._workers()
        os.kill(self.proc.pid, signal.SIGHUP)
        if not wait_for(lambda: not before & self._workers()):
            raise RuntimeError(
                f"nginx kept its old configuration\n{self.error_log.read_text()[-2000:]}"
            )

    def _workers(self) -> set[int]:
        return self.proc.tree() - {self.proc.pid}

    def stop(self) -> None:
        """Stop; connections are then refused."""
        self.proc.stop(signal.SIGTERM)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
