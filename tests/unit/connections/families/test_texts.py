"""Texts of /proc and /etc are told to the byte, or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.sshd import needs
from tests.unit.connections.alone import Root, same


@pytest.mark.parametrize(
    ("text", "answered"),
    [(b"no end", True), (b"", True), (b"\n\n\xff\r\0", True), (b"- %s -", False)],
    ids=["no end", "empty", "no text", "holds what stands between two"],
)
@needs("unshare")
def test_a_text_is_told_to_the_byte(tmp_path: Path, text: bytes, answered: bool) -> None:
    """What stands between two texts is none of them; where it is, nobody's place is believed."""
    boot = Path("/proc/sys/kernel/random/boot_id").read_bytes()
    (tmp_path / "odd").write_bytes(text.replace(b"%s", boot))
    bind = f'mount --bind {tmp_path}/odd /etc/fstab && exec "$@"'
    commands = ["cat /proc/version", "cat /etc/fstab", "cat /etc/passwd"]

    told = same(Root(prefix=("unshare", "-m", "sh", "-c", bind, "sh")), commands)

    assert told == (set(commands) if answered else set())


def test_texts_are_left_out_when_one_cannot_be_read() -> None:
    """Half a text looks like a whole one."""
    assert same(Root(), ["cat /proc/version", "cat /proc/self/mem", "echo x"]) == {"echo x"}
