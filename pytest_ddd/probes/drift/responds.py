"""Whether a service answers: a connection that is taken, a datagram that is read, a command."""

from __future__ import annotations

import re
import shlex

from pytest_ddd.errors import CannotLookError, CommandTimeoutError
from pytest_ddd.probes.drift.comparison import Comparison

COMMAND_TIMEOUT_S = 10.0
PROBE_TIMEOUT_S = 20.0

_SPEC = re.compile(r"(tcp|udp):(?:(.+):)?(\d+)")
_NOT_EXECUTABLE, _NOT_FOUND = 126, 127

_TCP_SCRIPT = r"""
host=%(host)s; port=%(port)s
held='import socket,sys,time
s=socket.create_connection((sys.argv[1],int(sys.argv[2])),5); time.sleep(4)'
if command -v python3 >/dev/null 2>&1; then set -- python3 -c "$held" "$host" "$port"
elif command -v perl >/dev/null 2>&1 && perl -MIO::Socket::IP -e 1 2>/dev/null; then
  set -- perl -MIO::Socket::IP -e 'IO::Socket::IP->new(PeerHost=>$ARGV[0],PeerPort=>$ARGV[1],
    Timeout=>5) or die "connect: $@\n"; sleep 4' "$host" "$port"
elif command -v bash >/dev/null 2>&1 && command -v timeout >/dev/null 2>&1; then
  set -- timeout 9 bash -c 'exec 3<>"/dev/tcp/$0/$1" && sleep 4' "$host" "$port"
elif command -v nc >/dev/null 2>&1; then
  set -- sh -c 'sleep 4 | nc -w 5 "$0" "$1" >/dev/null' "$host" "$port"
else echo "no python3, perl, bash or nc on this host" >&2; exit 127
fi
"$@" &
probe=$!
for look in 1 2 3 4 5 6 7 8; do
  sleep 0.4
  if ! kill -0 $probe 2>/dev/null; then wait $probe || { echo REFUSED; exit 0; }; break; fi
  echo "LOOK $look"; cat /proc/net/tcp /proc/net/tcp6 2>/dev/null
done
kill $probe 2>/dev/null; wait $probe 2>/dev/null
echo END
"""
"""Hold a connection open, and look meanwhile at who has taken it."""

_UDP_SCRIPT = r"""
host=%(host)s; port=%(port)s
sent='import socket,sys
h,p=sys.argv[1],int(sys.argv[2])
f,t,n,_,a=socket.getaddrinfo(h,p,type=socket.SOCK_DGRAM)[0]
s=socket.socket(f,t,n); s.connect(a); s.send(b"\n")'
if command -v python3 >/dev/null 2>&1; then python3 -c "$sent" "$host" "$port" || exit 1
elif command -v bash >/dev/null 2>&1; then
  bash -c 'echo >"/dev/udp/$0/$1"' "$host" "$port" || exit 1
elif command -v nc >/dev/null 2>&1; then echo | nc -u -w 1 "$host" "$port" >/dev/null || exit 1
else echo "no python3, bash or nc on this host" >&2; exit 127
fi
for look in 1 2 3 4; do
  sleep 0.4
  echo "LOOK $look"; cat /proc/net/udp /proc/net/udp6 2>/dev/null
done
echo END
"""


def compare_answer(comparison: Comparison, spec: str) -> None:
    """Note whether a service answers in the way that `responds` asks for."""
    match = _SPEC.fullmatch(spec)
    if match is None:
        _ask_by_command(comparison, spec)
        return
    protocol, host, port = match[1], (match[2] or "127.0.0.1").strip("[]"), int(match[3])
    template = _TCP_SCRIPT if protocol == "tcp" else _UDP_SCRIPT
    script = template % {"host": shlex.quote(host), "port": port}
    answer = comparison.script(f"LC_ALL=C; export LC_ALL; {script}", timeout_s=PROBE_TIMEOUT_S)
    if not answer.ok:
        raise CannotLookError(answer.error_text.strip() or "the probe could not be sent")
    if protocol == "tcp":
        problem = _tcp_problem(answer.text, answer.error_text, port)
    else:
        problem = _udp_problem(answer.text, port)
    _note(comparison, spec, problem, f"a {protocol} probe of {host} port {port} on the host")


def _note(comparison: Comparison, spec: str, problem: str, source: str, detail: str = "") -> None:
    comparison.note(
        "responds",
        not problem,
        expected=f"an answer to `{spec}`",
        source=source,
        path=("responds",),
        problem=problem,
        detail=detail,
    )


def _ask_by_command(comparison: Comparison, command: str) -> None:
    try:
        answer = comparison.script(command, timeout_s=COMMAND_TIMEOUT_S)
    except CommandTimeoutError:
        problem = f"does not answer: `{command}` did not end within {COMMAND_TIMEOUT_S:g} s"
        _note(comparison, command, problem, command)
        return
    said = " ".join((answer.error_text.strip() or answer.text.strip())[:300].split())
    if answer.exit_status in (_NOT_EXECUTABLE, _NOT_FOUND):
        raise CannotLookError(f"`{command}` cannot be run: {said}")
    failed = f"does not answer: `{command}` ended with {answer.exit_status}: {said}".rstrip(": ")
    _note(comparison, command, "" if answer.ok else failed, command, answer.text)


def _tcp_problem(text: str, said: str, port: int) -> str:
    """Say whether somebody took the connection.

    The kernel completes a connection although the program hangs: until the program accepts it,
    /proc/net/tcp shows it without an inode (or, with TCP_DEFER_ACCEPT, as SYN_RECV).
    """
    if "REFUSED" in text:
        reason = said.strip().splitlines()[-1:] or ["refused"]
        return f"does not answer on tcp port {port}: {reason[0]}"
    looks = re.split(r"^LOOK \d+$|^END$", text, flags=re.MULTILINE)[1:-1]
    waiting = [_unaccepted(look, port) for look in looks]
    if not waiting or 0 not in waiting:
        return (
            f"tcp port {port} is open, but nobody takes connections "
            f"({waiting[-1] if waiting else 'no'} waiting): the program hangs"
        )
    return ""


def _rows(text: str, port: int) -> list[list[str]]:
    """Return the rows of /proc/net/{tcp,udp} whose local port it is."""
    rows = (line.split() for line in text.splitlines())
    return [row for row in rows if len(row) > 9 and row[1].endswith(f":{port:04X}")]


def _unaccepted(text: str, port: int) -> int:
    """Count established connections that no program has accepted yet."""
    return sum(row[3] == "01" and row[9] == "0" for row in _rows(text, port))


def _udp_problem(text: str, port: int) -> str:
    looks = re.split(r"^LOOK \d+$|^END$", text, flags=re.MULTILINE)[1:-1]
    rows = [_rows(look, port) for look in looks]
    if not any(rows):
        return f"does not answer on udp port {port}: nothing listens"
    unread = [sum(int(row[4].partition(":")[2], 16) for row in look) for look in rows]
    if 0 not in unread:
        return f"udp port {port} is open, but nobody reads ({unread[-1]} bytes unread)"
    return ""
