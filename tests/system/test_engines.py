"""docker, podman and kubectl exec, through a stand-in that is strict about how it is called.

No container engine runs here: the stand-in enters a real host of the lab instead.
"""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from tests.lab.host import LabHost
from tests.lab.lab import Lab
from tests.system.conftest import Prod

pytestmark = pytest.mark.needs("lab")

ENGINES = {
    "docker": ("docker://shop-1", "exec -i shop-1 /bin/sh"),
    "podman": ("podman://app@shop-1", "exec -i -u app shop-1 /bin/sh"),
    "kubectl": (
        "kubectl://shop-1?namespace=prod&container=web",
        "--namespace=prod exec -i shop-1 --container=web -- /bin/sh",
    ),
}


@pytest.mark.parametrize("engine", ENGINES)
def test_checks_run_inside_the_container(
    engine: str, lab: Lab, lab_hosts: dict[str, LabHost], tmp_path: Path
) -> None:
    """The checks see the host that was entered, over one process, called as the engine wants it."""
    hostspec, arguments = ENGINES[engine]
    enter = shlex.join(lab_hosts["web1"].nsenter())
    stand_in = tmp_path / "bin" / engine
    stand_in.parent.mkdir()
    stand_in.write_text(
        f"#!/bin/sh\n"
        f'[ "$*" = {shlex.quote(arguments)} ] || {{ echo "called with: $*" >&2; exit 64; }}\n'
        f"echo called >>{tmp_path}/calls\n"
        f"exec {enter} /bin/sh\n"
    )
    stand_in.chmod(0o755)
    site = Prod(tmp_path / "site", lab)
    site.baseline("hosts", f'hosts: {{shop: {{connection: "{hostspec}"}}}}')
    site.baseline(
        "configuration",
        """
        configuration:
          packages: {nginx-light: {}}
          services: {nginx: {responds: "tcp:80"}}
        """,
    )
    site.baseline("thresholds", "thresholds: {memory: {warn: 97%, crit: 99%}}")

    run = site.run("--host=prod", path=str(stand_in.parent))

    assert run.bad() == {}, run.text
    assert run.of("shop", "service:nginx").outcome.value == "GREEN"
    assert (tmp_path / "calls").read_text().splitlines() == ["called"]
