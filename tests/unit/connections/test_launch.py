"""Container engines and sudo, through strict stubs that check every argument and then enter."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from pytest_ddd.connections import parse_hostspec
from pytest_ddd.errors import CannotLookError, RefusedError, UnreachableError
from tests.support.sshd import needs, running, until
from tests.unit.connections.conftest import Connect

Stub = Callable[[str, str], None]

STRICT = """\
expected=({expected})
[ "$*" = "${{expected[*]}}" ] && [ $# = ${{#expected[@]}} ] || {{
  echo "stub: unexpected arguments: $*" >&2; exit 64; }}
exec "${{@:{shell}}}"
"""


@pytest.mark.parametrize(
    ("hostspec", "expected", "shell"),
    [
        ("docker://box", "exec -i box /bin/sh", 4),
        ("docker://app@box", "exec -i -u app box /bin/sh", 6),
        pytest.param(
            "docker://box?sudo=true", "exec -i box sudo -n /bin/sh", 4, marks=needs("sudo")
        ),
        ("podman://box", "exec -i box /bin/sh", 4),
        ("podman://0@box", "exec -i -u 0 box /bin/sh", 6),
        ("kubectl://pod-1", "exec -i pod-1 -- /bin/sh", 5),
        (
            "kubectl://pod-1?namespace=shop&container=app&context=prod&kubeconfig=/k",
            "--kubeconfig=/k --context=prod --namespace=shop exec -i pod-1 --container=app -- /bin/sh",
            9,
        ),
    ],
)
def test_engine_gets_exactly_these_arguments(
    connect: Connect, stub: Stub, hostspec: str, expected: str, shell: int
) -> None:
    stub(hostspec.partition(":")[0], STRICT.format(expected=expected, shell=shell))
    session = connect(parse_hostspec(hostspec, name="box")).session("box")
    answer = session.run(r"printf 'a\0b'; echo err >&2; exit 255")
    assert (answer.stdout, answer.stderr, answer.exit_status) == (b"a\0b", b"err\n", 255)


@pytest.mark.parametrize(
    ("hostspec", "said", "error"),
    [
        ("docker://box", "Error response from daemon: No such container: box", UnreachableError),
        ("docker://box", "Error: Container 4f is not running", UnreachableError),
        ("docker://box", "Cannot connect to the Docker daemon at unix:///x", CannotLookError),
        ("podman://box", 'Error: no container with name or ID "box" found', UnreachableError),
        ("kubectl://pod", 'Error from server (NotFound): pods "pod" not found', UnreachableError),
        ("kubectl://pod", "Error from server (Forbidden): pods is forbidden", RefusedError),
        ("kubectl://pod", "Unable to connect to the server: dial tcp", CannotLookError),
    ],
)
def test_engine_refusals_have_their_meaning(
    connect: Connect, stub: Stub, hostspec: str, said: str, error: type[CannotLookError]
) -> None:
    spec = parse_hostspec(hostspec, name="box")
    stub(spec.kind, f"echo '{said}' >&2; exit 1")
    with pytest.raises(CannotLookError) as caught:
        connect(spec).session("box").run("true")
    assert type(caught.value) is error


SUDO = r"""
prompt=; command=()
while [ $# -gt 0 ]; do case $1 in
  -n) quiet=1; shift ;; -S) shift ;; -p) prompt=$2; shift 2 ;; -u) shift 2 ;; *) break ;;
esac; done
if [ "$NEEDED" ]; then
  [ "$quiet" ] && { echo 'sudo: a password is required' >&2; exit 1; }
  for try in 1 2 3; do
    printf %s "$prompt" >&2
    IFS= read -r line || exit 1
    echo "$line" >>"$SUDO_LOG"
    [ "$line" = "$NEEDED" ] && exec "$@"
    echo 'Sorry, try again.' >&2
  done
  echo 'sudo: 3 incorrect password attempts' >&2; exit 1
fi
exec "$@"
"""


@pytest.fixture
def sudo_log(tmp_path: Path, stub: Stub, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A sudo that wants the password in $NEEDED and writes down what it was given."""
    stub("sudo", SUDO)
    monkeypatch.setenv("SUDO_LOG", str(tmp_path / "given"))
    (tmp_path / "given").touch()
    return tmp_path / "given"


SUDO_SPEC = parse_hostspec("local://?sudo=true&sudo_user=www-data", name="here")


def test_sudo_password_is_given_once(
    connect: Connect, sudo_log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEEDED", "it's $HOME")
    spec = replace(SUDO_SPEC, sudo_password=lambda: "it's $HOME")
    assert connect(spec).session("here").run("echo in").stdout == b"in\n"
    assert sudo_log.read_text() == "it's $HOME\n"


def test_unneeded_sudo_password_reaches_no_shell(
    connect: Connect, sudo_log: Path, tmp_path: Path
) -> None:
    spec = replace(SUDO_SPEC, sudo_password=lambda: f"touch {tmp_path}/executed")
    assert connect(spec).session("here").run("echo in").stdout == b"in\n"
    assert not (tmp_path / "executed").exists()


def test_wrong_sudo_password_is_tried_once(
    connect: Connect, sudo_log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEEDED", "right")
    spec = replace(SUDO_SPEC, sudo_password=lambda: "wrong")
    session = connect(spec).session("here")
    for _ in range(3):
        with pytest.raises(RefusedError, match="sudo refused the password"):
            session.run("true")
    assert sudo_log.read_text() == "wrong\n"


def test_missing_sudo_password_is_refused_with_a_hint(
    connect: Connect, sudo_log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEEDED", "right")
    with pytest.raises(RefusedError, match="sudo wants a password") as caught:
        connect(SUDO_SPEC).session("here").run("true")
    assert "NOPASSWD" in caught.value.hint


def test_sudo_password_is_asked_for_once(connect: Connect, sudo_log: Path) -> None:
    asked: list[str] = []

    def ask() -> str:
        asked.append("once")
        return "secret"

    spec = replace(SUDO_SPEC, sudo_password=ask)
    session = connect(spec).session("here")
    session.run("true")
    session.run("true")
    assert asked == ["once"]


def test_broken_secret_is_told(connect: Connect, sudo_log: Path) -> None:
    def broken() -> str:
        raise CannotLookError("secret command failed")

    session = connect(replace(SUDO_SPEC, sudo_password=broken)).session("here")
    with pytest.raises(CannotLookError, match="secret command failed"):
        session.run("true")


@needs("sudo", "unshare")
def test_real_sudo_to_another_account(connect: Connect) -> None:
    spec = parse_hostspec("local://?sudo=true&sudo_user=nobody", name="here")
    assert connect(spec).session("here").run("id -un").stdout == b"nobody\n"


@needs("sudo", "unshare")
def test_real_sudo_kills_at_the_timeout(nap: str, connect: Connect) -> None:
    spec = parse_hostspec("local://?sudo=true&sudo_user=nobody", name="here")
    session = connect(spec).session("here")
    with pytest.raises(CannotLookError, match="was killed"):
        session.run(f"sleep {nap} | sleep {nap}", timeout_s=1)
    assert until(lambda: running(f"sleep {nap}") == [])
