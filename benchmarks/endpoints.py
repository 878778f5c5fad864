"""200 endpoints, ten of them dead, at once and one by one: `python -m benchmarks.endpoints`."""

from __future__ import annotations

import socketserver
import sys
import tempfile
import threading
import time
from pathlib import Path
from statistics import median

from benchmarks.measure import in_turn, prefer_us, table

ENDPOINTS, DEAD = 200, 10
DELAY_S = 0.05
ATTEMPTS, DEADLINE_S, INTERVAL_S = 3, 2.0, 0.1
SLOWEST_S = ATTEMPTS * DEADLINE_S + (ATTEMPTS - 1) * INTERVAL_S
ROUNDS = 1
LIMIT = 1.3
CHECK = """
import pytest
pytestmark = pytest.mark.daily

def test_endpoints(endpoint):
    assert endpoint.read().problems == ()
"""
SERIAL = f"""
import sys, time, requests
for number in range({ENDPOINTS}):
    for attempt in range({ATTEMPTS}):
        try:
            url = f"{{sys.argv[1]}}/{{number}}"
            if requests.get(url, timeout={DEADLINE_S}).ok:
                break
        except requests.RequestException:
            time.sleep({INTERVAL_S} * (attempt < {ATTEMPTS} - 1))
"""


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    request_queue_size = 512


class _Answer(socketserver.StreamRequestHandler):
    """Answers after a while; the dead ones never."""

    def handle(self) -> None:
        """Take one request."""
        number = int(self.rfile.readline().split()[1].strip(b"/"))
        while self.rfile.readline().strip():
            continue
        time.sleep(DEADLINE_S * 5 if number < DEAD else DELAY_S)
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")


def main() -> int:
    """Print medians; 1 when all take much longer than the slowest one's attempts."""
    prefer_us()
    with tempfile.TemporaryDirectory() as folder, _Server(("127.0.0.1", 0), _Answer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_address[1]}"
        _write(Path(folder), url)
        pytest = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "checks"]
        commands = {
            "requests, one by one": [sys.executable, "-c", SERIAL, url],
            "pytest-ddd": [*pytest, "-p", "no:hypothesispytest", "--host=web"],
        }
        costs = in_turn(commands, cwd=Path(folder), rounds=ROUNDS)
        server.shutdown()
    print(table(costs, against="requests, one by one"))
    ratio = median(cost.wall_s for cost in costs["pytest-ddd"]) / SLOWEST_S
    print(f"{ratio:.2f} times the {SLOWEST_S:g} s that the attempts of one dead endpoint take")
    reds = {cost.status for cost in costs["pytest-ddd"]} == {1}
    return int(ratio > LIMIT or not reds)


def _write(root: Path, url: str) -> None:
    attempts = f"{{count: {ATTEMPTS}, interval: {INTERVAL_S * 1000:g}ms}}"
    declared = "\n".join(
        f"  e{number}: {{url: '{url}/{number}', deadline: {DEADLINE_S:g}s, attempts: {attempts}}}"
        for number in range(ENDPOINTS)
    )
    files = {
        "pyproject.toml": "[tool.pytest]\n",
        "checks/test_own.py": CHECK,
        "baselines/web.yaml": f"version: 1\nhosts: {{here: {{connection: 'local://'}}}}\nendpoints:\n{declared}\n",
    }
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)


if __name__ == "__main__":
    sys.exit(main())
