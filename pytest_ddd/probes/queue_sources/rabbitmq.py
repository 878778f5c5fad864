"""RabbitMQ: all queues of a virtual host by one request to the management API."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

from pytest_ddd import clock
from pytest_ddd.baseline.sections.queues import RabbitMq
from pytest_ddd.errors import CannotLookError
from pytest_ddd.plain import Json
from pytest_ddd.probes.queue_sources.interface import Found
from pytest_ddd.probes.web.ask import Caller, read_json
from pytest_ddd.probes.web.conditions import show

FRESH_S = 1.0
"""An answer of this age is as good as one of now: the API itself is up to 10 s behind."""

_COLUMNS = "name,state,messages,messages_ready,consumers,head_message_timestamp"
_LAME = ("down", "crashed", "stopped", "terminated", "minority")
_NOT_FOUND = 404

Queues = Mapping[str, Mapping[str, Json]]
"""Name -> what the API tells of a queue."""


@dataclass(slots=True)
class _Asked:
    """One request: on its way, or answered at some moment."""

    answer: Future[Queues | None]
    ended_s: float | None = None

    @property
    def counts(self) -> bool:
        """Whether its answer may be taken for one of now."""
        return self.ended_s is None or clock.monotonic() - self.ended_s <= FRESH_S


class Brokers:
    """The brokers of one run; entries that ask the same at the same time share one request.

    Args:
        started_at: when the run began. The API shows numbers of some seconds ago, so it is asked
            only when they cannot be from before the run.
    """

    def __init__(self, started_at: datetime) -> None:
        self._started_at = started_at
        self._lock = threading.Lock()
        self._asked: dict[tuple[str, str, str], _Asked] = {}

    def find(self, model: RabbitMq, url: str, name: str) -> Found:
        """Return what is known of one queue.

        Raises:
            CannotLookError: the broker did not answer, or knows no numbers.
        """
        age_s = (clock.now() - self._started_at).total_seconds()
        clock.wait(max(0.0, model.settle - age_s))
        key = (url, model.user, model.vhost)
        queues = self._shared(key, lambda: _ask(Caller.of(model, url), model.vhost))
        source = f"GET {url.rstrip('/')}/api/queues/{quote(model.vhost, safe='')}"
        if queues is None:
            text = f"there is no virtual host {model.vhost}"
            return Found(depth=None, source=source, problems=(text,))
        if name not in queues:
            text = f"there is no queue {name} in the virtual host {model.vhost}"
            return Found(depth=None, source=source, problems=(text,))
        return _read(queues[name], name, source)

    def _shared(self, key: tuple[str, str, str], ask: Callable[[], Queues | None]) -> Queues | None:
        with self._lock:
            asked = self._asked.get(key)
            ours = asked is None or not asked.counts
            if asked is None or ours:
                asked = self._asked[key] = _Asked(Future())
        if ours:
            try:
                asked.answer.set_result(ask())
            except CannotLookError as failure:
                asked.answer.set_exception(failure)
            except BaseException:
                asked.answer.set_exception(CannotLookError("the look was given up"))
                raise
            finally:
                asked.ended_s = clock.monotonic()
        return asked.answer.result()


def _ask(caller: Caller, vhost: str) -> Queues | None:
    """Return all queues of a virtual host; None when there is no such one."""
    path = f"/api/queues/{quote(vhost, safe='')}"
    response = caller.answer(path, (("columns", _COLUMNS),), caller.deadline())
    if response.status == _NOT_FOUND:
        return None
    where = f"{caller.url}{path}"
    if response.status != 200:
        raise CannotLookError(f"{where}: status {response.status}: {response.text[:200]!r}")
    answer = read_json(response)
    if not isinstance(answer, list):
        raise CannotLookError(f"{where}: not a list of queues: {show(answer)}")
    queues: dict[str, Mapping[str, Json]] = {}
    for queue in answer:
        if not isinstance(queue, dict) or not isinstance(queue.get("name"), str):
            raise CannotLookError(f"{where}: not a queue: {show(queue)}")
        queues[str(queue["name"])] = queue
    return queues


def _read(queue: Mapping[str, Json], name: str, source: str) -> Found:
    state = str(queue.get("state", ""))
    problems = (f"{name} is {state}",) if state in _LAME else ()
    depth = _count(queue, "messages")
    if depth is None:
        if problems:
            return Found(depth=None, source=source, problems=problems)
        raise CannotLookError(
            f"{source}: {name}: no numbers yet",
            hint="it was declared just now, or statistics are switched off on the broker "
            "(management_agent.disable_metrics_collector)",
        )
    head = queue.get("head_message_timestamp")
    age_s: float | None = None
    if depth == 0:
        age_s = 0.0
    elif isinstance(head, int | float) and not isinstance(head, bool):
        age_s = max(0.0, clock.now().timestamp() - head)
    return Found(
        depth=depth,
        age_s=age_s,
        consumers=_count(queue, "consumers"),
        source=source,
        note=f"{_count(queue, 'messages_ready')} ready, state {state or 'unknown'}",
        unaged="the first message carries no timestamp: let the publisher set one",
        problems=problems,
    )


def _count(queue: Mapping[str, Json], key: str) -> int | None:
    value = queue.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) else None
