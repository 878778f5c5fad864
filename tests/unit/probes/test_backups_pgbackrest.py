"""Backups of pgBackRest, by what version 2.45 really printed: info and verify were recorded."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pytest_ddd import clock
from pytest_ddd.connections import Connections
from pytest_ddd.errors import CannotLookError
from pytest_ddd.probes.backup_tools import pgbackrest
from pytest_ddd.probes.backups import Backup
from tests.unit.probes.backup_site import GREEN, RED, backup, check, texts

RECORDED = Path(__file__).with_name("pgbackrest_info.json").read_text()
NO_STANZA = (
    '[{"archive":[],"backup":[],"cipher":"none","db":[],"name":"demo","repo":[{"cipher":"none",'
    '"key":1,"status":{"code":1,"message":"missing stanza path"}}],"status":{"code":1,"lock":'
    '{"backup":{"held":false}},"message":"missing stanza path"}}]'
)
EMPTY = NO_STANZA.replace('"code":1', '"code":2').replace("missing stanza path", "no valid backups")
LATEST = datetime.fromtimestamp(1795469226, UTC)
VERIFY = """\
2026-11-23 21:27:06.998 P00   INFO: stanza: demo
                                    status: {status}
                                      archiveId: 15-1, total WAL checked: 6, total valid WAL: 6
                                        missing: 0, checksum invalid: 0, size invalid: 0, other: 0
                                      backup: 20261123-212658F, status: {backup}, total files
                                        missing: 0, checksum invalid: {bad}, size invalid: 0, other: 0
2026-11-23 21:27:06.837 P00   INFO: verify command end: completed successfully (234ms)
"""
GOOD = VERIFY.format(status="ok", backup="valid", bad=0)
DAMAGED = VERIFY.format(status="error", backup="invalid", bad=1)

Site = Callable[..., Backup]


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A machine whose pgbackrest prints what was recorded, half an hour after the last backup."""
    now = LATEST.replace(minute=58)
    monkeypatch.setattr(clock, "now", lambda: now)
    connections = Connections({})

    def printing(info: str, verify: str = "", integrity: str = "structure") -> Backup:
        (tmp_path / "info").write_text(info)
        (tmp_path / "verify").write_text(verify)
        tool = tmp_path / "pgbackrest"
        tool.write_text(f'#!/bin/sh\nfor last in "$@"; do :; done\ncat {tmp_path}/$last\n')
        tool.chmod(0o755)
        environment = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
        return backup(
            connections,
            kind="pgbackrest",
            stanza="demo",
            integrity=integrity,
            environment=environment,
        )

    yield printing
    connections.close()


def test_the_last_backup_that_ended_counts(site: Site) -> None:
    outcome, state = check(site(RECORDED))
    assert (outcome, texts(state), state.size.value) == (GREEN, "", 22992374)
    assert "20261123-212658F_20261123-212705I" in state.age.detail
    assert state.shrink is not None


def test_structure_says_that_no_file_is_read(site: Site) -> None:
    _, state = check(site(RECORDED))
    assert state.integrity is not None
    assert "the list of backups only" in state.integrity.expected


@pytest.mark.parametrize("info", [NO_STANZA, EMPTY, "[]"])
def test_no_backup_is_red(site: Site, info: str) -> None:
    assert check(site(info))[0] is RED


def test_verified_files_are_green(site: Site) -> None:
    outcome, state = check(site(RECORDED, GOOD, "data"))
    assert (outcome, texts(state)) == (GREEN, "")


def test_a_damaged_file_is_red_though_verify_exits_with_0(site: Site) -> None:
    outcome, state = check(site(RECORDED, DAMAGED, "data"))
    assert (outcome, "checksum invalid: 1" in texts(state)) == (RED, True)


def test_verify_without_a_result_is_unknown(site: Site) -> None:
    with pytest.raises(CannotLookError, match="no result"):
        site(RECORDED, "INFO: verify command end: completed successfully", "data").read()


def test_a_backup_with_page_errors_is_red(site: Site) -> None:
    recorded = json.loads(RECORDED)
    recorded[0]["backup"][-1]["error"] = True
    outcome, state = check(site(json.dumps(recorded)))
    assert (outcome, "invalid checksums" in texts(state)) == (RED, True)


@pytest.mark.parametrize("text", ["", "{}", "[1]", '[{"name": "demo"}]', RECORDED[:-20]])
def test_what_is_no_answer_is_unknown(text: str) -> None:
    with pytest.raises(CannotLookError):
        pgbackrest.parse(text, "demo", "pgbackrest info", "db1")


def test_a_backup_without_an_end_is_unknown() -> None:
    recorded = json.loads(RECORDED)
    del recorded[0]["backup"][0]["timestamp"]["stop"]
    with pytest.raises(CannotLookError, match="stop is not a whole number"):
        pgbackrest.parse(json.dumps(recorded), "demo", "pgbackrest info", "db1")
