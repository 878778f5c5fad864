"""Whether a service answers: a connection that is taken, a datagram that is read, a command."""

from __future__ import annotations

import re
import shlex

from pytest_ddd.errors import CannotLookError, CommandTimeoutError
from pytest_ddd.probes.drift.answering import connection_state, looks, unread_bytes
from pytest_ddd.probes.drift.comparison import Comparison

COMMAND_TIMEOUT_S = 10.0
PROBE_TIMEOUT_S = 25.0

_SPEC = re.compile(r"(tcp|udp):(?:(.+):)?(\d+)")
_NOT_EXECUTABLE, _NOT_FOUND = 126, 127

_QUICK, _SLOW = "0.1 0.2 0.4", "0.5 1 1.5"
"""Pauses between looks, in seconds: a healthy program needs the first ones only."""

_KNOCK = r"\r\n\r\n"
"""Sent only to programs that the kernel wakes when data has come (TCP_DEFER_ACCEPT)."""

_TCP_SCRIPT = r"""
LC_ALL=C; export LC_ALL
host=%(host)s; port=%(port)d
relay='import shutil,socket,sys
s=socket.create_connection((sys.argv[1],int(sys.argv[2])),5)
shutil.copyfileobj(sys.stdin.buffer.raw,s.makefile("wb",0))'
if command -v python3 >/dev/null 2>&1; then connect() { python3 -c "$relay" "$host" "$port"; }
elif command -v perl >/dev/null 2>&1 && perl -MIO::Socket::IP -e 1 2>/dev/null; then
  connect() { perl -MIO::Socket::IP -e '$s=IO::Socket::IP->new(PeerHost=>$ARGV[0],
    PeerPort=>$ARGV[1],Timeout=>5) or die "connect: $@\n"; $s->autoflush(1);
    while (sysread(STDIN,$b,99)) { print $s $b }' "$host" "$port"; }
elif command -v bash >/dev/null 2>&1 && command -v timeout >/dev/null 2>&1; then
  connect() { timeout %(limit)d bash -c 'exec 3<>"/dev/tcp/$0/$1" && cat >&3' "$host" "$port"; }
elif command -v nc >/dev/null 2>&1 && command -v timeout >/dev/null 2>&1; then
  connect() { timeout %(limit)d nc "$host" "$port" >/dev/null; }
else echo "no python3, perl, bash or nc with timeout on this host" >&2; exit 127
fi
{ printf '%(data)s'; sleep %(hold)g; } | { connect || [ $? -ge 124 ] || echo REFUSED; } &
for pause in %(pauses)s; do
  sleep $pause
  echo LOOK; cat /proc/net/tcp /proc/net/tcp6 2>/dev/null
done
echo END
wait
"""
"""Hold a connection open, and look meanwhile at who has taken it.

124 and above is `timeout` ending a program that would hold it for ever: no refusal.
"""

_UDP_SCRIPT = r"""
LC_ALL=C; export LC_ALL
host=%(host)s; port=%(port)d
send='import socket,sys
f,t,n,_,a=socket.getaddrinfo(sys.argv[1],int(sys.argv[2]),type=socket.SOCK_DGRAM)[0]
s=socket.socket(f,t,n); s.connect(a); s.send(b"\n")'
if command -v python3 >/dev/null 2>&1; then python3 -c "$send" "$host" "$port" || exit 1
elif command -v bash >/dev/null 2>&1; then
  bash -c 'echo >"/dev/udp/$0/$1"' "$host" "$port" || exit 1
elif command -v nc >/dev/null 2>&1; then echo | nc -u -w 1 "$host" "$port" >/dev/null || exit 1
else echo "no python3, bash or nc on this host" >&2; exit 127
fi
for pause in %(pauses)s; do
  sleep $pause
  echo LOOK; cat /proc/net/udp /proc/net/udp6 2>/dev/null
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
    probe = _tcp_problem if protocol == "tcp" else _udp_problem
    problem = probe(comparison, host, port)
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


def _tcp_problem(comparison: Comparison, host: str, port: int) -> str:
    """Say whether a program takes connections; data is sent only where it waits for some."""
    state, data = "dropped", ""
    for pauses in (_QUICK, _QUICK, _SLOW):
        seen, refusal = _hold_connection(comparison, host, port, data=data, pauses=pauses)
        if refusal:
            return f"does not answer on tcp port {port}: {refusal}"
        if "taken" in seen:
            return ""
        state = seen[-1] if seen else "dropped"
        data = _KNOCK if state == "deferred" else ""
    if state == "dropped":
        return f"tcp port {port} drops the connection at once"
    return f"tcp port {port} is open, but nobody takes the connection: the program hangs"


def _hold_connection(
    comparison: Comparison, host: str, port: int, *, data: str, pauses: str
) -> tuple[list[str], str]:
    """Return the states seen one after the other, and why the connection was refused, if so."""
    hold_s = sum(float(pause) for pause in pauses.split()) + 0.2
    script = _TCP_SCRIPT % {
        "host": shlex.quote(host), "port": port, "data": data, "hold": hold_s, "pauses": pauses,
        "limit": hold_s + 1,
    }  # fmt: skip
    answer = comparison.script(script, timeout_s=PROBE_TIMEOUT_S)
    if not answer.ok or "END" not in answer.text:
        raise CannotLookError(answer.error_text.strip() or "the probe could not be sent")
    seen: list[str] = [connection_state(look, port) for look in looks(answer.text)]
    if "REFUSED" in answer.text and "taken" not in seen:
        said = (answer.error_text.strip().splitlines() or ["refused"])[-1]
        return seen, re.sub(r"^\w*Error: (\[Errno \d+\] )?", "", said)
    return seen, ""


def _udp_problem(comparison: Comparison, host: str, port: int) -> str:
    """Say whether a program reads the datagrams that come to its port."""
    unread: int | None = None
    for pauses in (_QUICK, _SLOW):
        script = _UDP_SCRIPT % {"host": shlex.quote(host), "port": port, "pauses": pauses}
        answer = comparison.script(script, timeout_s=PROBE_TIMEOUT_S)
        if not answer.ok:
            raise CannotLookError(answer.error_text.strip() or "the probe could not be sent")
        queues = [unread_bytes(look, port) for look in looks(answer.text)]
        if 0 in queues:
            return ""
        unread = queues[-1] if queues else None
        if unread is None:
            return f"does not answer on udp port {port}: nothing listens"
    return f"udp port {port} is open, but nobody reads ({unread} bytes unread)"
