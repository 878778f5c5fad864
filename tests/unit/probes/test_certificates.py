from __future__ import annotations

import ssl
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ddd.probes.web.certificates import Certificate, read_certificate
from tests.lab.svc.tls import Authority

START = datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC)
FAR_END = datetime(2099, 12, 31, 23, 59, 59, tzinfo=UTC)  # written with four digits of the year


@pytest.fixture(scope="module")
def der(tmp_path_factory) -> bytes:
    authority = Authority(tmp_path_factory.mktemp("der") / "ca", "Our Authority")
    sans = ["a.example", "*.b.example", "10.0.0.1", "2001:db8::1", "spiffe://x/y"]
    pair = authority.issue("Shöp", sans, not_before=START, not_after=FAR_END)
    return ssl.PEM_cert_to_DER_cert(pair.cert.read_text())


def test_a_certificate_is_read(der):
    assert read_certificate(der) == Certificate(
        subject="Shöp",
        issuer="Our Authority",
        names=("a.example", "*.b.example", "10.0.0.1", "2001:db8::1"),
        not_before=START,
        not_after=FAR_END,
        self_signed=False,
        key="EC 256",
        signature="sha256",
    )


def test_days_left_fall_below_zero_after_the_end(der):
    certificate = read_certificate(der)

    assert certificate.days_left(FAR_END - timedelta(hours=36)) == 1.5
    assert certificate.days_left(FAR_END + timedelta(days=3)) == -3


@given(at=st.integers(0, 300), byte=st.integers(0, 255), cut=st.integers(0, 600))
def test_a_damaged_certificate_is_a_value_error_or_read(der, at, byte, cut):
    damaged = bytearray(der)
    damaged[at] = byte
    with suppress(ValueError):
        read_certificate(bytes(damaged[:cut]))


@given(noise=st.binary(max_size=300))
def test_noise_is_no_certificate(noise):
    with pytest.raises(ValueError, match=r"not a certificate|unpack"):
        read_certificate(noise)
