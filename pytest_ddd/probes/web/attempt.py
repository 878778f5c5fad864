"""One attempt at an endpoint: its deadline, what it saw, and how it ends without an answer."""

from __future__ import annotations

from dataclasses import dataclass, field

from pytest_ddd import clock
from pytest_ddd.errors import DddError
from pytest_ddd.probes.web.certificates import Certificate


class NoAnswerError(DddError):
    """The endpoint gave no answer that can be held against the baseline; becomes a Problem.

    Args:
        message: what happened, in words that follow the URL: `connection refused`.
        key: the key of the baseline entry that asked for it.
    """

    def __init__(self, message: str, *, key: str = "url") -> None:
        super().__init__(message)
        self.key = key


class Deadline:
    """A moment by which everything must be over, however many steps there are until then."""

    def __init__(self, total_s: float) -> None:
        self.total_s = total_s
        self._started_s = clock.monotonic()

    @property
    def took_s(self) -> float:
        """Seconds since the start."""
        return clock.monotonic() - self._started_s

    @property
    def passed(self) -> bool:
        """Whether the time is up."""
        return self.took_s >= self.total_s

    def left_s(self) -> float:
        """Return the seconds that are left, to be used as the timeout of the next step.

        Raises:
            TimeoutError: none are left; a timeout of zero would mean something else.
        """
        left_s = self.total_s - self.took_s
        if left_s <= 0:
            raise TimeoutError
        return left_s


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenCertificate:
    """The certificate that a server showed; None when it could not be read."""

    url: str
    certificate: Certificate | None


@dataclass(slots=True, kw_only=True)
class Seen:
    """What an attempt has seen so far; filled while it runs, so that a failure loses nothing."""

    hops: list[str] = field(default_factory=list)
    addresses: list[str] = field(default_factory=list)
    certificates: list[SeenCertificate] = field(default_factory=list)
    status: int | None = None
