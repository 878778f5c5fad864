"""Hostspecs: what they mean, and how mistakes in them are told."""

from __future__ import annotations

from dataclasses import asdict

import pytest

from pytest_ddd.connections import ConnectionSpec, parse_hostspec
from pytest_ddd.errors import UsageError


@pytest.mark.parametrize(
    ("hostspec", "fields"),
    [
        ("ssh://web1", {"kind": "ssh", "address": "web1"}),
        ("ops@web1", {"kind": "ssh", "address": "web1", "user": "ops"}),
        ("web1:2222", {"kind": "ssh", "address": "web1", "port": 2222}),
        ("ssh://ops@10.0.0.1:22?sudo=true", {"user": "ops", "port": 22, "sudo": True}),
        ("ssh://[fe80::1]:22", {"address": "fe80::1", "port": 22}),
        ("ssh://DOM%5Cops@web1", {"user": "DOM\\ops"}),
        ("ssh://web1?sudo_user=www-data&sudo=true", {"sudo_user": "www-data", "sudo": True}),
        ("ssh://web1?timeout=3", {"connect_timeout_s": 3.0}),
        ("ssh://web1?command_timeout=2m", {"command_timeout_s": 120.0}),
        ("ssh://web1?ssh_config=/x&ssh_identity_file=/k", {"ssh_config": "/x"}),
        ("local://", {"kind": "local", "address": ""}),
        ("docker://app@Web_1", {"kind": "docker", "address": "Web_1", "user": "app"}),
        (
            "kubectl://pod-1?namespace=shop&container=c&context=k&kubeconfig=/f",
            {"namespace": "shop", "container": "c", "context": "k", "kubeconfig": "/f"},
        ),
        ("winrm://admin:pw@win1:5986?no_ssl=true", {"kind": "winrm"}),
    ],
)
def test_hostspec_is_read(hostspec: str, fields: dict[str, object]) -> None:
    spec = asdict(parse_hostspec(hostspec, name="n"))
    assert {key: spec[key] for key in fields} == fields


@pytest.mark.parametrize(
    ("hostspec", "message"),
    [
        ("shh://web1", "hint: write ssh://"),
        ("ssh://web1?sudoo=true", "did you mean sudo?"),
        ("ssh://web1?sudo=yes", "write sudo=true or sudo=false"),
        ("ssh://web1?timeout=soon", "not a duration"),
        ("ssh://web1?timeout=0", "more than 0"),
        ("ssh://web1:99999", "Port out of range"),
        ("ssh://web1:ssh", "Port could not be cast"),
        ("ssh://", "no address"),
        ("ssh://ops@", "no address"),
        ("ssh://-oProxyCommand=x", "cannot be an address"),
        ("ssh://web1%20x", "cannot be an address"),
        ("ssh://ops:secret@web1", "a hostspec holds no password"),
        ("local://web1", "local has no address"),
        ("docker://web1:80", "a port makes sense for ssh only"),
        ("docker://web1?namespace=x", "unknown option 'namespace'"),
        ("kubectl://me@pod", "kubectl exec takes no user"),
        ("ssh://web1?sudo=true&sudo_user=x;id", "no account for sudo"),
        ("ssh://web1?ssh_config=-x", "no usable value"),
    ],
)
def test_mistake_is_told(hostspec: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_hostspec(hostspec, name="n")
    assert message in str(caught.value)


def test_password_is_not_repeated() -> None:
    with pytest.raises(UsageError) as caught:
        parse_hostspec("ssh://ops:hunter2@web1")
    assert "hunter2" not in str(caught.value)


def test_name_defaults_to_the_hostspec() -> None:
    assert parse_hostspec("ssh://web1").label == "ssh://web1"


def test_password_source_is_not_shown() -> None:
    spec = ConnectionSpec(name="n", kind="ssh", hostspec="x", sudo_password=lambda: "hunter2")
    assert "sudo_password" not in repr(spec)
