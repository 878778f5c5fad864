"""Redaction: whatever way a secret is written, it does not come through."""

from __future__ import annotations

import base64
import html
import json
import re
import shlex
import textwrap
import threading
import timeit
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_ddd.plain import visible
from pytest_ddd.redaction import Redactor
from pytest_ddd.redaction_rules import TOKEN

SECRET = "p@ss/wörd +1'\"&x"
PEM = """-----BEGIN OPENSSH PRIVATE KEY-----
b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZW
QyNTUxOQAAACDcanarycanarycanarycanarycanarycanarycanarycanarycanaryAAAA
-----END OPENSSH PRIVATE KEY-----
"""

FORMS = {
    "plain": SECRET,
    "url": quote(SECRET),
    "url, whole": quote(SECRET, safe=""),
    "url, lower case": re.sub("%..", lambda match: match[0].lower(), quote(SECRET, safe="")),
    "form": quote_plus(SECRET),
    "json": json.dumps(SECRET)[1:-1],
    "json, not ascii": json.dumps(SECRET, ensure_ascii=False)[1:-1],
    "json in json": json.dumps(json.dumps(SECRET))[3:-3],
    "shell": shlex.quote(SECRET),
    "python": repr(SECRET)[1:-1],
    "html": html.escape(SECRET),
    "base64": base64.b64encode(SECRET.encode()).decode().rstrip("="),
    "base64 for urls": base64.urlsafe_b64encode(SECRET.encode()).decode().rstrip("="),
    "hexadecimal": SECRET.encode().hex(),
    "HEXADECIMAL": SECRET.encode().hex().upper(),
}

SLOW = {
    "keywords": "password" * 20_000,
    "one word": "a" * 200_000,
    "colons": "://" + ":" * 100_000,
    "jwt heads": "eyJ" * 50_000,
    "base64 padding": "=" * 200_000,
    "key heads": "-----BEGIN RSA PRIVATE KEY-----" * 3_000,
    "key tail": "A" * 100_000 + "-----END RSA PRIVATE KEY",
    "newlines": "\n" * 100_000,
    "spaces": "password" + " " * 100_000 + "\n",
    "hash heads": "$6$" * 50_000,
    "dashes": "--" * 100_000,
    "assignments": "password = " * 20_000,
    "headers": "authorization: " * 10_000,
    "basic": "basic " * 30_000,
}


@pytest.fixture
def redactor() -> Redactor:
    redactor = Redactor(key=b"k" * 32)
    assert redactor.register(SECRET, "password")
    return redactor


@pytest.mark.parametrize("form", FORMS)
def test_a_registered_value_is_found_however_it_is_written(redactor: Redactor, form: str) -> None:
    written = FORMS[form]
    scrubbed = redactor.scrub(f"before {written} after")
    assert (
        TOKEN.sub("", scrubbed).strip("'\" ")
        in (
            "before  after",
            f"before {written[-1:]} after",  # the last base64 digit also holds bits of what follows
            f"before {written[-2:]} after",
        )
    )


@pytest.mark.parametrize("user", ["a", "ab", "abc", "abcd"])
def test_a_registered_value_inside_base64_is_found_at_every_place(user: str) -> None:
    redactor = Redactor()
    redactor.register("correct-horse-battery")
    encoded = base64.b64encode(f"{user}:correct-horse-battery:rest".encode()).decode()
    scrubbed = redactor.scrub(f"header {encoded}")
    assert TOKEN.search(scrubbed)


@given(st.text(st.characters(codec="utf-8"), min_size=8, max_size=40))
@settings(max_examples=200)
def test_no_registered_value_comes_through(secret: str) -> None:
    redactor = Redactor()
    if redactor.register(secret):
        text = f"x {secret} {quote(secret)} {json.dumps(secret)} {shlex.quote(secret)} x"
        assert visible(secret).strip() not in TOKEN.sub("", redactor.clean(text))


def test_a_value_broken_over_lines_is_found() -> None:
    redactor = Redactor()
    redactor.register("abcdefghijklmnopqrstuvwxyz0123456789")
    wrapped = textwrap.fill("x abcdefghijklmnopqrstuvwxyz0123456789 y", 12, subsequent_indent="   ")
    assert TOKEN.sub("", redactor.scrub(wrapped)).split() == ["x", "y"]


def test_base64_broken_over_lines_is_found() -> None:
    redactor = Redactor()
    secret = "a-secret-that-is-long-enough-to-be-wrapped-by-base64-at-seventy-six-characters"
    redactor.register(secret)
    wrapped = base64.encodebytes(secret.encode()).decode()
    assert TOKEN.sub("", redactor.scrub(wrapped)).strip(" =\n") in ("", "cw", "w", "M", "z")


def test_a_value_broken_over_lines_many_times_costs_little() -> None:
    redactor = Redactor()
    redactor.register("abcdefghijklmnopqrstuvwxyz0123456789")
    text = "x abcdefghijklmnopqr\n  stuvwxyz0123456789 y\n" * 5_000
    assert timeit.timeit(lambda: redactor.scrub(text), number=1) < 2


def test_each_line_of_a_value_of_several_lines_is_found() -> None:
    redactor = Redactor()
    redactor.register("first line of it\nsecond line of it")
    assert "second" not in redactor.scrub("log: second line of it.")


def test_indented_lines_of_a_value_of_several_lines_are_found() -> None:
    redactor = Redactor()
    redactor.register("first line of it\nsecond line of it")
    assert "line" not in redactor.scrub("a: |\n    first line of it\n    second line of it\n")


def test_a_secret_inside_a_longer_one_leaves_no_rest() -> None:
    redactor = Redactor()
    redactor.register("tiger")
    redactor.register("tiger-and-lion")
    assert "lion" not in redactor.scrub("tiger-and-lion")


def test_a_value_too_short_to_look_for_is_refused() -> None:
    assert not Redactor().register("abc")


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("postgres://bob:hunter2@db/x", "hunter2"),
        ("https://u:p@ss@host/", "p@ss"),
        ("Authorization: Bearer abc.def.123", "abc.def.123"),
        ("curl -H 'authorization: Basic dXNlcjpwYXNz'", "dXNlcjpwYXNz"),
        ('Authorization: Digest username="u", response="r35p"', "r35p"),
        ("got bearer 0123456789abcdef", "0123456789abcdef"),
        ("Set-Cookie: sid=123456; Path=/", "123456"),
        ("jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl ok", "c2lnbmF0dXJl"),
        ("key AKIAIOSFODNN7EXAMPLE", "AKIAIOSFODNN7EXAMPLE"),
        ("ghp_16C7e42F292c6912E7710c838347Ae178B4a", "16C7e42F"),
        ("github_pat_11ABCDEFG0abcdefghijkl_xyz", "11ABCDEFG0"),
        ("xoxb-123456789012-abcdef", "123456789012"),
        ("https://hooks.slack.com/services/T000/B000/XXXXXXXX", "XXXXXXXX"),
        ("root:$6$abc$defghijklmno:19000:0", "defghijklmno"),
        ("u:$2b$12$abcdefghijklmnopqrstuv", "abcdefghijklmnop"),
        ("h:$y$j9T$F5Jx5fExrKuPp53xLKQ..1$X3DX6M94", "X3DX6M94"),
        ("Server=db;Uid=bob;Pwd=hunter2;", "hunter2"),
        ("host=db password=hunter2 sslmode=require", "hunter2"),
        ("password='two words'", "two words"),
        ('{"password": "two words", "b": 1}', "two words"),
        (r"{\"password\": \"two words\"}", "two words"),
        ("password: hunter2", "hunter2"),
        ("DB_PASSWORD=hunter2", "hunter2"),
        ("AWS_SECRET_ACCESS_KEY=abc/def+1", "abc/def+1"),
        ("api_key: abc123", "abc123"),
        ("mysql --password hunter2 -e x", "hunter2"),
        ("curl -u bob:hunter2 http://x", "hunter2"),
        ("sshpass -p hunter2 ssh x", "hunter2"),
        ("https://host/login?token=abc123&x=1", "abc123"),
        (PEM, "canary"),
        (PEM.replace("\n", "\\n"), "canary"),
        (PEM[:-40], "canary"),
        (PEM[40:], "canary"),
    ],
)
def test_what_looks_like_a_secret_is_taken_out(text: str, secret: str) -> None:
    scrubbed = Redactor().scrub(text)
    assert secret not in scrubbed
    assert TOKEN.search(scrubbed)


@pytest.mark.parametrize(
    "text",
    [
        "disk /var 93 % >= crit 90 % (baselines/prod/thresholds.yaml:12)",
        "ssh://ops@10.0.0.1:22",
        "http://host:80/x?mail=a@b",
        "PasswordAuthentication no",
        "Failed password for root from 10.0.0.9",
        "password is required",
        "/etc/passwd: owner root, expected root",
        "PWD=/root",
        "password_file=/etc/restic.pass",
        "--password-file /etc/restic.pass",
        "invalid token: unexpected end",
        "PASS_MAX_DAYS 99999",
        "pass 3, fail 0",
        "cost $5 and $6",
        "the key is in /run/secrets/db",
        "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
    ],
)
def test_ordinary_text_stays(text: str) -> None:
    assert Redactor().scrub(text) == text


@given(st.text(st.sampled_from("pass word=:'\"/@$«»redacted{}-\n token 12ab"), max_size=60))
@settings(max_examples=300)
def test_scrubbing_twice_changes_nothing(text: str) -> None:
    redactor = Redactor(key=b"k" * 32)
    redactor.register("pass word")
    once = redactor.scrub(text)
    assert redactor.scrub(once) == once


def test_a_known_secret_in_a_secret_place_does_not_shield_the_rest() -> None:
    redactor = Redactor()
    redactor.register("known-one")
    assert "other" not in redactor.scrub("Cookie: a=known-one; b=other-one")


@pytest.mark.parametrize(
    "key",
    [
        *("password", "db_password", "apiKey", "API-KEY", "secret", "Authorization", "cookies"),
        *("passwd", "pass", "privateKey", "aws_secret_access_key", "credentials", "session_id"),
    ],
)
def test_the_value_of_a_secret_key_is_taken_out(key: str) -> None:
    assert Redactor().scrub({key: "plain words"})[key] != "plain words"


@pytest.mark.parametrize(
    "key", ["password_file", "password_max_days", "sessions", "compass", "keyboard", "token_count"]
)
def test_a_key_that_speaks_about_a_secret_keeps_its_value(key: str) -> None:
    assert Redactor().scrub({key: "30"}) == {key: "30"}


def test_a_number_under_a_secret_key_is_taken_out() -> None:
    assert Redactor().scrub({"password": 123456})["password"] != 123456


def test_every_level_of_nesting_is_scrubbed(redactor: Redactor) -> None:
    value = {"a": [{"b": ("x", SECRET)}], SECRET: {"passwords": ["one", "two"]}}
    written = repr(redactor.scrub(value))
    assert not any(secret in written for secret in (SECRET, "p@ss", "one", "two"))


def test_other_values_stay_as_they_are(redactor: Redactor) -> None:
    value: dict[str, object] = {"a": 1, "b": 1.5, "c": None, "d": True, "e": []}
    assert redactor.scrub(value) == value


def test_equal_secrets_look_equal_within_a_run() -> None:
    redactor = Redactor()
    assert redactor.scrub("password=hunter2") == redactor.scrub("password=hunter2")


def test_equal_secrets_look_different_in_two_runs() -> None:
    assert Redactor().scrub("password=hunter2") != Redactor().scrub("password=hunter2")


def test_processes_of_one_run_share_a_key() -> None:
    controller, worker = Redactor(), Redactor()
    worker.use_key(controller.key)
    assert worker.scrub("password=hunter2") == controller.scrub("password=hunter2")


def test_secrets_may_be_registered_while_others_scrub() -> None:
    redactor = Redactor()
    secrets = [f"secret-number-{number:04d}" for number in range(60)]
    leaks: list[str] = []

    def register_and_scrub(secret: str) -> None:
        redactor.register(secret)
        if secret in redactor.scrub(f"a {secret} b"):
            leaks.append(secret)

    threads = [threading.Thread(target=register_and_scrub, args=(one,)) for one in secrets]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert leaks == []


def test_what_was_clean_before_a_value_was_known_is_cleaned_again() -> None:
    redactor = Redactor()
    before = redactor.knowledge
    assert redactor.clean("it says plover-xyzzy") == "it says plover-xyzzy"
    assert redactor.knowledge is before
    redactor.register("plover-xyzzy")
    assert redactor.knowledge is not before
    assert "plover" not in redactor.clean("it says plover-xyzzy")


def test_a_text_without_secrets_costs_little() -> None:
    redactor = Redactor()
    for number in range(10):
        redactor.register(f"secret-number-{number:04d}")
    text = ("disk /var 93 % >= crit 90 % (baselines/prod/thresholds.yaml:12) " * 4)[:200]
    best_s = min(timeit.repeat(lambda: redactor.scrub(text), number=500, repeat=5)) / 500
    assert best_s < 100e-6


@pytest.mark.parametrize("shape", SLOW)
def test_no_text_makes_scrubbing_slow(shape: str) -> None:
    redactor = Redactor()
    redactor.register("first line of it\nsecond line of it")
    assert timeit.timeit(lambda: redactor.scrub(SLOW[shape]), number=1) < 2


@pytest.mark.parametrize("gap", ["\n", "\r\n", "\\n", "\\\\n", "\\r\\n", "\\\n    "])
def test_a_value_split_by_a_line_break_goes_however_the_break_is_written(gap: str) -> None:
    redactor = Redactor()
    redactor.register("canary/4711")
    assert "4711" not in redactor.scrub(f"x canary/{gap}4711 y")


def test_a_last_look_finds_what_redaction_would_have_replaced() -> None:
    redactor = Redactor()
    assert redactor.finds("canary/4711") == ""
    redactor.register("canary/4711", "password")
    for text in ("x canary/4711", "canary/\\n4711", "Y2FuYXJ5LzQ3MTE", "canary%2F4711"):
        assert redactor.finds(text) == "password", text
    assert redactor.finds(redactor.scrub("x canary/4711")) == ""


def test_a_line_of_sudoers_is_no_secret() -> None:
    """It is what a hint asks a person to type."""
    line = "ops ALL=(root) NOPASSWD: /bin/sh"

    assert Redactor().scrub(line) == line
