"""Testinfra's modules work unchanged over our sessions."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import testinfra
import testinfra.backend
from testinfra.host import Host

from pytest_ddd.connections import parse_hostspec
from pytest_ddd.connections.testinfra_backend import DddBackend
from pytest_ddd.errors import CommandTimeoutError, RefusedError, UsageError
from tests.support.sshd import SERVER, Sshd, needs, sshd
from tests.unit.connections.conftest import Connect

HERE = parse_hostspec("local://", name="here")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    """An ordinary host."""
    with sshd(tmp_path_factory.mktemp("sshd") / "s") as running_server:
        yield running_server


@pytest.fixture
def host(connect: Connect) -> Host:
    """The Host of a user's check."""
    return connect(HERE).host("here")


def test_testinfra_still_keeps_dotted_names(connect: Connect) -> None:
    connect(HERE).host("here")
    assert testinfra.backend.get_backend_class("ddd") is DddBackend
    assert all(isinstance(name, str) for name in testinfra.backend.BACKENDS.values())


def test_host_by_hostspec_explains_itself() -> None:
    with pytest.raises(UsageError, match="ddd://web1 works only through the fixture"):
        testinfra.get_host("ddd://web1")


def look_around(host: Host) -> list[object]:
    """Use modules that send 41 commands or more."""
    seen: list[object] = []
    for path in ("/etc/passwd", "/etc/hostname", "/bin", "/nonexistent"):
        file = host.file(path)
        seen += [file.exists, file.is_file, file.is_directory, file.is_symlink]
        if file.exists:
            seen += [file.user, file.group, file.mode, file.uid]
    seen += [host.file("/etc/passwd").sha256sum, host.file("/etc/passwd").content]
    seen += [host.user("root").shell, host.group("root").gid, host.package("dash").version]
    seen += [host.package("no-such").is_installed, host.system_info.distribution]
    seen += [host.mount_point("/proc").filesystem, host.sysctl("kernel.ostype")]
    seen += [host.check_output("printf %s", "it's"), host.run("exit 255").rc, host.exists("sh")]
    return seen


def test_modules_see_what_testinfra_itself_sees(host: Host) -> None:
    assert look_around(host) == look_around(testinfra.get_host("local://"))


@SERVER
def test_forty_one_commands_are_one_handshake(connect: Connect, server: Sshd) -> None:
    before = server.handshakes
    host = connect(server.spec()).host("web1")
    look_around(host)
    assert len(host.backend.journal) >= 41
    assert server.handshakes - before == 1


@SERVER
def test_reading_host_shares_the_connection(connect: Connect, server: Sshd) -> None:
    before = server.handshakes
    pool = connect(server.spec())
    pool.host("web1").run("true")
    pool.reading_host("web1").run("true")
    assert (server.handshakes - before, pool.reading_host("web1").backend.journal) == (1, [])


def test_journal_holds_what_the_check_ran(host: Host) -> None:
    host.run("echo %s; exit 3", "a b")
    (entry,) = host.backend.journal
    assert (entry.command, entry.stdout, entry.exit_status) == ("echo 'a b'; exit 3", b"a b\n", 3)


def test_journal_can_be_emptied(host: Host) -> None:
    host.run("true")
    host.backend.journal.clear()
    host.run("echo next")
    assert [entry.command for entry in host.backend.journal] == ["echo next"]


LXC = parse_hostspec("lxc://box", name="box")


def test_foreign_backend_is_recorded_too(
    connect: Connect, stub: Callable[[str, str], None]
) -> None:
    stub("lxc", 'exec "${@:5}"')  # lxc exec box --mode=... -- /bin/sh -c ...
    host = connect(LXC).host("box")
    host.run("echo in")
    assert [entry.stdout for entry in host.backend.journal] == [b"in\n"]


@pytest.mark.parametrize(("text", "outcome"), [('exec "${@:5}"', "GREEN"), ("exit 1", "UNKNOWN")])
def test_foreign_host_is_green_only_when_it_answers(
    connect: Connect, stub: Callable[[str, str], None], text: str, outcome: str
) -> None:
    stub("lxc", text)
    assert connect(LXC).reachable("box").outcome == outcome


def test_undecodable_output_does_not_fail(host: Host) -> None:
    assert host.run(r"printf '\377ok'").stdout == r"\xffok"


def test_result_is_exact(host: Host) -> None:
    result = host.run(r"printf 'a\0\n'; printf e >&2; exit 255")
    assert (result.rc, result.stdout_bytes, result.stderr) == (255, b"a\0\n", "e")


def test_unicode_command(host: Host) -> None:
    assert host.check_output("printf %s", "Grüße") == "Grüße"


def test_hung_command_is_killed(connect: Connect) -> None:
    spec = parse_hostspec("local://?command_timeout=1", name="here")
    with pytest.raises(CommandTimeoutError):
        connect(spec).host("here").run("sleep 631")


@needs("sudo", "unshare")
def test_sudo_runs_as_another_account(host: Host) -> None:
    with host.sudo("nobody"):
        inside = host.check_output("id -un")
    assert (inside, host.check_output("id -un")) == ("nobody", "root")


@needs("sudo", "unshare")
def test_sudo_can_be_nested(host: Host) -> None:
    with host.sudo():
        with host.sudo("nobody"):
            inside = host.check_output("id -un")
        assert (inside, host.check_output("id -un")) == ("nobody", "root")


@needs("sudo", "unshare")
def test_sudo_holds_for_its_own_thread_only(host: Host) -> None:
    seen: list[str] = []
    with host.sudo("nobody"):
        thread = threading.Thread(target=lambda: seen.append(host.check_output("id -un")))
        thread.start()
        thread.join()
    assert seen == ["root"]


@SERVER
def test_sudo_is_one_more_login_and_no_more(connect: Connect, server: Sshd) -> None:
    host = connect(server.spec()).host("web1")
    host.run("true")
    before = server.handshakes
    with host.sudo("nobody"):
        seen = {host.check_output("id -un") for _ in range(5)}
    assert (seen, server.handshakes - before) == ({"nobody"}, 1)


def test_sudo_that_wants_a_password_is_refused(
    connect: Connect, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sudo").write_text("#!/bin/sh\necho 'sudo: a password is required' >&2\nexit 1\n")
    (tmp_path / "sudo").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    host = connect(HERE).host("here")
    with host.sudo(), pytest.raises(RefusedError, match="sudo wants a password"):
        host.run("true")
