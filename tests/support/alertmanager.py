"""A real Alertmanager on loopback that tells a small service what it would tell people."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import requests

from tests.lab.net import free_port
from tests.lab.proc import Proc, wait_for
from tests.lab.reap import Ledger
from tests.support.http_service import Service

PATIENCE_S = 60.0

_CONFIG = """\
route:
  receiver: people
  group_by: [environment]
  group_wait: 1s
  group_interval: 1s
  repeat_interval: 1h
receivers:
  - name: people
    webhook_configs: [{url: "URL", send_resolved: true}]
inhibit_rules:
  - source_matchers: ['check="morning-health-check/reachable"']
    target_matchers: ['check!="morning-health-check/reachable"']
    equal: [environment, target]
"""


class Alertmanager:
    """A process with a directory of its own; `told` is what people were told, oldest first."""

    def __init__(self, ledger: Ledger, where: Path, people: Service) -> None:
        self._ledger, self._where, self._people = ledger, where, people
        self._port = free_port()
        self.url = f"http://127.0.0.1:{self._port}"
        (where / "alertmanager.yml").write_text(_CONFIG.replace("URL", people.url))
        self._proc = self._start()

    def _start(self) -> Proc:
        argv = [
            "prometheus-alertmanager",
            f"--config.file={self._where / 'alertmanager.yml'}",
            f"--storage.path={self._where / 'data'}",
            f"--web.listen-address=127.0.0.1:{self._port}",
            "--cluster.listen-address=",
        ]
        return Proc(self._ledger, "alertmanager", argv).ready(self._is_up, PATIENCE_S)

    def _is_up(self) -> bool:
        try:
            return requests.get(f"{self.url}/-/ready", timeout=5).ok
        except requests.RequestException:
            return False

    def stop(self) -> None:
        """End it by its pid."""
        self._proc.stop(deadline_s=30.0)  # it writes down what it has told

    def restart(self) -> None:
        """Stop and start it on the same port with the same directory."""
        self.stop()
        self._proc = self._start()

    def alerts(self) -> list[Mapping[str, object]]:
        """Return what stands now."""
        found = requests.get(f"{self.url}/api/v2/alerts", timeout=10).json()
        assert isinstance(found, list)
        return found

    def severities(self) -> list[str]:
        """Return the severities of what stands now."""
        return sorted(alert["labels"]["severity"] for alert in self.alerts())  # type: ignore[index]

    @property
    def told(self) -> list[tuple[str, str, str]]:
        """Status, target and check of each alert of each notification."""
        return [
            (alert["status"], alert["labels"]["target"], alert["labels"]["check"])
            for asked in self._people.asked
            for alert in json.loads(asked.body)["alerts"]
        ]

    def tells(self, status: str, target: str, *, times: int = 1) -> bool:
        """Wait until people were told this so many times."""
        return wait_for(
            lambda: sum(each[:2] == (status, target) for each in self.told) >= times, PATIENCE_S
        )
