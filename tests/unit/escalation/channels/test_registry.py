"""The registry: built-in kinds, and kinds that a package brings."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from pytest_ddd.baseline.sections.escalation import KINDS
from pytest_ddd.escalation.channels.registry import open_channels
from pytest_ddd.messages import DeliveryError, Message


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An installed package that brings the kinds `pigeon` and `broken`."""
    (tmp_path / "pigeon.py").write_text(
        "SENT = []\n"
        "class Pigeon:\n"
        "    def __init__(self, name, settings): self.loft = settings.options['loft']\n"
        "    def send(self, message, *, timeout_s): SENT.append((self.loft, message))\n"
    )
    info = tmp_path / "pigeon-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: pigeon\nVersion: 1\n")
    (info / "entry_points.txt").write_text(
        "[pytest_ddd.channels]\npigeon = pigeon:Pigeon\nbroken = no_such_module:x\n"
    )
    monkeypatch.syspath_prepend(tmp_path)


def test_every_kind_that_a_baseline_may_name_opens(settings) -> None:
    url = "https://x"
    made = {
        kind: settings(kind=kind, url=url, key={"env": "DDD_TEST_KEY"}, command=["true"])
        for kind in KINDS
    }

    assert set(open_channels(made)) == set(KINDS)


@pytest.mark.usefixtures("package")
def test_a_package_brings_its_own_kind(settings, trigger: Message) -> None:
    channels = open_channels({"birds": settings(kind="pigeon", options={"loft": "north"})})

    channels["birds"].send(trigger, timeout_s=1)

    sent = sys.modules["pigeon"].SENT
    assert sent == [("north", trigger)]


@pytest.mark.usefixtures("package")
def test_a_package_that_cannot_be_imported_is_named(settings) -> None:
    with pytest.raises(DeliveryError, match="'broken' cannot be imported: No module"):
        open_channels({"x": settings(kind="broken")})


def test_a_kind_that_is_gone_is_named(settings) -> None:
    made = settings(kind="syslog").model_copy(update={"kind": "pigeon"})

    with pytest.raises(DeliveryError, match="no kind of channel 'pigeon'"):
        open_channels({"x": made})


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            {"kind": "pagerdtuy"},
            "no kind of channel 'pagerdtuy': it is one of alertmanager, apprise",
        ),
        ({"kind": "pagerduty"}, "needs key"),
        ({"kind": "alertmanager"}, "needs url"),
        ({"kind": "exec"}, "needs command"),
        ({"kind": "webhook", "url": "chat.example"}, "not a URL for webhook"),
        ({"kind": "syslog", "options": {"a": "b"}}, "takes no options"),
        ({"kind": "pagerduty", "key": "literal"}, "a literal secret is refused"),
    ],
)
def test_what_cannot_work_is_refused(settings, words, said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        settings(**words)


def test_opening_imports_no_library_that_is_not_needed() -> None:
    code = (
        "import sys\n"
        "from pytest_ddd.baseline.sections.escalation import Channel\n"
        "from pytest_ddd.escalation.channels.registry import open_channel\n"
        "open_channel('x', Channel(kind='apprise', url='json://x'))\n"
        "open_channel('x', Channel(kind='webhook', url='https://x'))\n"
        "assert not {'apprise', 'requests'} & set(sys.modules)"
    )

    subprocess.run([sys.executable, "-c", code], check=True)
