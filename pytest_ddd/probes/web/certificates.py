"""Read what an X.509 certificate says about itself; trust nothing."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

_SEQUENCE, _OCTETS, _OID, _UTC_TIME, _GENERALIZED_TIME = 0x30, 0x04, 0x06, 0x17, 0x18
_VERSION, _EXTENSIONS = 0xA0, 0xA3
_DNS_NAME, _IP_ADDRESS = 0x82, 0x87
_COMMON_NAME, _ORGANIZATION = b"\x55\x04\x03", b"\x55\x04\x0a"
_SUBJECT_ALT_NAME = b"\x55\x1d\x11"
_UTF16 = 0x1E
_RSA, _EC = bytes.fromhex("2a864886f70d010101"), bytes.fromhex("2a8648ce3d0201")
_KEYS = {bytes.fromhex("2b6570"): "Ed25519", bytes.fromhex("2b6571"): "Ed448"}
_CURVES = {
    bytes.fromhex("2a8648ce3d030101"): 192,
    bytes.fromhex("2b81040021"): 224,
    bytes.fromhex("2a8648ce3d030107"): 256,
    bytes.fromhex("2b8104000a"): 256,
    bytes.fromhex("2b81040022"): 384,
    bytes.fromhex("2b81040023"): 521,
}
"""Named curves of RFC 5480 and SEC 2, and their sizes in bits."""

_PKCS1, _ECDSA = bytes.fromhex("2a864886f70d0101"), bytes.fromhex("2a8648ce3d04")
_SIGNATURES = {
    _PKCS1 + b"\x02": "md2",
    _PKCS1 + b"\x04": "md5",
    _PKCS1 + b"\x05": "sha1",
    _PKCS1 + b"\x0b": "sha256",
    _PKCS1 + b"\x0c": "sha384",
    _PKCS1 + b"\x0d": "sha512",
    _ECDSA + b"\x01": "sha1",
    _ECDSA + b"\x03\x02": "sha256",
    _ECDSA + b"\x03\x03": "sha384",
    _ECDSA + b"\x03\x04": "sha512",
}
"""RFC 8017 and RFC 5758."""
_SECONDS_PER_DAY = 86400


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """Whom a certificate is for, who signed it and how long it is valid."""

    subject: str
    issuer: str
    names: tuple[str, ...]
    not_before: datetime
    not_after: datetime
    self_signed: bool
    key: str = ""
    """`RSA 2048`, `EC 256` or `Ed25519`; the number when the kind is not known here."""
    signature: str = ""
    """The digest that its issuer signed: `sha256`; empty when it is not known here."""

    def days_left(self, at: datetime) -> float:
        """Return the days until it expires, negative when it has expired."""
        return (self.not_after - at).total_seconds() / _SECONDS_PER_DAY


@dataclass(frozen=True, slots=True)
class _Node:
    """One element of DER: tag and content."""

    tag: int
    content: bytes

    def children(self) -> list[_Node]:
        found, at = [], 0
        while at < len(self.content):
            node, at = _node(self.content, at)
            found.append(node)
        return found


def read_certificate(der: bytes) -> Certificate:
    """Read a certificate in DER (RFC 5280, section 4.1).

    Raises:
        ValueError: this is no certificate.
    """
    try:
        return _read(der)
    except (IndexError, UnicodeDecodeError) as mistake:
        raise ValueError("not a certificate") from mistake


def _read(der: bytes) -> Certificate:
    certificate, _ = _node(der, 0)
    fields = certificate.children()[0].children()
    if fields[0].tag == _VERSION:
        del fields[0]
    _serial, algorithm, issuer, validity, subject, key, *rest = fields
    not_before, not_after = (_time(moment) for moment in validity.children())
    return Certificate(
        subject=_name(subject),
        issuer=_name(issuer),
        names=tuple(_alternative_names(rest)),
        not_before=not_before,
        not_after=not_after,
        self_signed=subject == issuer,
        key=_key(key),
        signature=_SIGNATURES.get(algorithm.children()[0].content, ""),
    )


def _key(node: _Node) -> str:
    """Return kind and size of a public key (RFC 3279, RFC 5480)."""
    algorithm, bits = node.children()
    kind, *parameters = algorithm.children()
    if kind.content == _RSA:
        inner, _ = _node(bits.content[1:], 0)
        modulus = inner.children()[0].content
        return f"RSA {int.from_bytes(modulus, 'big').bit_length()}"
    if kind.content == _EC and parameters:
        return f"EC {_CURVES.get(parameters[0].content, 0)}"
    return _KEYS.get(kind.content, kind.content.hex())


def _node(data: bytes, at: int) -> tuple[_Node, int]:
    tag, length, start = data[at], data[at + 1], at + 2
    if length & 0x80:  # the length itself takes that many bytes
        start += length & 0x7F
        length = int.from_bytes(data[at + 2 : start], "big")
    if start + length > len(data):
        raise ValueError("not a certificate: cut short")
    return _Node(tag, data[start : start + length]), start + length


def _time(node: _Node) -> datetime:
    text = node.content.decode("ascii")
    if node.tag == _UTC_TIME:  # two digits of the year; 50 and above are 19xx (RFC 5280)
        text = ("19" if int(text[:2]) >= 50 else "20") + text
    return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)


def _name(node: _Node) -> str:
    """Return the common name, else the organization, else nothing."""
    found: dict[bytes, str] = {}
    for relative in node.children():
        for attribute in relative.children():
            kind, value = attribute.children()
            encoding = "utf-16-be" if value.tag == _UTF16 else "utf-8"
            found[kind.content] = value.content.decode(encoding, errors="replace")
    return found.get(_COMMON_NAME) or found.get(_ORGANIZATION) or ""


def _alternative_names(fields: list[_Node]) -> Iterator[str]:
    for field in fields:
        if field.tag != _EXTENSIONS:
            continue
        for extension in field.children()[0].children():
            kind, *_, value = extension.children()
            if kind.content == _SUBJECT_ALT_NAME:
                names, _ = _node(value.content, 0)
                yield from _general_names(names)


def _general_names(names: _Node) -> Iterator[str]:
    for name in names.children():
        if name.tag == _DNS_NAME:
            yield name.content.decode("ascii", errors="replace")
        elif name.tag == _IP_ADDRESS:
            yield str(ipaddress.ip_address(name.content))
