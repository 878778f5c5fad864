"""How a baseline names an HTTP server that is asked for data, and with which secrets."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from pytest_ddd.baseline.fields import URL_REFUSED, Duration, Model, Secret, Size


def _askable(url: str) -> str:
    try:
        parts = urlsplit(url)
        fine = parts.scheme in ("http", "https") and bool(parts.netloc) and parts.port != 0
    except ValueError as mistake:
        raise ValueError(f"not a URL that can be asked: {mistake}") from None
    if parts.password is not None:
        raise ValueError(URL_REFUSED)
    if not fine:
        raise ValueError(f"not a URL that can be asked: {url!r} (write http://name:port/path)")
    return url


HttpUrl = Annotated[str, AfterValidator(_askable)]
"""An http or https URL without a password."""


class Server(Model):
    """One HTTP server, asked directly from the controller: no proxy, no .netrc, no cookies."""

    url: HttpUrl
    user: str = ""
    password: Secret | None = None
    headers: dict[str, str | Secret] = Field(default_factory=dict)
    ca: Path | None = None
    """A file of certificate authorities; the system's when absent. There is no way to skip."""
    deadline: Duration = 10.0
    """Total time of one look, however many requests it takes."""
    max_body: Size = 16 * 1024 * 1024

    @model_validator(mode="after")
    def _whole_credentials(self) -> Server:
        if bool(self.user) != (self.password is not None):
            raise ValueError("user and password belong together: give both or neither")
        return self


class HostServer(Server):
    """A server that may be asked by the host that an entry is about, with the curl of that host.

    Then `ca` is a file of the host.
    """

    from_: Literal["controller", "host"] = Field(default="controller", alias="from")
