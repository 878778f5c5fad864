"""Places that probe tests read."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.probes.logs.site import Logs, Way, applets

_APPLETS = (
    *("awk", "bzip2", "cat", "cut", "date", "dd", "grep", "gzip", "head", "id", "sh"),
    *("sha256sum", "stat", "tail", "tr", "wc", "xz"),
)


@pytest.fixture(scope="session")
def busybox(tmp_path_factory: pytest.TempPathFactory) -> Way:
    """A host that has BusyBox and nothing else."""
    directory = tmp_path_factory.mktemp("busybox")
    return Way(env={"PATH": applets(directory, "/bin/busybox", _APPLETS)})


@pytest.fixture(params=["system", "busybox"])
def logs(request: pytest.FixtureRequest, tmp_path: Path, busybox: Way) -> Logs:
    """A directory of logs, read with the tools of this machine and with BusyBox."""
    return Logs(tmp_path, busybox if request.param == "busybox" else Way())
