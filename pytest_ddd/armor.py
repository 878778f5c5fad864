"""Reads SSH signatures byte for byte, as `PROTOCOL.sshsig` of OpenSSH describes them."""

from __future__ import annotations

import base64
import binascii
import hashlib
import struct
from collections.abc import Sequence
from dataclasses import dataclass

from pytest_ddd.errors import RecordError

_BEGIN, _END = b"-----BEGIN SSH SIGNATURE-----\n", b"-----END SSH SIGNATURE-----\n"
_MAGIC = b"SSHSIG"
_COLUMNS = 70
_HASHES = (b"sha256", b"sha512")


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """What a signature says of itself; nothing of it is verified yet."""

    fingerprint: str
    kind: str
    namespace: str


def read_signature(armor: bytes) -> Signature:
    """Return what a signature says of itself, if its armor is exactly as ssh-keygen writes it.

    ssh-keygen itself passes over some changed bytes: line breaks, padding, a reserved field.

    Raises:
        RecordError: a byte of it is not as ssh-keygen writes it.
    """
    body = armor.removeprefix(_BEGIN).removesuffix(_END)
    try:
        blob = base64.b64decode(body.replace(b"\n", b""), validate=True)
    except binascii.Error:
        blob = b""
    if armor != _armored(blob):
        raise RecordError("not a signature in the form in which ssh-keygen writes it")
    return _read_blob(blob)


def _armored(blob: bytes) -> bytes:
    text = base64.b64encode(blob)
    lines = [text[at : at + _COLUMNS] + b"\n" for at in range(0, len(text), _COLUMNS)]
    return b"".join((_BEGIN, *lines, _END))


def _read_blob(blob: bytes) -> Signature:
    head = _MAGIC + struct.pack(">I", 1)
    key, namespace, reserved, algorithm, made, rest = _strings(blob.removeprefix(head), 5)
    wrong = not blob.startswith(head) or reserved or rest or algorithm not in _HASHES or not made
    if wrong:
        raise RecordError("not a signature in the form in which ssh-keygen writes it")
    text = base64.b64encode(hashlib.sha256(key).digest()).rstrip(b"=").decode()
    return Signature(
        fingerprint=f"SHA256:{text}",
        kind=_strings(key, 1)[0].decode(errors="replace"),
        namespace=namespace.decode(errors="replace"),
    )


def _strings(data: bytes, count: int) -> Sequence[bytes]:
    """Return so many length-prefixed strings, and what follows them."""
    found = []
    for _ in range(count):
        if len(data) < 4:
            raise RecordError("a signature that is cut")
        (length,) = struct.unpack(">I", data[:4])
        if length > len(data) - 4:
            raise RecordError("a signature that is cut")
        found.append(data[4 : 4 + length])
        data = data[4 + length :]
    return [*found, data]
