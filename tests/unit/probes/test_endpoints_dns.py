from __future__ import annotations

import pytest

from tests.support.http_dns import run_with_name_server

WHERE = "(baselines/prod/endpoints.yaml:4)"
pytestmark = pytest.mark.needs("net", "unshare")


def test_a_name_that_the_server_knows_is_green(tmp_path):
    found = run_with_name_server("knows", tmp_path)

    assert found["outcome"] == "GREEN"


@pytest.mark.parametrize("behaviour", ["no such name", "no address"])
def test_a_name_that_does_not_exist_is_red(tmp_path, behaviour):
    found = run_with_name_server(behaviour, tmp_path)

    assert found["outcome"] == "RED"
    assert found["problems"] == [f"http://shop.example/: no such name: shop.example {WHERE}"]


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [
        ("servfail", "Temporary failure in name resolution"),
        ("refused", "Temporary failure in name resolution"),
        ("dead", "Temporary failure in name resolution"),
        ("none", "Temporary failure in name resolution"),
        ("silent", "no answer within 700 ms"),
    ],
)
def test_a_resolver_that_cannot_tell_is_unknown_in_time(tmp_path, behaviour, reason):
    found = run_with_name_server(behaviour, tmp_path)

    assert found["outcome"] == "UNKNOWN"
    words = f"http://shop.example/: cannot look up shop.example: {reason} {WHERE}\n  hint: ask the"
    assert str(found["unknown"]).startswith(words)
    assert isinstance(found["took_s"], float)
    assert found["took_s"] < 4.5  # glibc gives a silent server up after 5 s
