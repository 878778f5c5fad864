from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from pytest_ddd import clock
from pytest_ddd.outcomes import Outcome
from tests.lab.net import free_port
from tests.lab.svc.tls import Authority, Pair
from tests.support.http_servers import (
    answer,
    dripping,
    greeting,
    raw_dripping,
    relaying,
    replying,
    routing,
    server_context,
    serving,
    silent,
)
from tests.support.http_verdict import Verdict, check, endpoint_of

WHERE = "baselines/prod/endpoints.yaml:4"


@pytest.fixture(scope="module")
def authority(tmp_path_factory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls") / "ours", "Our Authority")


@pytest.fixture(scope="module")
def stranger(tmp_path_factory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls") / "theirs", "Strange Authority")


def checked(pair: Pair, ca: Path, **keys: object) -> tuple[Verdict, str]:
    with serving(replying(answer()), server_context(pair.cert, pair.key)) as server:
        verdict = check(endpoint_of(server.url, ca=str(ca), **keys))
    return verdict, server.url


def in_days(days: float) -> datetime:
    return clock.now() + timedelta(days=days)


def test_a_good_certificate_is_green_and_its_days_are_read(authority):
    verdict, _ = checked(authority.issue("good"), authority.cert)

    assert verdict.outcome is Outcome.GREEN
    assert verdict.answer is not None
    certificate = verdict.answer.certificate
    assert certificate is not None
    assert certificate.value == pytest.approx(60, abs=0.01)
    assert certificate.detail.startswith("localhost, 127.0.0.1, signed by 'Our Authority', valid ")


@pytest.mark.parametrize(
    ("days", "outcome", "words"),
    [
        (20, Outcome.YELLOW, "shop certificate 20 days <= warn 21 days (baselines/prod/endpoints"),
        (6, Outcome.RED, "shop certificate 6 days <= crit 7 days (baselines/prod/endpoints"),
    ],
)
def test_an_expiring_certificate(authority, days, outcome, words):
    pair = authority.issue(f"expires in {days}", not_after=in_days(days))
    limits = {"warn": "21d", "crit": "7d"}
    verdict, _ = checked(pair, authority.cert, certificate=limits)

    assert verdict.outcome is outcome
    assert verdict.problems == ()
    assert verdict.judged[1].startswith(words)


def test_an_expired_certificate_is_red_with_its_date(authority):
    end = in_days(-3)
    verdict, url = checked(authority.issue("expired", not_after=end), authority.cert)

    assert verdict.outcome is Outcome.RED
    words = f"certificate expired on {end:%Y-%m-%d} (3 days ago)"
    assert verdict.problems == (f"{url}: {words} ({WHERE})",)
    assert verdict.judged[1].startswith("shop certificate -3 days <= crit 7 days")


def test_a_certificate_of_the_future_is_red_with_its_date(authority):
    start = in_days(5)
    verdict, url = checked(authority.issue("future", not_before=start), authority.cert)

    assert verdict.outcome is Outcome.RED
    words = f"certificate is not valid before {start:%Y-%m-%d} (in 5 days)"
    assert verdict.problems == (f"{url}: {words} ({WHERE})",)


def test_a_certificate_for_another_name_is_red_with_both(authority):
    pair = authority.issue("other", sans=["other.example", "www.other.example"])
    verdict, url = checked(pair, authority.cert)

    assert verdict.outcome is Outcome.RED
    words = "certificate is for other.example, www.other.example, not for 127.0.0.1"
    assert verdict.problems == (f"{url}: {words} ({WHERE})",)


def test_a_self_signed_certificate_is_red(authority):
    verdict, url = checked(authority.self_signed("lonely"), authority.cert)

    assert verdict.outcome is Outcome.RED
    words = "certificate is signed by itself ('lonely')"
    assert verdict.problems == (f"{url}: {words} ({WHERE})",)


def test_a_certificate_of_an_unknown_authority_is_red(authority, stranger):
    verdict, url = checked(stranger.issue("foreign"), authority.cert)

    assert verdict.outcome is Outcome.RED
    words = (
        "certificate is signed by 'Strange Authority', which is not trusted, or the server does"
        " not send the certificates in between"
    )
    assert verdict.problems == (f"{url}: {words} ({WHERE})",)


def test_a_chain_that_ends_at_an_unknown_root_is_red(authority, stranger):
    pair = stranger.issue("foreign with root").with_chain(stranger.pair)
    verdict, url = checked(pair, authority.cert)

    assert verdict.outcome is Outcome.RED
    words = "certificate of 'Strange Authority' ends at an authority that is not trusted"
    assert verdict.problems == (f"{url}: {words} ({WHERE})",)


def test_a_missing_intermediate_is_red_and_sending_it_heals(authority):
    middle = authority.issue("Middle", is_authority=True)
    leaf = authority.issue("below middle", signer=middle)
    without, _ = checked(leaf, authority.cert)
    healed, _ = checked(leaf.with_chain(middle), authority.cert)

    assert without.outcome is Outcome.RED
    assert "signed by 'Middle', which is not trusted, or the server does" in without.problems[0]
    assert healed.outcome is Outcome.GREEN


def test_an_expired_intermediate_is_red_though_the_certificate_is_valid(authority):
    middle = authority.issue("Old Middle", is_authority=True, not_after=in_days(-1))
    leaf = authority.issue("below old middle", signer=middle)
    verdict, _ = checked(leaf.with_chain(middle), authority.cert)

    assert verdict.outcome is Outcome.RED
    assert "a certificate above the server's is out of its validity" in verdict.problems[0]


def test_without_an_authority_of_ours_the_system_does_not_trust_it(authority):
    pair = authority.issue("unknown to the system")
    with serving(replying(answer()), server_context(pair.cert, pair.key)) as server:
        verdict = check(endpoint_of(server.url))

    assert verdict.outcome is Outcome.RED
    assert "which is not trusted" in verdict.problems[0]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "ca.pem: No such file or directory: the certificate authorities of this endpoint"),
        ("", "ca.pem: holds no certificate authority that can be read"),
        ("garbage", "ca.pem: holds no certificate authority that can be read"),
    ],
)
def test_an_unreadable_authority_file_is_unknown(tmp_path, text, words):
    if text is not None:
        (tmp_path / "ca.pem").write_text(text)
    url = f"https://127.0.0.1:{free_port()}"
    verdict = check(endpoint_of(url, ca=str(tmp_path / "ca.pem")))

    assert verdict.outcome is Outcome.UNKNOWN
    assert f"{words} ({WHERE})\n  hint: " in verdict.unknown


def test_a_machine_without_authorities_is_unknown(monkeypatch, tmp_path):
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    verdict = check(endpoint_of(f"https://127.0.0.1:{free_port()}"))

    assert verdict.outcome is Outcome.UNKNOWN
    assert "this machine has no certificate authorities to verify with" in verdict.unknown


def test_a_refused_certificate_gets_no_request(authority):
    pair = authority.issue("other again", sans=["other.example"])
    with serving(replying(answer()), server_context(pair.cert, pair.key)) as server:
        check(endpoint_of(server.url, ca=str(authority.cert)))

    assert "".join(server.requests) == ""


@pytest.mark.parametrize(
    ("behaviour", "words"),
    [
        pytest.param(silent, "no TLS handshake within 300 ms", id="silent"),
        pytest.param(
            raw_dripping(b"\x16\x03\x03\x10\x00" + b"x" * 4096, interval_s=0.02),
            "no TLS handshake within 300 ms",
            id="drips",
        ),
        pytest.param(greeting(answer()), "the server does not speak TLS", id="plain HTTP"),
        pytest.param(
            greeting(b""),
            "connection closed during the TLS handshake",
            id="closes",
        ),
    ],
)
def test_a_handshake_that_fails_is_red_in_time(behaviour, words):
    with serving(behaviour) as server:
        url = server.url.replace("http:", "https:")
        started_s = clock.monotonic()
        verdict = check(endpoint_of(url, deadline="300ms" if "300 ms" in words else "30s"))
        took_s = clock.monotonic() - started_s

    assert verdict.outcome is Outcome.RED
    assert verdict.problems[0].startswith(f"{url}: {words} (")
    assert took_s < 15


@pytest.mark.parametrize(
    ("quick_bytes", "words"),
    [
        pytest.param(0, "no TLS handshake within 2 s", id="handshake"),
        # A greeting of TLS 1.3 is 517 bytes; what follows it carries the request.
        pytest.param(517, "no answer within 2 s", id="answer"),
    ],
)
def test_tls_records_that_drip_are_red_in_time(authority, quick_bytes, words):
    pair = authority.issue(f"drips after {quick_bytes}")
    with serving(replying(answer()), server_context(pair.cert, pair.key)) as server:
        drip = relaying(server.port, quick_bytes=quick_bytes, interval_s=0.02)
        with serving(drip) as relay:
            url = relay.url.replace("http:", "https:")
            started_s = clock.monotonic()
            verdict = check(endpoint_of(url, ca=str(authority.cert), deadline="2s"))
            took_s = clock.monotonic() - started_s

    assert verdict.outcome is Outcome.RED
    assert verdict.problems[0].startswith(f"{url}: {words} (")
    assert took_s < 15


def test_an_answer_that_drips_inside_tls_is_red_in_time(authority):
    pair = authority.issue("drips inside")
    drip = dripping(answer(), interval_s=0.02)
    with serving(drip, server_context(pair.cert, pair.key)) as server:
        started_s = clock.monotonic()
        verdict = check(endpoint_of(server.url, ca=str(authority.cert), deadline="2s"))
        took_s = clock.monotonic() - started_s

    assert verdict.outcome is Outcome.RED
    assert "no full answer within 2 s (" in verdict.problems[0]
    assert took_s < 15


def test_a_server_with_old_tls_only_is_red(authority):
    import ssl
    import warnings

    pair = authority.issue("old")
    context = server_context(pair.cert, pair.key)
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    with serving(replying(answer()), context) as server:
        verdict = check(endpoint_of(server.url, ca=str(authority.cert)))

    assert verdict.outcome is Outcome.RED
    assert "TLS handshake failed: " in verdict.problems[0]  # the rest is OpenSSL's own words


def test_a_redirect_from_https_to_http_is_red(authority):
    pair = authority.issue("downgrade")
    to = f"http://127.0.0.1:{free_port()}/"
    redirect = answer(b"", status="302 Found", headers=(f"Location: {to}",))
    with serving(routing({"/": redirect}), server_context(pair.cert, pair.key)) as server:
        verdict = check(endpoint_of(f"{server.url}/", ca=str(authority.cert), redirects=3))

    assert verdict.outcome is Outcome.RED
    words = f"redirects from https to http: {to} (baselines/prod/endpoints.yaml:6)"
    assert verdict.problems == (f"{server.url}/: {words}",)


def test_of_several_certificates_on_the_way_the_first_to_end_is_judged(authority):
    short, long = authority.issue("short", not_after=in_days(30)), authority.issue("long")
    with serving(replying(answer()), server_context(long.cert, long.key)) as last:
        redirect = answer(b"", status="302 Found", headers=(f"Location: {last.url}/",))
        context = server_context(short.cert, short.key)
        with serving(replying(redirect), context) as first:
            verdict = check(endpoint_of(first.url, ca=str(authority.cert)))

    assert verdict.outcome is Outcome.GREEN
    assert verdict.answer is not None
    certificate = verdict.answer.certificate
    assert certificate is not None
    assert certificate.value == pytest.approx(30, abs=0.01)
    assert certificate.source == first.url
