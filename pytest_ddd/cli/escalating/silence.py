"""Stop messages about some alerts for a time, list what is silenced, or end a silence.

The alerts go on: when the silence is over and one is still firing, people are told. The end of
what people were told of is always told.
"""

from __future__ import annotations

import argparse
import uuid
from datetime import datetime
from typing import TYPE_CHECKING

from pytest_ddd import clock, login
from pytest_ddd.alerts import LONGEST_SILENCE, Matcher, Silence
from pytest_ddd.cli.escalating.place import duration
from pytest_ddd.cli.history_place import add_history, open_history
from pytest_ddd.cli.printing import say
from pytest_ddd.errors import UsageError
from pytest_ddd.units import plural

if TYPE_CHECKING:
    from pytest_ddd.history.store import Store

_GLOBS = ("environment", "target", "check", "entry", "rule")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add what the verb takes."""
    for name in _GLOBS:
        parser.add_argument(f"--{name}", default="", metavar="GLOB", help=f"which {name}")
    parser.add_argument(
        "--for", dest="how_long", type=duration, metavar="DURATION", help="how long, at most 30d"
    )
    parser.add_argument("--reason", default="", metavar="TEXT", help="why, for all to read")
    parser.add_argument("--end", default="", metavar="ID", help="end this silence now")
    add_history(parser)


def run(arguments: argparse.Namespace) -> int:
    """Silence, end or list.

    Raises:
        UsageError: a silence of everything, without an end or without a reason.
    """
    now = clock.now()
    matcher = Matcher(**{name: getattr(arguments, name) for name in _GLOBS})
    with open_history(arguments) as store:
        if arguments.end:
            _end(store, arguments.end, now)
        elif arguments.how_long is not None or matcher != Matcher():
            _begin(store, matcher, arguments, now)
        else:
            _list(store, now)
    return 0


def _begin(store: Store, matcher: Matcher, arguments: argparse.Namespace, now: datetime) -> None:
    from pytest_ddd.history import alerts

    if arguments.how_long is None or not arguments.reason:
        raise UsageError("a silence needs an end and a reason", hint="--for 2h --reason TEXT")
    if matcher == Matcher():
        names = ", ".join(f"--{name}" for name in _GLOBS)
        raise UsageError("which alerts? a silence of everything is refused", hint=names)
    if arguments.how_long > LONGEST_SILENCE:
        raise UsageError(f"a silence lasts {LONGEST_SILENCE.days} days at most")
    one = Silence(
        silence_id=uuid.uuid4().hex[:8],
        matcher=matcher,
        starts_at=now,
        ends_at=now + arguments.how_long,
        author=login.name(),
        reason=arguments.reason,
    )
    with store.transaction(durable=True) as tx:
        alerts.silence(tx, one)
    say(f"silence {one.silence_id} until {clock.stamp(one.ends_at)}: {described(matcher)}")


def _end(store: Store, name: str, now: datetime) -> None:
    from pytest_ddd.history import alerts

    with store.transaction(durable=True) as tx:
        if alerts.end_silence(tx, name, now) is None:
            raise UsageError(f"no silence {name}", hint="pytest-ddd escalation silence")
    say(f"silence {name} is over")


def _list(store: Store, now: datetime) -> None:
    from pytest_ddd.history import alerts

    with store.reading() as tx:
        found = alerts.silences(tx, now)
    say(plural(len(found), "silence"))
    for one in found:
        say(f"  {one.silence_id}  until {clock.stamp(one.ends_at)}  {described(one.matcher)}")
        say(f"      {one.author}: {one.reason}; {plural(one.hits, 'message')} stopped so far")


def described(matcher: Matcher) -> str:
    """Return a matcher as people read it: `target=web1 check=health*`."""
    globs = ((name, getattr(matcher, name)) for name in _GLOBS)
    return " ".join(f"{name}={glob}" for name, glob in globs if glob)
