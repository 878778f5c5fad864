"""Mistakes in what is written about patches, and what help there is."""

from __future__ import annotations

import pytest

from pytest_ddd.baseline.loader import load_baseline
from pytest_ddd.errors import BaselineError
from tests.unit.baseline.sites import ROOT, entry, write

HOSTS = "hosts: {web1: {connection: 'local://'}}\n"
KEY = "SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU"
MISTAKES = {
    "patches: {a: {}}": "needs exactly one of apt and commands",
    "patches: {a: {apt: {}, batches: [0]}}": "not the size of a batch: 0",
    "patches: {a: {apt: {}, batches: ['101%']}}": "not the size of a batch",
    "patches: {a: {apt: {}, batches: [true]}}": "not the size of a batch: True",
    "patches: {a: {apt: {}, services: ['-x']}}": "not a systemd unit: '-x'",
    "patches: {a: {apt: {}, checks: ['']}}": "must be one line of visible text",
    "rollback: {a: {}}": "needs exactly one of packages, restic and command",
    "rollback: {a: {restic: {repository: r, password: {env: P}, paths: [etc]}}}": "the whole path",
    "rollback: {a: {command: {create: '', verify: v, restore: r}}}": "one line of visible text",
    "maintenance: {a: {}}": "needs a window, or begin and end",
    "maintenance: {a: {begin: x}}": "begin and end belong together",
    "maintenance: {a: {window: 'Tue 2-4'}}": "Tue 02:00-04:00",
    "maintenance: {a: {begin: '', end: x}}": "one line of visible text",
    "approvals: {security-patch-tuesday: {}}": "needs 1 signers with keys of their own",
    f"approvals: {{nothing: {{signers: [{{principal: a, key: '{KEY}'}}]}}}}": "nothing",
}


@pytest.mark.parametrize("text", MISTAKES)
def test_a_mistake_says_what_is_wrong(text: str) -> None:
    write({"prod.yaml": HOSTS + text})

    with pytest.raises(BaselineError) as told:
        load_baseline(ROOT, "prod")
    assert MISTAKES[text] in str(told.value)
    assert "prod.yaml:2" in str(told.value)


def test_what_is_left_out_is_careful() -> None:
    """Security updates only, a canary first, and a boot only where it is asked for."""
    write({"prod.yaml": HOSTS + "patches: {a: {apt: {}}}"})

    model = entry(load_baseline(ROOT, "prod"), "web1", "patches", "a").model
    said = model.model_dump()
    assert said["apt"]["select"] == "security"
    assert said["batches"] == ["1", "25%", "100%"]
    assert said["reboot"]["when"] == "required"
