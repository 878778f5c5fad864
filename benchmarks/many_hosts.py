"""One sshd under many names: `python -m benchmarks.many_hosts [HOSTS ...]`, as root.

It shows whether memory, descriptors and time grow in step with the hosts.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from benchmarks.fleet.tools import CHECKS
from benchmarks.measure import once, prefer_us
from tests.support.sshd import Sshd, sshd

SIZES = (10, 100, 1000)
BASE_MB, HOST_MB = 150, 1
BASELINE = """version: 1
hosts:
{hosts}
configuration:
  sysctl: {{kernel.ostype: {{value: Linux}}}}
  files: {{/etc/passwd: {{owner: root, mode: "0644"}}}}
thresholds:
  memory: {{warn: 99%, crit: 100%}}
"""


def main() -> int:
    """Print one line a size; 1 when a run is not green or needs too much memory."""
    sizes = [int(one) for one in sys.argv[1:]] or list(SIZES)
    failed = False
    prefer_us()
    with tempfile.TemporaryDirectory() as folder:
        many = "MaxStartups 1000"  # a real fleet has an sshd a host
        with sshd(Path(folder, "sshd"), extra=many) as server:
            for size in sizes:
                failed |= _measure(Path(folder, str(size)), server, size)
    return int(failed)


def _measure(root: Path, server: Sshd, size: int) -> bool:
    (root / "checks").mkdir(parents=True)
    (root / "baselines").mkdir()
    (root / "pyproject.toml").write_text("[tool.pytest]\n")
    (root / "checks" / "test_own.py").write_text(CHECKS.replace("\n    ", "\n"))
    hosts = "\n".join(
        f"  h{number}: {{connection: 'ssh://root@127.0.0.1:{server.port}', "
        f"ssh_config: {server.base}/ssh_config, connect_timeout: 60s}}"
        for number in range(size)
    )
    (root / "baselines" / "many.yaml").write_text(BASELINE.format(hosts=hosts))
    pytest = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "checks"]
    cost = once([*pytest, "-p", "no:hypothesispytest", "--host=many"], cwd=root)
    allowed_mb = BASE_MB + HOST_MB * size
    print(
        f"{size:5} hosts: exit {cost.status}, {cost.wall_s:7.1f} s, "
        f"{1000 * cost.wall_s / size:6.0f} ms a host, CPU {cost.cpu_s:6.1f} s with ssh, "
        f"peak {cost.peak_mb:5.0f} MB of {allowed_mb}",
        flush=True,
    )
    return cost.status != 0 or cost.peak_mb > allowed_mb


if __name__ == "__main__":
    sys.exit(main())
