"""lynis on a real host of the lab, debsecan and apt on Debian: a finding, then none."""

from __future__ import annotations

import io
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_ddd.connections import Connections
from pytest_ddd.errors import CannotLookError
from pytest_ddd.outcomes import Outcome, worst
from pytest_ddd.probes import scans
from pytest_ddd.results import judge
from tests.lab.host import LabHost
from tests.lab.lab import Lab
from tests.lab.svc.debian import Archive
from tests.support.http_service import Asked, Reply, http_service
from tests.support.reaching import reaching
from tests.support.scopes import scope_of


def looked(
    connections: Connections | None, folder: Path, says: str
) -> tuple[Outcome, scans.ScanState]:
    scope = scope_of(folder, f"scans: {{s: {{{says}, applies_to: [all]}}}}", connections)
    (entry,) = scans.entries(scope)
    try:
        found = entry.read()
    finally:
        if connections is None:
            scope.connections.close()
    judged = [judge(*one).outcome or Outcome.UNKNOWN for one in found.judged]
    return worst(judged), found


@pytest.fixture(scope="module")
def host(lab: Lab) -> Iterator[LabHost]:
    """A host with lynis."""
    host = lab.fresh("scanned")
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for path in ("/usr/sbin/lynis", "/usr/share/lynis", "/etc/lynis"):
            archive.add(path)
    (host.root / "tmp/lynis.tar").write_bytes(packed.getvalue())
    host.run("tar -C / -xf /tmp/lynis.tar", check=True)
    yield host
    lab.remove(host)


@pytest.mark.needs("lab", "lynis")
def test_lynis_turns_red_and_heals(lab: Lab, host: LabHost, tmp_path: Path) -> None:
    """A second account with all rights is one of its warnings."""
    says = "lynis: {groups: [authentication]}"
    with reaching(lab, host, name="here", sudo=True) as connections:
        host.run("echo 'toor:x:0:0::/root:/bin/sh' >>/etc/passwd", check=True)
        outcome, found = looked(connections, tmp_path, says)
        host.run("sed -i /^toor:/d /etc/passwd", check=True)
        healed, clean = looked(connections, tmp_path, says)

    assert (outcome, healed) == (Outcome.RED, Outcome.GREEN)
    assert any(line.startswith("high AUTH-9204: ") for line in found.text.splitlines())
    assert "low AUTH-" in clean.text  # suggestions are told, and judged only if you say so
    examined = next(one for one in clean.readings if one.name == "s examined tests")
    assert isinstance(examined.value, int)
    assert examined.value > 10


@pytest.mark.needs("lab", "lynis")
def test_lynis_without_a_test_that_applies_is_unknown(
    lab: Lab, host: LabHost, tmp_path: Path
) -> None:
    """And so is lynis without root, and no lynis."""
    with reaching(lab, host, name="here", sudo=True) as connections:
        with pytest.raises(CannotLookError, match="examined nothing: 0 tests"):
            looked(connections, tmp_path, "lynis: {groups: [no-such-group]}")
        host.run("mv /usr/sbin/lynis /usr/sbin/lynis-away", check=True)
        with pytest.raises(CannotLookError, match="lynis is not installed"):
            looked(connections, tmp_path, "lynis: {}")
        host.run("mv /usr/sbin/lynis-away /usr/sbin/lynis", check=True)
    with (
        reaching(lab, host, name="here", sudo=False) as connections,
        pytest.raises(CannotLookError, match="not root"),
    ):
        looked(connections, tmp_path, "lynis: {}")


@pytest.mark.needs("lab")
def test_pending_updates_turn_red_and_heal(lab: Lab, host: LabHost, tmp_path: Path) -> None:
    """An archive with an update; without a security archive, or with old lists, nobody knows."""
    archive = Archive(lab, tmp_path / "archive")
    try:
        archive.publish("stable", [archive.deb("1.0")])
        archive.publish("security", [archive.deb("1.1")], label="Lab-Security")
        archive.use(host, "stable")
        host.run("apt-get install -y labapp", check=True)
        with reaching(lab, host, name="here", sudo=True) as connections:

            def look() -> tuple[Outcome, str]:
                outcome, found = looked(connections, tmp_path, "updates: {max_age: 1d}")
                return outcome, found.text

            with pytest.raises(CannotLookError, match="examined nothing: 0 security archives"):
                look()
            archive.use(host, "stable", "security")
            files = "find /var/cache/apt /var/lib/apt -printf '%p %s %T@\\n' | sort"
            before = host.run(files, check=True).stdout
            assert look() == (Outcome.RED, "high labapp: 1.0 -> 1.1")
            assert host.run(files).stdout == before  # a look writes nothing
            host.run("apt-mark hold labapp", check=True)
            assert look() == (Outcome.RED, "high labapp: 1.0 -> 1.1 (held)")
            host.run("apt-mark unhold labapp && apt-get install -y labapp", check=True)
            assert look() == (Outcome.GREEN, "no findings")
            host.run("touch -d '3 days ago' /var/lib/apt/lists/partial", check=True)
            with pytest.raises(CannotLookError, match="fetched 3d ago"):
                look()
    finally:
        archive.close()


def feed(*lines: str) -> bytes:
    """Return lists as debsecan fetches them; dash is installed on every Debian."""
    names = "CVE-2099-0001,0,one\nCVE-2099-0002,0,two\n"
    return zlib.compress(("VERSION 1\n" + names + "\n" + "\n".join(lines) + "\n\n").encode())


UNFIXED = "dash,1,SL  ,,"
FIXED_IN = "dash,0,SHRF,{version},"


class Lists:
    """What debsecan is to be told."""

    reply = Reply()

    def __call__(self, _asked: Asked) -> Reply:
        return self.reply


@pytest.fixture
def lists() -> Lists:
    return Lists()


@pytest.fixture
def debsecan(lists: Lists) -> Iterator[str]:
    """A scan of this machine by the real debsecan, which fetches its lists from this test."""
    with http_service(lists) as service:
        yield f"debsecan: {{source: '{service.url}/release/1/'}}"


@pytest.mark.needs("debsecan")
def test_debsecan_turns_red_and_heals(lists: Lists, debsecan: str, tmp_path: Path) -> None:
    """An update that is there and not installed."""
    lists.reply = Reply(body=feed(FIXED_IN.format(version="999"), UNFIXED))
    outcome, found = looked(None, tmp_path, debsecan)
    _, both = looked(None, tmp_path, debsecan.replace("source", "only_fixed: false, source"))
    lists.reply = Reply(body=feed(FIXED_IN.format(version="0.1"), UNFIXED))
    healed, none = looked(None, tmp_path, debsecan)

    assert (outcome, healed) == (Outcome.RED, Outcome.GREEN)
    assert found.text == "high CVE-2099-0001: dash (fixed, remotely exploitable, high urgency)"
    assert both.text.splitlines()[1] == "low CVE-2099-0002: dash (low urgency)"
    assert none.text == "no findings"


@pytest.mark.needs("debsecan")
@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (Reply(body=feed()), "names not one vulnerability"),  # debsecan itself ends with 0
        (Reply(status=503), "503"),
        (Reply(body=b"<html>"), "debsecan"),
    ],
)
def test_debsecan_without_lists_is_unknown(
    lists: Lists, debsecan: str, tmp_path: Path, reply: Reply, said: str
) -> None:
    lists.reply = reply

    with pytest.raises(CannotLookError, match=said):
        looked(None, tmp_path, debsecan)
