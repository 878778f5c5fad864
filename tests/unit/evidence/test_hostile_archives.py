"""Archives that were made to harm whoever opens them are refused, and nothing is unpacked."""

from __future__ import annotations

import io
import stat
import warnings
import zipfile
from pathlib import Path

import pytest

from pytest_ddd.errors import RecordError, UsageError
from pytest_ddd.evidence.sources import ArchiveSource, DirectorySource, open_package
from pytest_ddd.evidence.verification import TAMPERED, verify
from tests.unit.evidence.packages import sealed


def member(name: str, kind: int = stat.S_IFREG) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr = (kind | 0o600) << 16
    info.create_system, info.compress_type = 3, zipfile.ZIP_DEFLATED
    return info


def archive(*members: tuple[zipfile.ZipInfo, bytes]) -> ArchiveSource:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as made, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of names that are there twice
        for info, content in members:
            made.writestr(info, content)
    return ArchiveSource(file, len(file.getvalue()))


@pytest.mark.parametrize(
    ("info", "said"),
    [
        (member("run/../../etc/passwd"), "leads outside"),
        (member("/etc/passwd"), "leads outside"),
        (member("run/a\\..\\b"), "leads outside"),
        (member("other/file"), "leads outside"),
        (member("run/./file"), "leads outside"),
        (member("run//file"), "leads outside"),
        (member("run/dir/", stat.S_IFDIR), "leads outside"),
        (member("run/link", stat.S_IFLNK), "not a regular file"),
        (member("run/pipe", stat.S_IFIFO), "not a regular file"),
        (member("run/device", stat.S_IFCHR), "not a regular file"),
        (member("run/first"), "there twice"),
    ],
)
def test_a_member_that_is_none_of_ours_is_told(info: zipfile.ZipInfo, said: str) -> None:
    source = archive((member("run/first"), b"x"), (info, b"x"))
    assert [said in problem for problem in source.problems] == [True]
    assert list(source.sizes) == ["first"]


def test_such_an_archive_is_never_good() -> None:
    found = verify(archive((member("run/../x"), b"x")))
    assert found.status == TAMPERED


def test_a_bomb_is_refused_before_it_goes_off() -> None:
    with pytest.raises(RecordError, match="would unpack to"):
        archive((member("run/zeros"), bytes(100 * 1024**2)))


def test_a_member_that_lies_about_its_size_is_told(tmp_path: Path) -> None:
    content = bytearray(sealed(tmp_path).archive.read_bytes())
    at = content.rfind(b"PK\x01\x02")
    content[at + 24] ^= 0xFF  # the size that the directory at the end gives
    found = verify(ArchiveSource(io.BytesIO(bytes(content)), len(content)))
    assert found.status == TAMPERED


@pytest.mark.parametrize("content", [b"", b"PK", b"no archive"])
def test_what_is_no_archive_is_told(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.zip").write_bytes(content)
    with pytest.raises(RecordError, match=r"x\.zip: not a ZIP archive"):
        open_package(tmp_path / "x.zip")


def test_an_empty_archive_is_no_package() -> None:
    content = b"PK\x05\x06" + bytes(18)
    assert verify(ArchiveSource(io.BytesIO(content), len(content))).status == TAMPERED


@pytest.mark.parametrize("around", [(b"prefix", b""), (b"", b"suffix")])
def test_bytes_around_the_archive_are_found(tmp_path: Path, around: tuple[bytes, bytes]) -> None:
    content = around[0] + sealed(tmp_path).archive.read_bytes() + around[1]
    found = verify(ArchiveSource(io.BytesIO(content), len(content)))
    assert "the archive is not, byte for byte, what was packed" in found.problems


def test_an_archive_of_another_name_is_found(tmp_path: Path) -> None:
    done = sealed(tmp_path)
    file = io.BytesIO()
    with zipfile.ZipFile(done.archive) as old, zipfile.ZipFile(file, "w") as new:
        for info in old.infolist():
            renamed = member(info.filename.replace("prod", "test"))
            new.writestr(renamed, old.read(info))
    found = verify(ArchiveSource(file, len(file.getvalue())))
    assert any("calls itself" in problem for problem in found.problems)


def test_an_archive_by_another_zlib_is_verified_by_its_content(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zlib.ZLIB_RUNTIME_VERSION", "9.9-other")
    done = sealed(tmp_path)
    monkeypatch.undo()
    file = io.BytesIO()
    with zipfile.ZipFile(done.archive) as old, zipfile.ZipFile(file, "w") as new:
        for info in old.infolist():
            again = zipfile.ZipInfo(info.filename, (1980, 1, 1, 0, 0, 0))
            again.external_attr, again.create_system = info.external_attr, 3
            new.writestr(again, old.read(info), zipfile.ZIP_DEFLATED, compresslevel=1)
    found = verify(ArchiveSource(file, len(file.getvalue())))
    assert (found.problems, len(found.notes)) == ([], 1)


def test_a_path_that_is_not_there_is_a_mistake_of_the_user(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        open_package(tmp_path / "none.zip")


def test_a_link_in_a_directory_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "p").mkdir()
    (tmp_path / "p" / "link").symlink_to("/etc/passwd")
    source = DirectorySource(tmp_path / "p")
    assert source.problems == ("link: neither a file nor a directory",)
    with pytest.raises(OSError, match="symbolic"):
        source.open("link")


@pytest.mark.parametrize("content", [b"", b"{}", b"[" * 100_000, b'{"format": 1}', b"\xff"])
def test_a_manifest_that_is_none_is_told(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "manifest.json").write_bytes(content)
    found = verify(DirectorySource(tmp_path))
    assert found.status == TAMPERED
    assert "manifest.json: " in found.problems[0]
