"""A process that flushes an outbox to PagerDuty; it can die between sending and marking.

python -m tests.support.flusher HISTORY_URL SERVICE_URL [--die]
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from pytest_ddd.baseline.sections.escalation import Channel as Settings
from pytest_ddd.escalation.channels.registry import open_channel
from pytest_ddd.escalation.flushing import flush
from pytest_ddd.escalation.interface import Channel
from pytest_ddd.history.outbox import StoredOutbox
from pytest_ddd.history.store import Store
from pytest_ddd.messages import Message

KEY_NAME = "DDD_TEST_KEY"


class Dying:
    """Sends, and is gone before anybody can write down that it did."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    def send(self, message: Message, *, timeout_s: float) -> None:
        """Send and die."""
        self._channel.send(message, timeout_s=timeout_s)
        os.kill(os.getpid(), signal.SIGKILL)


def pager(url: str) -> Channel:
    """Return a PagerDuty channel to a stand-in; its key is in the environment."""
    settings = {"kind": "pagerduty", "url": url, "key": {"env": KEY_NAME}}
    return open_channel("pager", Settings.model_validate(settings))


if __name__ == "__main__":
    history, service, *options = sys.argv[1:]
    channel = pager(service)
    if "--die" in options:
        channel = Dying(channel)
    with Store.open(history, Path.cwd()) as store:
        print(flush(StoredOutbox(store), {"pager": channel}, budget_s=120.0))
