"""Health endpoints and the answers they must give."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from pytest_ddd.baseline.fields import (
    URL_REFUSED,
    Attempts,
    DaysLeftLimits,
    Duration,
    DurationLimits,
    Entry,
    Pattern,
    Secret,
    Size,
    Whole,
)


def _supported(url: str) -> str:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as mistake:
        raise ValueError(f"not an endpoint: {mistake}") from None
    if parts.password is not None:
        raise ValueError(URL_REFUSED)
    if parts.scheme not in ("http", "https", "tcp") or not parts.netloc:
        raise ValueError(f"not an endpoint: {url!r} (write https://name/path or tcp://name:port)")
    if parts.scheme == "tcp" and port is None:
        raise ValueError(f"a tcp endpoint needs a port: {url!r} (write tcp://name:5432)")
    return url


Status = Annotated[Whole, Field(ge=100, le=599)]
"""An HTTP status."""


_ONLY_HTTP = ("method", "headers", "status", "json_", "body", "response_headers", "redirects")
"""What a tcp endpoint, which is only connected to, would pass over."""


class Endpoint(Entry):
    """One health endpoint. Lives in the environment and is asked from the controller.

    With `applies_to`, it is asked once for each host, and `{host}` and `{address}` in `url` stand
    for the host's inventory name and its address.
    """

    url: Annotated[str, AfterValidator(_supported)]
    """`https://…`, `http://…` or `tcp://name:port`."""
    method: Literal["GET", "HEAD", "POST"] = "GET"
    headers: dict[str, str | Secret] = Field(default_factory=dict)
    """Sent along; a value may be a reference to a secret."""
    status: Status | list[Status] = 200
    """The status that is expected, or several."""
    json_: dict[str, str | int | float | bool | None] = Field(default_factory=dict, alias="json")
    """Dotted path in the JSON answer -> value or condition: `status: healthy`, `uptime: ">0"`."""
    body: Pattern | None = None
    """A pattern that the answer has to match."""
    response_headers: dict[str, Pattern] = Field(default_factory=dict)
    """Name -> pattern that its value has to match."""
    redirects: Annotated[Whole, Field(ge=0, le=20)] = 5
    """How many redirects are followed; 0 judges the first answer."""
    latency: DurationLimits = DurationLimits.model_validate({"warn": "1s", "crit": "5s"})
    """Limits of the time to the last byte."""
    deadline: Duration = 10.0
    """Total time of one attempt, from name look-up to the last byte."""
    max_body: Size = 1024 * 1024
    """A longer answer is RED."""
    certificate: DaysLeftLimits = DaysLeftLimits.model_validate({"warn": "21d", "crit": "7d"})
    """Limits of the days that the certificate is still good for."""
    ca: Path | None = None
    """A file of certificate authorities; the system's when absent. There is no way to skip."""
    attempts: Attempts = Attempts.model_validate({"count": 3, "interval": "2s"})

    @model_validator(mode="after")
    def _promises_no_more(self) -> Endpoint:
        ignored = [name for name in _ONLY_HTTP if name in self.model_fields_set]
        if self.url.startswith("tcp:") and ignored:
            name = ignored[0].rstrip("_")
            raise ValueError(f"{name} has no meaning for tcp: it is connected to, nothing is read")
        return self
