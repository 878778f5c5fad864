"""10,000 random changes of a signed package: the verifier finds every one."""

from __future__ import annotations

import io
import random
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pytest

from pytest_ddd.errors import RecordError
from pytest_ddd.evidence.canonical import digest
from pytest_ddd.evidence.files import RECORD, SIGNATURE, SUMS
from pytest_ddd.evidence.sources import ArchiveSource, DirectorySource, Source
from pytest_ddd.evidence.verification import GOOD, TAMPERED, UNTRUSTED, verify
from pytest_ddd.signatures import Trust
from tests.unit.evidence.packages import new_key, sealed, trusting
from tests.unit.evidence.samples import result

pytestmark = pytest.mark.needs("ssh-keygen")

IN_DIRECTORY, IN_ARCHIVE = 8_000, 2_000
SEED = 20261123


@dataclass(frozen=True)
class Remembering:
    """A trust that asks ssh-keygen only once about the same bytes."""

    trust: Trust
    known: dict[tuple[str, str], str]

    def signer(self, content: bytes, armor: bytes, namespace: str, at: datetime) -> str:
        key = (digest(content), digest(armor))
        if key not in self.known:
            self.known[key] = self.trust.signer(content, armor, namespace, at)
        return self.known[key]


@dataclass(frozen=True, kw_only=True)
class Package:
    """A signed package, whom its reader trusts, and signatures of other packages."""

    directory: Path
    archive: bytes
    trust: Trust
    others: tuple[bytes, ...]

    def status(self, source: Source) -> int:
        return verify(source, self.trust).status


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Package:
    root = tmp_path_factory.mktemp("tampering")
    key, strange = new_key(root / "key"), new_key(root / "strange")
    done = sealed(root / "evidence", key=key)
    other = sealed(root / "evidence", [result()], key=key, run_id="other")
    foreign = sealed(root / "foreign", key=strange)
    trust = Remembering(trusting(root / "trusted", key), {})
    return Package(
        directory=done.directory,
        archive=done.archive.read_bytes(),
        trust=trust,  # type: ignore[arg-type]  # the same method
        others=tuple((one.directory / SIGNATURE).read_bytes() for one in (other, foreign)),
    )


def flipped(data: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(data))
    return data[:at] + bytes([data[at] ^ (1 << chance.randrange(8))]) + data[at + 1 :]


def replaced(data: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(data))
    new = (data[at] + chance.randrange(1, 256)) % 256
    return data[:at] + bytes([new]) + data[at + 1 :]


def dropped(data: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(data))
    return data[:at] + data[at + 1 :]


def added(data: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(data) + 1)
    return data[:at] + bytes([chance.randrange(256)]) + data[at:]


def cut(data: bytes, chance: random.Random) -> bytes:
    return data[: chance.randrange(len(data))]


def swapped(data: bytes, chance: random.Random) -> bytes:
    lines = data.splitlines(keepends=True)
    one, other = chance.randrange(len(lines)), chance.randrange(len(lines))
    lines[one], lines[other] = lines[other], lines[one]
    return b"".join(lines)


CHANGES: tuple[Callable[[bytes, random.Random], bytes], ...] = (
    flipped,
    replaced,
    dropped,
    added,
    cut,
    swapped,
)


def test_the_untouched_package_is_good(package: Package) -> None:
    assert package.status(DirectorySource(package.directory)) == GOOD
    assert package.status(ArchiveSource(io.BytesIO(package.archive), 10**6)) == GOOD


def test_every_change_of_a_file_is_found(package: Package) -> None:
    chance = random.Random(SEED)
    names = sorted(file.name for file in package.directory.iterdir())
    kept = {name: (package.directory / name).read_bytes() for name in names}
    made, unseen = 0, []
    while made < IN_DIRECTORY:
        name, change = chance.choice(names), chance.choice(CHANGES)
        new = change(kept[name], chance)
        if new == kept[name]:
            continue
        made += 1
        (package.directory / name).write_bytes(new)
        if package.status(DirectorySource(package.directory)) not in (TAMPERED, UNTRUSTED):
            unseen.append((name, change.__name__))
        (package.directory / name).write_bytes(kept[name])

    assert unseen == []


def test_every_change_of_the_archive_is_found(package: Package) -> None:
    chance = random.Random(SEED + 1)
    made, unseen = 0, []
    while made < IN_ARCHIVE:
        change = chance.choice(CHANGES[:-1])
        new = change(package.archive, chance)
        made += 1
        if _status_of_archive(package, new) not in (TAMPERED, UNTRUSTED):
            unseen.append((change.__name__, made))

    assert unseen == []


def _status_of_archive(package: Package, content: bytes) -> int:
    try:
        return package.status(ArchiveSource(io.BytesIO(content), len(content)))
    except RecordError:
        return TAMPERED


@pytest.mark.parametrize("which", [0, 1], ids=["of another run", "of a stranger"])
def test_the_signature_of_another_package_is_not_taken(package: Package, which: int) -> None:
    file = package.directory / SIGNATURE
    kept = file.read_bytes()
    file.write_bytes(package.others[which])
    status = package.status(DirectorySource(package.directory))
    file.write_bytes(kept)
    assert status == (TAMPERED, UNTRUSTED)[which]


@pytest.mark.parametrize("name", ["new.txt", "attachments/ab", ".hidden", f"{RECORD}.old"])
def test_a_file_that_was_added_is_found(package: Package, name: str) -> None:
    file = package.directory / name
    file.parent.mkdir(exist_ok=True)
    file.write_text("x")
    found = verify(DirectorySource(package.directory), package.trust)
    file.unlink()
    if file.parent != package.directory:
        file.parent.rmdir()
    assert found.problems == [f"{name}: added"]


def test_a_link_in_the_place_of_a_file_is_found(package: Package, tmp_path: Path) -> None:
    file = package.directory / "report.html"
    kept = file.read_bytes()
    (tmp_path / "copy").write_bytes(kept)
    file.unlink()
    file.symlink_to(tmp_path / "copy")
    found = verify(DirectorySource(package.directory), package.trust)
    file.unlink()
    file.write_bytes(kept)
    assert "report.html: neither a file nor a directory" in found.problems


def test_coreutils_and_ssh_keygen_alone_find_changes_too(package: Package, tmp_path: Path) -> None:
    """What README.txt tells to type: of 100 changes, each is found by one of the commands."""
    chance = random.Random(SEED + 2)
    names = sorted(file.name for file in package.directory.iterdir())
    kept = {name: (package.directory / name).read_bytes() for name in names}
    assert _alone(package.directory, package.trust) == (True, True)
    unseen = []
    for _ in range(100):
        name = chance.choice(sorted(set(names) - {SIGNATURE}))
        (package.directory / name).write_bytes(replaced(kept[name], chance))
        if _alone(package.directory, package.trust) == (True, True):
            unseen.append(name)
        (package.directory / name).write_bytes(kept[name])

    assert unseen == []


def _alone(directory: Path, trust: Trust) -> tuple[bool, bool]:
    signers = trust.trust.allowed_signers  # type: ignore[attr-defined]  # of Remembering
    verify_words = ["-Y", "verify", "-f", signers, "-I", "ops1@example.org"]
    signature = subprocess.run(
        ["ssh-keygen", *verify_words, "-n", "pytest-ddd-evidence", "-s", SIGNATURE],
        cwd=directory,
        input=(directory / SUMS).read_bytes(),
        capture_output=True,
        check=False,
    )
    sums = subprocess.run(
        ["sha256sum", "--strict", "--check", "--quiet", SUMS],
        cwd=directory,
        capture_output=True,
        check=False,
    )
    return signature.returncode == 0, sums.returncode == 0
