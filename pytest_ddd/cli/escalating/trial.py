"""Send a test message through a channel, and close it again."""

from __future__ import annotations

import argparse
import uuid
from dataclasses import replace

from pytest_ddd import clock, login
from pytest_ddd.baseline.tree import nearest
from pytest_ddd.cli.printing import say
from pytest_ddd.cli.scheduling.place import add_environment
from pytest_ddd.errors import UsageError

_TIMEOUT_S = 20.0


def configure(parser: argparse.ArgumentParser) -> None:
    """Add what the verb takes."""
    parser.add_argument("channel", metavar="CHANNEL", help="as the baseline names it")
    add_environment(parser)


def run(arguments: argparse.Namespace) -> int:
    """Send trigger and resolve.

    Raises:
        UsageError: there is no such channel.
        DeliveryError: it did not arrive.
    """
    from pytest_ddd.baseline.loader import load_baseline
    from pytest_ddd.escalation.planning import channels_of
    from pytest_ddd.messages import Kind, Message, Severity

    baseline = load_baseline(arguments.baselines, arguments.host)
    channels = channels_of(baseline)
    if arguments.channel not in channels:
        near = nearest(arguments.channel, channels)
        raise UsageError(f"no channel {arguments.channel!r} to try in {baseline.name}{near}")
    name = uuid.uuid4().hex
    trigger = Message(
        message_id=name,
        kind=Kind.TRIGGER,
        severity=Severity.INFO,
        dedup_key=f"ddd/{baseline.name}/test/{name[:8]}",
        summary=f"test of the channel {arguments.channel} by {login.name()}: nothing is wrong",
        environment=baseline.name,
        occurred_at=clock.now(),
    )
    resolve = replace(trigger, message_id=uuid.uuid4().hex, kind=Kind.RESOLVE)
    for message in (trigger, resolve):
        channels[arguments.channel].send(message, timeout_s=_TIMEOUT_S)
        say(f"✓ {message.kind} {message.dedup_key}: accepted")
    return 0
