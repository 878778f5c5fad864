"""Check an endpoint in namespaces of its own, where a name server answers as told: `-m … BEHAVIOUR`."""

from __future__ import annotations

import json
import socket
import struct
import subprocess
import sys
import threading
from pathlib import Path

from pytest_ddd import clock
from tests.support.http_servers import answer, replying, serving
from tests.support.http_verdict import check, endpoint_of

NAME_SERVER = "127.0.0.53"
RUN_WITHIN_S = 40
RCODES = {"servfail": 2, "no such name": 3, "refused": 5}

_SCRIPT = """
set -e
ip link set lo up
mount --bind "$1/resolv.conf" /etc/resolv.conf
mount --bind "$1/nsswitch.conf" /etc/nsswitch.conf
shift
exec "$@"
"""


def run_with_name_server(behaviour: str, folder: Path) -> dict[str, object]:
    """Return outcome, problems, reason and seconds of a check under this behaviour."""
    server = "" if behaviour == "none" else f"nameserver {NAME_SERVER}\n"
    (folder / "resolv.conf").write_text(server)
    (folder / "nsswitch.conf").write_text("hosts: files dns\n")
    child = [sys.executable, "-m", "tests.support.http_dns", behaviour]
    words = ["unshare", "--mount", "--net", "sh", "-c", _SCRIPT, "sh", str(folder), *child]
    done = subprocess.run(words, capture_output=True, text=True, timeout=RUN_WITHIN_S, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert isinstance(found, dict)
    return found


def _reply(query: bytes, behaviour: str) -> bytes | None:
    """Return a DNS message (RFC 1035, section 4.1) for the one question of a query."""
    end = query.index(b"\0", 12) + 5
    kind = struct.unpack("!H", query[end - 4 : end - 2])[0]
    if behaviour in RCODES:
        return (
            query[:2] + struct.pack("!5H", 0x8180 | RCODES[behaviour], 1, 0, 0, 0) + query[12:end]
        )
    if behaviour == "silent":
        return None
    if behaviour == "no address" or kind != 1:  # the name exists, but not with this kind of record
        return query[:2] + struct.pack("!5H", 0x8180, 1, 0, 0, 0) + query[12:end]
    record = struct.pack("!HHHIH", 0xC00C, 1, 1, 60, 4) + socket.inet_aton("127.0.0.1")
    return query[:2] + struct.pack("!5H", 0x8180, 1, 1, 0, 0) + query[12:end] + record


def _answer_queries(listener: socket.socket, behaviour: str) -> None:
    while True:
        query, client = listener.recvfrom(4096)
        reply = _reply(query, behaviour)
        if reply is not None:
            listener.sendto(reply, client)


def main(behaviour: str) -> None:
    if behaviour not in ("dead", "none"):
        listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        listener.bind((NAME_SERVER, 53))
        threading.Thread(target=_answer_queries, args=(listener, behaviour), daemon=True).start()
    with serving(replying(answer())) as server:
        started_s = clock.monotonic()
        deadline = "700ms" if behaviour == "silent" else "20s"
        verdict = check(endpoint_of(f"http://shop.example:{server.port}/", deadline=deadline))
        took_s = clock.monotonic() - started_s
    found = {
        "outcome": verdict.outcome,
        "problems": [problem.replace(f":{server.port}", "") for problem in verdict.problems],
        "unknown": verdict.unknown.replace(f":{server.port}", ""),
        "took_s": took_s,
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1])
