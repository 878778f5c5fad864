"""Bound a call that may wait longer than it promised."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from pytest_ddd.messages import NotNowError
from pytest_ddd.units import format_duration

T = TypeVar("T")


def within(timeout_s: float, call: Callable[[], T], who: str) -> T:
    """Return what the call returns, or raise what it raises.

    Timeouts of client libraries count from one byte to the next, so that a server that drips
    holds them for ever. The call runs in a thread of its own; when the time is over the thread is
    left behind and ends with the process at the latest.

    Raises:
        NotNowError: the time is over; whether the message arrived is not known.
    """
    job = _Job(call)
    thread = threading.Thread(target=job.run, name=f"send to {who}", daemon=True)
    thread.start()
    thread.join(timeout_s)
    if thread.is_alive():
        raise NotNowError(
            f"{who}: no answer within {format_duration(timeout_s)}; the message may have arrived"
        )
    return job.result()


class _Job(Generic[T]):
    """A call and what came of it."""

    def __init__(self, call: Callable[[], T]) -> None:
        self._call = call
        self._returned: list[T] = []
        self._raised: BaseException | None = None

    def run(self) -> None:
        try:
            self._returned.append(self._call())
        except BaseException as failure:  # noqa: BLE001  # raised again by who waits
            self._raised = failure

    def result(self) -> T:
        if self._raised is not None:
            raise self._raised
        return self._returned[0]
