"""Prometheus on loopback: what it scrapes, what it remembers, its rules; and an exporter that obeys."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Self
from urllib.request import urlopen

from tests.lab.demand import which
from tests.lab.net import answers, free_port, run
from tests.lab.proc import Proc, wait_for
from tests.lab.reap import Ledger
from tests.lab.svc.tls import Pair

PASSWORD = "right-horse"
PASSWORD_HASH = "$2b$04$abcdefghijklmnopqrstuua7n0ERCzyivLCt2Am9V7vuAO88cKJ2C"
"""bcrypt of it, as the web configuration of Prometheus wants."""


class Exporter:
    """Serves `values` as metrics; what is not in it any more is not served."""

    def __init__(self, values: Mapping[str, float]) -> None:
        self.values = dict(values)
        exporter = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = "".join(f"{name} {value}\n" for name, value in exporter.values.items())
                self.send_response(200)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                with suppress(OSError):
                    self.wfile.write(body.encode())

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    def stop(self) -> None:
        """Refuse connections from now on."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class Prometheus:
    """A running Prometheus; `dir` holds its configuration, `rules` the files of rules."""

    def __init__(
        self,
        ledger: Ledger,
        *,
        scrape: int | None = None,
        history: str = "",
        lifecycle: bool = True,
        tls: Pair | None = None,
        login: bool = False,
    ) -> None:
        """Write the configuration and start.

        Args:
            ledger: remembers what was made.
            scrape: port of an exporter, asked every second.
            history: OpenMetrics text with times, of what was scraped before.
            lifecycle: whether POST /-/reload is allowed.
            tls: speak TLS with this certificate.
            login: ask for `ops` and PASSWORD.
        """
        self.ledger, self.lifecycle, self.tls, self.login = ledger, lifecycle, tls, login
        self.port = free_port()
        self.dir = ledger.dir / f"prometheus-{self.port}"
        self.rules = self.dir / "rules"
        self.rules.mkdir(parents=True)
        jobs = [{"job_name": "app", "static_configs": [{"targets": [f"127.0.0.1:{scrape}"]}]}]
        self.config = {
            "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "200ms"},
            "rule_files": [f"{self.rules}/*.yml"],
            "scrape_configs": jobs if scrape else [],
        }  # fmt: skip
        self.config_file.write_text(json.dumps(self.config))
        web: dict[str, object] = {}
        if tls is not None:
            web["tls_server_config"] = {"cert_file": str(tls.cert), "key_file": str(tls.key)}
        if login:
            web["basic_auth_users"] = {"ops": PASSWORD_HASH}
        (self.dir / "web.yml").write_text(json.dumps(web))
        if history:
            self._remember(history)
        self.proc = self.start()

    @property
    def config_file(self) -> Path:
        """Its main configuration (JSON, which is YAML)."""
        return self.dir / "prometheus.yml"

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"{'https' if self.tls else 'http'}://{'localhost' if self.tls else '127.0.0.1'}:{self.port}"

    def _remember(self, history: str) -> None:
        text = self.dir / "history.txt"
        text.write_text(history)
        run(
            "promtool", "tsdb", "create-blocks-from", "openmetrics", "--quiet",
            "--max-block-duration=720h", str(text), str(self.dir / "data"),
        )  # fmt: skip

    def start(self) -> Proc:
        """Start (again, on the same port)."""
        argv = [
            which("prometheus") or "/usr/bin/prometheus",
            f"--config.file={self.config_file}",
            f"--storage.tsdb.path={self.dir / 'data'}",
            f"--web.listen-address=127.0.0.1:{self.port}",
            f"--web.config.file={self.dir / 'web.yml'}",
            "--storage.tsdb.retention.time=400d",
            *(["--web.enable-lifecycle"] if self.lifecycle else []),
        ]
        proc = Proc(self.ledger, self.dir.name, argv)
        self.proc = proc.ready(self._is_ready, deadline_s=60.0)
        return self.proc

    def _is_ready(self) -> bool:
        if self.tls is not None or self.login:
            return answers("127.0.0.1", self.port) and "Server is ready" in self.proc_log()
        with suppress(OSError), urlopen(f"{self.url}/-/ready", timeout=1.0) as answer:
            return bool(answer.status == 200)
        return False

    def proc_log(self) -> str:
        """What it has said so far, over all starts."""
        logs = sorted(self.ledger.dir.glob(f"{self.dir.name}*.log"))
        return "".join(file.read_text(errors="replace") for file in logs)

    def reload(self) -> None:
        """Let it read its rules again, by signal, and wait until it has."""
        before = self.proc_log().count("Completed loading of configuration file")
        os.kill(self.proc.pid, signal.SIGHUP)
        assert wait_for(
            lambda: self.proc_log().count("Completed loading of configuration file") > before
        )

    def loaded(self) -> dict[str, list[str]]:
        """The rules that it runs: name of the group -> names of its rules."""
        with urlopen(f"{self.url}/api/v1/rules", timeout=10.0) as answer:
            groups = json.load(answer)["data"]["groups"]
        return {group["name"]: [rule["name"] for rule in group["rules"]] for group in groups}

    def _series(self, query: str) -> int:
        """How many series a query has; -1 when it is not answered."""
        with (
            suppress(OSError),
            urlopen(f"{self.url}/api/v1/query?query={query}", timeout=10.0) as answer,
        ):
            return len(json.load(answer)["data"]["result"])
        return -1

    def until(self, query: str, *, there: bool = True, deadline_s: float = 60.0) -> None:
        """Wait until a query has a series, or has none any more."""
        wanted = range(1, 1_000_000) if there else (0,)
        assert wait_for(lambda: self._series(query) in wanted, deadline_s), query

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """It takes connections and answers none."""
        os.kill(self.proc.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.proc.pid, signal.SIGCONT)

    def stop(self) -> None:
        """Stop; connections are then refused."""
        self.proc.stop(signal.SIGTERM)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
