"""Programs as channels: their exit status says what became of the message."""

from __future__ import annotations

import json
import sys

import pytest

from pytest_ddd.escalation.channels.exec import Exec
from pytest_ddd.messages import DeliveryError, NotNowError
from tests.lab.proc import wait_for


def program(settings, text: str, *words: str) -> Exec:
    return Exec("own", settings(kind="exec", command=[sys.executable, "-c", text, *words]))


def test_it_reads_the_message_as_json(settings, trigger, tmp_path) -> None:
    copy = "import sys; open(sys.argv[1], 'w').write(sys.stdin.read())"

    program(settings, copy, str(tmp_path / "said")).send(trigger, timeout_s=60)

    said = json.loads((tmp_path / "said").read_text())
    assert (said["kind"], said["occurred_at"]) == ("trigger", "2026-11-23T07:30:00.000000Z")


def test_75_asks_for_another_try(settings, trigger) -> None:
    with pytest.raises(NotNowError, match="ended with 75: later"):
        program(settings, "import sys; print('later', file=sys.stderr); sys.exit(75)").send(
            trigger, timeout_s=60
        )


@pytest.mark.parametrize("end", ["sys.exit(1)", "sys.exit(99)", "os.kill(os.getpid(), 9)"])
def test_every_other_status_is_final(settings, trigger, end: str) -> None:
    with pytest.raises(DeliveryError) as caught:
        program(settings, f"import os, sys; {end}").send(trigger, timeout_s=60)

    assert not isinstance(caught.value, NotNowError)


def test_a_program_that_does_not_exist_is_named(settings, trigger) -> None:
    with pytest.raises(DeliveryError, match="/no/such cannot run: No such file"):
        Exec("own", settings(kind="exec", command=["/no/such"])).send(trigger, timeout_s=60)


def test_a_program_that_hangs_is_killed_with_its_children(settings, trigger, tmp_path) -> None:
    pids = tmp_path / "pids"
    fork = (
        "import os, sys, time\n"
        "child = os.fork()\n"
        "if child: open(sys.argv[1], 'w').write(str(child))\n"
        "time.sleep(600)"
    )

    with pytest.raises(NotNowError, match="did not end within"):
        program(settings, fork, str(pids)).send(trigger, timeout_s=8)

    child = int(pids.read_text())
    assert wait_for(lambda: _ended(child), 30)


def test_a_child_that_stays_behind_holds_nobody_up(settings, trigger) -> None:
    fork = "import os, time\nif os.fork() == 0: time.sleep(600)"

    program(settings, fork).send(trigger, timeout_s=60)


def test_a_program_that_reads_nothing_is_fine(settings, trigger) -> None:
    program(settings, "").send(trigger, timeout_s=60)


def _ended(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as stat:  # noqa: PTH123
            return stat.read().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True
