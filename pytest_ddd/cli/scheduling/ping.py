"""Signs of life for somebody who waits for them, by the protocol of healthchecks.

`URL/start` when a run begins, `URL/0` when it did its work and `URL/STATUS` when it did not,
`URL/fail` when it could not begin; `rid` binds them together. Where rules of escalation tell
people of red checks, a run that found some did its work.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Self

from pytest_ddd.cli.printing import complain

if TYPE_CHECKING:
    from pytest_ddd.baseline.fields import SecretRef

_PATIENCE_S = 10.0
_MOST_STATUS = 255


class Ping:
    """The pings of one run; one that fails is told on the terminal and holds nothing up."""

    def __init__(self, url: str | SecretRef, *, red_ok: bool) -> None:
        self._url = url
        self._good = (0, 1) if red_ok else (0,)
        self._rid = str(uuid.uuid4())
        self._is_over = False

    def start(self) -> None:
        """Say that it begins."""
        self._say("start")

    def end(self, status: int) -> None:
        """Say how it ended; of a process that a signal ended, `status` is negative."""
        self._is_over = True
        code = 0 if status in self._good else status % (_MOST_STATUS + 1) or _MOST_STATUS
        self._say(str(code), f"exit status {status}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        if not self._is_over:
            self._say("fail", "it could not be run")

    def _say(self, way: str, body: str = "") -> None:
        if not self._url:
            return
        from pytest_ddd.escalation.channels.registry import secret
        from pytest_ddd.escalation.post import Request, ask
        from pytest_ddd.messages import DeliveryError

        try:
            base = secret(self._url).rstrip("/")
            url = f"{base}/{way}?rid={self._rid}"
            request = Request(who="dead-man ping", url=url, body=body.encode())
            ask(request, timeout_s=_PATIENCE_S)
        except DeliveryError as failure:
            complain(f"! {failure}")
