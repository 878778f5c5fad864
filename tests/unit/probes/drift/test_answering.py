"""What /proc/net says about a connection from this host to one of its own ports."""

from __future__ import annotations

import pytest

from pytest_ddd.probes.drift.answering import connection_state, unread_bytes

CLIENT, SERVER = "0100007F:9C40", "0100007F:0050"
MAPPED = "0000000000000000FFFF0000"


def row(local: str, remote: str, state: str, inode: int) -> str:
    return f" 1: {local} {remote} {state} 00000000:00000000 00:00000000 00000000 0 0 {inode} 1 x\n"


@pytest.mark.parametrize(
    ("client", "server", "inode", "expected"),
    [
        ("01", "01", 7, "taken"),
        ("01", "01", 0, "waiting"),
        ("01", "03", 0, "deferred"),
        ("08", "05", 0, "taken"),
    ],
)
def test_both_ends_tell_whether_a_program_took_it(
    client: str, server: str, inode: int, expected: str
) -> None:
    look = row(CLIENT, SERVER, client, 9) + row(SERVER, CLIENT, server, inode)
    assert connection_state(look, 80) == expected


def test_full_queue_keeps_the_client_asking() -> None:
    assert connection_state(row(CLIENT, SERVER, "02", 9), 80) == "waiting"


def test_server_of_both_families_shows_ipv4_within_ipv6() -> None:
    server = row(f"{MAPPED}{SERVER}", f"{MAPPED}{CLIENT}", "01", 0)
    assert connection_state(row(CLIENT, SERVER, "01", 9) + server, 80) == "waiting"


def test_one_waiting_connection_outweighs_those_that_were_taken() -> None:
    older = "0100007F:9C41"
    look = row(older, SERVER, "01", 9) + row(SERVER, older, "01", 7)
    look += row(CLIENT, SERVER, "01", 9) + row(SERVER, CLIENT, "01", 0)
    assert connection_state(look, 80) == "waiting"


def test_no_connection_at_all_was_dropped() -> None:
    assert connection_state(row(SERVER, "00000000:0000", "0A", 7), 80) == "dropped"


def test_unread_datagrams_are_added_up() -> None:
    text = row("00000000:0035", "00000000:0000", "07", 7).replace(":00000000 00:", ":00000300 00:")
    assert unread_bytes(text * 2, 53) == 0x600


def test_port_that_nobody_has_holds_nothing() -> None:
    assert unread_bytes("", 53) is None
