"""Offer old TLS versions and weak ciphers to a server, byte by byte, and see whether it takes them.

Own bytes, because the TLS library of this machine may itself refuse to speak what is looked for.
RFC 5246 and RFC 6101 (SSL 3.0) describe the hello; nothing is sent after it.
"""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Sequence
from dataclasses import dataclass

from pytest_ddd.errors import CannotLookError

VERSIONS = {"SSLv3": 0x0300, "TLSv1": 0x0301, "TLSv1.1": 0x0302, "TLSv1.2": 0x0303}
_NAMES = {number: name for name, number in VERSIONS.items()}
_HANDSHAKE, _ALERT, _SERVER_HELLO = 22, 21, 2

USUAL = (
    0xC02F, 0xC030, 0xC02B, 0xC02C, 0xCCA8, 0xCCA9, 0xC013, 0xC014, 0xC009, 0xC00A, 0xC027, 0xC023,
    0x009E, 0x009F, 0x0033, 0x0039, 0x009C, 0x009D, 0x003C, 0x003D, 0x002F, 0x0035, 0x000A, 0x0005,
    0x0004, 0xC011, 0xC007, 0xC012, 0xC008, 0x0016,
)  # fmt: skip
"""ECDHE, DHE and RSA with AES-GCM, ChaCha20, AES-CBC, 3DES and RC4, by their IANA numbers."""

WEAK = {
    0x0001: "NULL-MD5", 0x0002: "NULL-SHA", 0x003B: "NULL-SHA256", 0xC010: "ECDHE-RSA-NULL-SHA",
    0xC006: "ECDHE-ECDSA-NULL-SHA", 0x0003: "EXP-RC4-MD5", 0x0008: "EXP-DES-CBC-SHA",
    0x0004: "RC4-MD5", 0x0005: "RC4-SHA", 0xC011: "ECDHE-RSA-RC4-SHA",
    0xC007: "ECDHE-ECDSA-RC4-SHA",
    0x0009: "DES-CBC-SHA", 0x000A: "DES-CBC3-SHA", 0x0016: "DHE-RSA-DES-CBC3-SHA",
    0xC012: "ECDHE-RSA-DES-CBC3-SHA", 0xC008: "ECDHE-ECDSA-DES-CBC3-SHA", 0x0018: "ADH-RC4-MD5",
    0x0034: "ADH-AES128-SHA", 0x003A: "ADH-AES256-SHA", 0xC018: "AECDH-AES128-SHA",
    0xC019: "AECDH-AES256-SHA",
}  # fmt: skip
"""No encryption, no authentication, or broken (RFC 7525 §4.2, RFC 9325 §4.2)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a server chose; no version when it refused."""

    version: str = ""
    cipher: int = 0


def offer(connection: socket.socket, *, version: str, ciphers: Sequence[int], name: str) -> Answer:
    """Offer one version and some ciphers, and return what the server chose.

    Args:
        connection: open, with its timeout set; it is of no use afterwards.
        version: the newest version that is offered.
        ciphers: IANA numbers.
        name: the server's name; an address is not sent.

    Raises:
        CannotLookError: the server said nothing, so that nobody knows.
    """
    try:
        connection.sendall(_hello(VERSIONS[version], ciphers, name))
        return _read(connection)
    except TimeoutError:
        raise CannotLookError(f"no answer to an offer of {version}") from None
    except OSError:  # it hung up, which is a refusal
        return Answer()


def _hello(version: int, ciphers: Sequence[int], name: str) -> bytes:
    suites = b"".join(struct.pack("!H", each) for each in (*ciphers, 0x00FF))
    body = struct.pack("!H", version) + os.urandom(32) + b"\0"
    body += struct.pack("!H", len(suites)) + suites + b"\1\0"
    if version > VERSIONS["SSLv3"]:
        extensions = _extensions(name, version)
        body += struct.pack("!H", len(extensions)) + extensions
    handshake = b"\1" + struct.pack("!I", len(body))[1:] + body
    record = min(version, VERSIONS["TLSv1"])
    return struct.pack("!BHH", _HANDSHAKE, record, len(handshake)) + handshake


def _extensions(name: str, version: int) -> bytes:
    found = _extension(0x000A, _list(b"\0\x1d\0\x17\0\x18\0\x19"))  # x25519 and three NIST curves
    found += _extension(0x000B, b"\1\0")  # points are not compressed
    if version >= VERSIONS["TLSv1.2"]:
        schemes = bytes.fromhex("040308040401050308050501080606010603020302010101")
        found += _extension(0x000D, _list(schemes))
    if name and not name.replace(".", "").isdigit() and ":" not in name:
        host = name.encode("idna")
        found += _extension(0x0000, _list(b"\0" + _list(host)))
    return found


def _extension(number: int, content: bytes) -> bytes:
    return struct.pack("!HH", number, len(content)) + content


def _list(content: bytes) -> bytes:
    return struct.pack("!H", len(content)) + content


def _read(connection: socket.socket) -> Answer:
    head = _exactly(connection, 5)
    if not head or head[0] == _ALERT:
        return Answer()
    if head[0] != _HANDSHAKE:
        raise CannotLookError("the server does not speak TLS")
    hello = _exactly(connection, 39)
    if len(hello) < 39 or hello[0] != _SERVER_HELLO:
        return Answer()
    number = struct.unpack("!H", hello[4:6])[0]
    cipher = _exactly(connection, hello[38] + 2)[-2:]
    version = _NAMES.get(number, f"0x{number:04x}")
    return Answer(version=version, cipher=int.from_bytes(cipher, "big"))


def _exactly(connection: socket.socket, count: int) -> bytes:
    """Return so many bytes, fewer when the server hung up."""
    found = b""
    while len(found) < count:
        piece = connection.recv(count - len(found))
        if not piece:
            break
        found += piece
    return found
