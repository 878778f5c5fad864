"""What a real ssh says when it is refused becomes the error, and the command, that helps."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pytest_ddd.connections import ConnectionSpec, parse_hostspec
from pytest_ddd.connections.refusals import explain_end
from pytest_ddd.errors import CannotLookError, RefusedError, UnreachableError
from tests.support.sshd import SERVER, Sshd, make_key, sshd
from tests.unit.connections.conftest import Connect

SPEC = parse_hostspec("ssh://ops@web1.example:2222", name="web1")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    """An ordinary host."""
    with sshd(tmp_path_factory.mktemp("sshd") / "s") as running_server:
        yield running_server


def with_config(server: Sshd, tmp_path: Path, *lines: str) -> ConnectionSpec:
    """Return the connection with an ssh_config whose first lines are these."""
    config = tmp_path / "ssh_config"
    config.write_text("\n".join([*lines, (server.base / "ssh_config").read_text()]))
    return replace(server.spec(), ssh_config=str(config))


def refusal(connect: Connect, spec: ConnectionSpec) -> CannotLookError:
    """Return the error of the first command."""
    error = connect(spec).session(spec.name).submit("true").exception()
    assert isinstance(error, CannotLookError)
    return error


@SERVER
def test_unknown_host_key_is_refused(connect: Connect, server: Sshd, tmp_path: Path) -> None:
    spec = with_config(server, tmp_path, f"UserKnownHostsFile {tmp_path}/none")
    error = refusal(connect, spec)
    assert isinstance(error, RefusedError)
    assert "the host key is unknown" in error.message
    assert f"ssh-keyscan -p {server.port} 127.0.0.1 | ssh-keygen -lf -" in error.hint
    assert not (tmp_path / "none").exists()


@SERVER
def test_changed_host_key_is_refused(connect: Connect, server: Sshd, tmp_path: Path) -> None:
    make_key(tmp_path / "other")
    kind, key = (tmp_path / "other.pub").read_text().split()[:2]
    known = tmp_path / "known_hosts"
    known.write_text(f"[127.0.0.1]:{server.port} {kind} {key}\n")
    error = refusal(connect, with_config(server, tmp_path, f"UserKnownHostsFile {known}"))
    assert isinstance(error, RefusedError)
    assert "the host key has changed" in error.message


@SERVER
def test_hint_for_a_changed_key_works(connect: Connect, server: Sshd, tmp_path: Path) -> None:
    make_key(tmp_path / "other")
    kind, key = (tmp_path / "other.pub").read_text().split()[:2]
    known = tmp_path / "known_hosts"
    known.write_text(f"[127.0.0.1]:{server.port} {kind} {key}\n")
    error = refusal(connect, with_config(server, tmp_path, f"UserKnownHostsFile {known}"))
    command = error.hint.partition("right: ")[2]
    subprocess.run(shlex.split(command), check=True, capture_output=True)
    assert known.read_text() == ""


@SERVER
def test_accept_new_of_the_user_is_honoured_and_told(
    connect: Connect, server: Sshd, tmp_path: Path
) -> None:
    spec = with_config(
        server, tmp_path, f"UserKnownHostsFile {tmp_path}/none", "StrictHostKeyChecking accept-new"
    )
    assert "Permanently added" in connect(spec).reachable("web1").reason


@SERVER
def test_wrong_key_is_refused(connect: Connect, server: Sshd, tmp_path: Path) -> None:
    make_key(tmp_path / "key")
    config = (server.base / "ssh_config").read_text()
    (tmp_path / "config").write_text(config.replace(f"{server.base}/client_key", f"{tmp_path}/key"))
    error = refusal(connect, replace(server.spec(), ssh_config=str(tmp_path / "config")))
    assert isinstance(error, RefusedError)
    assert "authentication refused: root@127.0.0.1: Permission denied (publickey)" in error.message
    assert f"ssh-copy-id -F {tmp_path}/config" in error.hint


@SERVER
def test_bad_ssh_config_is_refused(connect: Connect, server: Sshd, tmp_path: Path) -> None:
    error = refusal(connect, with_config(server, tmp_path, "NoSuchOption yes"))
    assert isinstance(error, RefusedError)
    assert "ssh cannot use its configuration" in error.message


@SERVER
def test_no_common_algorithm_is_refused(connect: Connect, server: Sshd, tmp_path: Path) -> None:
    spec = with_config(server, tmp_path, "KexAlgorithms diffie-hellman-group1-sha1")
    assert isinstance(refusal(connect, spec), RefusedError)


@SERVER
def test_nologin_account_is_refused(connect: Connect, tmp_path: Path) -> None:
    with sshd(tmp_path / "s", login_shell="/usr/sbin/nologin") as server:
        error = refusal(connect, server.spec())
    assert isinstance(error, RefusedError)


@SERVER
def test_users_proxy_is_honoured(connect: Connect, server: Sshd, tmp_path: Path) -> None:
    jump = f"ssh -F {server.base}/ssh_config -p {server.port} -W %h:%p root@127.0.0.1"
    spec = with_config(server, tmp_path, f"ProxyCommand {jump}")
    before = server.handshakes
    assert connect(spec).session("web1").run("echo through").stdout == b"through\n"
    assert server.handshakes - before == 2


LINES = {
    "ssh: Could not resolve hostname web1: Name or service not known": UnreachableError,
    "ssh: Could not resolve hostname web1: Temporary failure in name resolution": CannotLookError,
    "ssh: connect to host web1 port 22: Connection refused": UnreachableError,
    "ssh: connect to host web1 port 22: Connection timed out": UnreachableError,
    "ssh: connect to host web1 port 22: No route to host": UnreachableError,
    "ssh: connect to host web1 port 22: Network is unreachable": UnreachableError,
    "Connection timed out during banner exchange": UnreachableError,
    "kex_exchange_identification: Connection closed by remote host": UnreachableError,
    "Connection reset by 10.0.0.1 port 22": UnreachableError,
    "Received disconnect from 10.0.0.1 port 22:2: Too many authentication failures": RefusedError,
    "ops@web1: Permission denied (publickey,password).": RefusedError,
    "Host key verification failed.": RefusedError,
    "something nobody has seen before": UnreachableError,
}


@pytest.mark.parametrize(("said", "error"), LINES.items())
def test_line_has_its_meaning(said: str, error: type[CannotLookError]) -> None:
    assert type(explain_end(SPEC, 255, said.encode())) is error


def test_message_says_which_host_and_what_ssh_said() -> None:
    error = explain_end(SPEC, 255, b"ssh: connect to host web1 port 22: Connection refused\r\n")
    assert error.message == (
        "web1 (ssh://ops@web1.example:2222): connection refused: "
        "ssh: connect to host web1 port 22: Connection refused"
    )


def test_hint_is_a_command_to_type() -> None:
    error = explain_end(SPEC, 255, b"kex_exchange_identification: Connection closed by remote host")
    assert error.hint == "ssh -v -p 2222 ops@web1.example true"


DENIED = "ops@web1.example: Permission denied (publickey)."


def test_hint_without_an_agent_starts_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)

    error = explain_end(SPEC, 255, DENIED.encode())

    assert error.hint.startswith('eval "$(ssh-agent)" && ssh-add   # no ssh agent runs here')
    assert error.hint.endswith("ssh-copy-id -p 2222 ops@web1.example")


def test_hint_with_an_agent_asks_what_it_offers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSH_AUTH_SOCK", "/run/agent")

    error = explain_end(SPEC, 255, DENIED.encode())

    assert error.hint.startswith("ssh-add -l ")


def test_hint_for_a_key_file_that_is_not_there_names_it() -> None:
    said = f"no such identity: /home/ops/.ssh/id: No such file or directory\n{DENIED}"

    error = explain_end(SPEC, 255, said.encode())

    assert error.hint.startswith("ls -l /home/ops/.ssh/id ")


def test_silence_is_unreachable() -> None:
    assert isinstance(explain_end(SPEC, None, b""), UnreachableError)


@pytest.mark.parametrize(
    "said",
    [
        "sudo: a password is required",
        "ops is not in the sudoers file.",
        "Sorry, user ops is not allowed to execute '/bin/sh' as root on web1.",
        "sudo: sorry, you must have a tty to run sudo",
        "sudo: unknown user: nobdy",
        "sh: 1: exec: sudo: not found",
    ],
)
def test_sudo_refusal_is_refused(said: str) -> None:
    spec = replace(SPEC, sudo=True)
    error = explain_end(spec, 1, said.encode())
    assert isinstance(error, RefusedError)
    assert "sudo" in error.message
