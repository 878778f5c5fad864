"""`pytest-ddd escalation`: lists, retries, acknowledgements, silences, tests and simulations."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from pytest_ddd import clock, login
from pytest_ddd.baseline.loader import load_baseline
from pytest_ddd.cli.main import main
from pytest_ddd.escalation.evaluation import Mode
from pytest_ddd.escalation.planning import channels_of, plan_of
from pytest_ddd.escalation.telling import Asked, Told, tell
from pytest_ddd.history import runs
from pytest_ddd.history.desk import desk
from pytest_ddd.history.records import RunEnd, RunStart
from pytest_ddd.history.store import Store
from pytest_ddd.history.tally import Tally
from pytest_ddd.outcomes import Outcome
from pytest_ddd.results import CheckResult
from tests.support.results import SCENARIO, result

Say = Callable[..., tuple[int, str]]
ALERT = f"ddd/prod/web1/{SCENARIO}/health_endpoints/down"
RULES = """\
escalation:
  channels:
    pager: {kind: exec, command: [sh, -c, "test -e healed && cat >> heard.jsonl && echo >> heard.jsonl"]}
  rules:
    down: {when: [RED], notify: [pager], remind: 1s}
"""


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A site whose pager refuses everything until the file `healed` is there."""
    monkeypatch.chdir(tmp_path)
    prod = tmp_path / "baselines" / "prod"
    prod.mkdir(parents=True)
    (prod / "hosts.yaml").write_text("hosts: {web1: {connection: 'local://'}}\n")
    (prod / "escalation.yaml").write_text(RULES)
    return tmp_path


@pytest.fixture
def say(site: Path, capsys: pytest.CaptureFixture[str]) -> Say:
    """Run a sub-verb, and return its exit status and what it printed."""

    def run(*args: str) -> tuple[int, str]:
        capsys.readouterr()
        status = main(["escalation", *args])
        return status, "".join(capsys.readouterr())

    return run


def opened(site: Path) -> Store:
    return Store.open(f"sqlite:///{site}/.pytest-ddd/history.db", site)


def ran(site: Path, *results: CheckResult) -> Told:
    """Remember a run that is over, and escalate."""
    now = clock.now()
    with opened(site) as store:
        with store.transaction() as tx:
            start = RunStart(
                run_id=results[0].run_id,
                environment="prod",
                scenario=SCENARIO,
                started_at=results[0].started_at,
            )
            run, tally = runs.begin(tx, start), Tally()
            for seq, one in enumerate(results, start=1):
                tally.add(runs.add(tx, run, seq, one))
            runs.finish(tx, run, RunEnd(finished_at=now, outcome=Outcome.RED), tally)
        baseline = load_baseline(Path("baselines"), "prod")
        asked = Asked(
            plan=plan_of(baseline, Mode.ON, now),
            channels=partial(channels_of, baseline),
            budget_s=60.0,
        )
        return tell(*desk(store, "prod"), asked)


def bad(run: int = 0, ago: timedelta = timedelta(minutes=5)) -> CheckResult:
    return result(run, at=clock.now() - ago)


def heard(site: Path) -> list[str]:
    lines = (site / "heard.jsonl").read_text().splitlines()
    return [json.loads(line)["kind"] for line in lines if line]


def test_outbox_lists_what_has_not_arrived_and_ends_with_75(site: Path, say: Say) -> None:
    ran(site, bad())

    status, text = say("outbox", "--host", "prod")

    assert status == 75
    assert "1 message undelivered" in text
    assert "dead  prod -> pager" in text
    assert "web1 RED: it is bad" in text
    assert f"{ALERT}  firing" in text


def test_outbox_of_a_healthy_site_is_empty(site: Path, say: Say) -> None:
    ran(site, result(0, "GREEN"))

    assert say("outbox") == (0, "0 messages undelivered\n0 alerts open\n")


def test_a_site_that_never_ran_has_nothing_to_see_to(say: Say) -> None:
    status, text = say("outbox")

    assert status == 4
    assert "nothing was run here yet" in text


def test_retry_sends_what_was_dead(site: Path, say: Say) -> None:
    ran(site, bad())
    (site / "healed").touch()

    status, text = say("retry", "--host", "prod")

    assert (status, heard(site)) == (0, ["trigger"])
    assert "1 message delivered" in text


def test_retry_of_what_is_not_there(site: Path, say: Say) -> None:
    ran(site, result(0, "GREEN"))

    status, text = say("retry", "7", "--host", "prod")

    assert status == 4
    assert "no undelivered message 7" in text


def test_flush_leaves_dead_messages_alone(site: Path, say: Say) -> None:
    ran(site, bad())
    (site / "healed").touch()

    status, text = say("outbox", "--flush", "--host", "prod")

    assert status == 75
    assert "0 messages delivered" in text


def test_ack_of_a_dead_message_gives_it_up(site: Path, say: Say) -> None:
    ran(site, bad())

    assert say("ack", "1")[0] == 0
    assert say("outbox")[0] == 0
    assert say("ack", "1")[0] == 4


def test_ack_of_an_alert_stops_its_reminders(
    site: Path, say: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    (site / "healed").touch()
    ran(site, bad())

    status, text = say("ack", ALERT, "--for", "2h", "--reason", "looking")
    later = clock.now() + timedelta(hours=1)
    monkeypatch.setattr(clock, "now", lambda: later)
    told = ran(site, bad(1))

    assert status == 0
    assert "acknowledged until" in text
    assert [str(one.suppressed) for one in told.evaluation.decisions] == ["acknowledged"]
    assert heard(site) == ["trigger"]


def test_ack_of_what_is_not_open(site: Path, say: Say) -> None:
    ran(site, result(0, "GREEN"))

    status, text = say("ack", "ddd/prod/web9/x/down")

    assert status == 4
    assert "no open alert" in text


def test_what_nobody_looks_at_any_more_is_closed_by_a_person(site: Path, say: Say) -> None:
    """The end is told with the reason, and once; whoever looks and finds it bad opens it anew."""
    (site / "healed").touch()
    ran(site, bad())
    listed = rf"{ALERT}  firing, looked at 5m( \d+s)? ago: RED: it is bad"
    assert re.search(listed, say("outbox")[1])

    status, text = say("close", ALERT, "--reason", "retired, CHG-456")
    assert status == 0
    assert text == (
        "closed: RED: it is bad\nits end is told by the next run, or by: pytest-ddd schedule tick\n"
    )
    for run in (1, 2):
        ran(site, replace(result(run, "GREEN"), target="web2"))
    assert heard(site) == ["trigger", "resolve"]
    assert f"; closed by {login.name()}: retired, CHG-456" in (site / "heard.jsonl").read_text()
    assert say("outbox") == (0, "0 messages undelivered\n0 alerts open\n")

    ran(site, bad(3, timedelta(minutes=1)))
    assert heard(site) == ["trigger", "resolve", "trigger"]


def test_what_nobody_was_told_of_is_closed_as_well(site: Path, say: Say) -> None:
    rules = RULES.replace("notify: [pager],", "runs: 3, notify: [pager],")
    (site / "baselines/prod/escalation.yaml").write_text(rules)
    ran(site, bad())
    listed = rf"{ALERT}  soft, nobody was told, looked at 5m( \d+s)? ago: RED: it is bad"
    assert re.search(listed, say("outbox")[1])

    assert say("close", ALERT, "--reason", "gone") == (0, "closed: RED: it is bad\n")
    assert say("outbox") == (0, "0 messages undelivered\n0 alerts open\n")


def test_close_of_what_is_not_open(site: Path, say: Say) -> None:
    ran(site, bad())
    assert say("close", ALERT, "--reason", "gone")[0] == 0

    for name in (ALERT, "ddd/prod/web9/x/down"):
        status, text = say("close", name, "--reason", "gone")
        assert status == 4
        assert f"no open alert {name}" in text


def test_a_silence_holds_is_listed_counted_and_ended(site: Path, say: Say) -> None:
    (site / "healed").touch()
    opened(site).close()
    _, text = say("silence", "--target", "web*", "--for", "2h", "--reason", "CHG-123")
    name = text.split()[1]

    told = ran(site, bad())
    _, listed = say("silence")
    say("silence", "--end", name)
    ran(site, bad(1, timedelta(minutes=1)))

    assert [str(one.suppressed) for one in told.evaluation.decisions] == ["silence"]
    assert "target=web*" in listed
    assert "CHG-123; 1 message stopped so far" in listed
    assert heard(site) == ["trigger"]


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("--target", "web1"), "needs an end and a reason"),
        (("--target", "web1", "--for", "2h"), "needs an end and a reason"),
        (("--for", "2h", "--reason", "x"), "a silence of everything is refused"),
        (("--target", "w", "--for", "31d", "--reason", "x"), "30 days at most"),
        (("--end", "nothing"), "no silence nothing"),
    ],
)
def test_silences_that_are_refused(site: Path, say: Say, args: tuple[str, ...], words: str) -> None:
    opened(site).close()

    status, text = say("silence", *args)

    assert status == 4
    assert words in text


@pytest.mark.parametrize("how_long", ["2", "soon", "0s"])
def test_a_time_that_is_none(say: Say, how_long: str) -> None:
    with pytest.raises(SystemExit) as ended:
        say("silence", "--target", "x", "--for", how_long, "--reason", "x")

    assert ended.value.code == 4


def test_a_channel_is_tried(site: Path, say: Say) -> None:
    (site / "healed").touch()

    status, text = say("test", "pager", "--host", "prod")

    assert (status, heard(site)) == (0, ["trigger", "resolve"])
    assert "resolve ddd/prod/test/" in text


def test_a_channel_that_refuses(say: Say) -> None:
    status, text = say("test", "pager", "--host", "prod")

    assert status == 1
    assert "ended with 1" in text


def test_a_channel_that_does_not_exist(say: Say) -> None:
    status, text = say("test", "pagr", "--host", "prod")

    assert status == 4
    assert "did you mean 'pager'?" in text


def test_simulation_tells_what_other_rules_would_have_sent(site: Path, say: Say) -> None:
    (site / "healed").touch()
    for number in range(4):
        ran(site, bad(number, timedelta(days=9 - number)))
    before = (site / ".pytest-ddd" / "history.db").read_bytes()
    patient = RULES.replace("notify", "runs: 3, notify").replace(", remind: 1s", "")
    (site / "new.yaml").write_text(patient)

    own = say("simulate", "--host", "prod")
    new = say("simulate", "--host", "prod", "--rules", "new.yaml")
    short = say("simulate", "--host", "prod", "--since", "180h", "--rules", "new.yaml")

    assert "4 runs replayed\n  down: 4 messages, 0 stopped" in own[1]
    assert "4 runs replayed\n  down: 1 message, 0 stopped" in new[1]
    assert "2 runs replayed\n  down: 0 messages, 0 stopped" in short[1]
    assert (site / ".pytest-ddd" / "history.db").read_bytes() == before


def test_simulation_names_mistakes_with_their_line(site: Path, say: Say) -> None:
    (site / "new.yaml").write_text(
        "escalation:\n  rules:\n    x: {when: [RED], notify: [nobody]}\n"
    )

    status, text = say("simulate", "--host", "prod", "--rules", "new.yaml")

    assert status == 4
    assert "new.yaml:3: escalation.rules.x.notify[0]: no channel 'nobody'" in text


@pytest.mark.parametrize(
    ("text", "words"),
    [("thresholds: {}\n", "only the section `escalation`"), ("", "empty"), (None, "no such file")],
)
def test_rules_that_are_none(site: Path, say: Say, text: str | None, words: str) -> None:
    if text is not None:
        (site / "new.yaml").write_text(text)

    status, printed = say("simulate", "--host", "prod", "--rules", "new.yaml")

    assert status == 4
    assert words in printed


def test_nothing_without_a_history(say: Say) -> None:
    status, text = say("outbox", "--history", "off")

    assert status == 4
    assert "the history is off" in text
