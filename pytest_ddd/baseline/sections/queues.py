"""Queues: where they are, how deep they may be and how old what waits in them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from pytest_ddd.baseline.fields import (
    URL_REFUSED,
    CountLimits,
    Duration,
    DurationLimits,
    Entry,
    Model,
    Secret,
)
from pytest_ddd.baseline.servers import Server
from pytest_ddd.baseline.sources import Query

SOURCES = ("rabbitmq", "redis", "sql", "command")


def _is_redis(url: str) -> str:
    try:
        parts = urlsplit(url)
        fine = parts.scheme in ("redis", "rediss") and bool(parts.hostname) and parts.port != 0
    except ValueError as mistake:
        raise ValueError(f"not the address of a Redis: {mistake}") from None
    if parts.password is not None or parts.query:
        raise ValueError(URL_REFUSED)
    number = parts.path.strip("/")
    if not fine or (number and not number.isdecimal()):
        raise ValueError(f"not the address of a Redis: {url!r} (write redis://name:6379/0)")
    return url


class CountLeftLimits(CountLimits):
    """Limits of a count; less is worse."""

    bad = "below"


class RabbitMq(Server):
    """One queue of a RabbitMQ, asked by its management API."""

    vhost: str = "/"
    queue: str = ""
    """Its name; the name of the entry when empty."""
    settle: Duration = 11.0
    """So long after the start of the run the API is asked: a queue tells its numbers every 5 s
    (`collect_statistics_interval`), and the API collects them every 5 s (its finest sample)."""


class Redis(Model):
    """One list or stream of a Redis; with `group` what that group has not acknowledged yet."""

    url: Annotated[str, AfterValidator(_is_redis)]
    password: Secret | None = None
    ca: Path | None = None
    """A file of certificate authorities for `rediss://`; the system's when absent."""
    list: str = ""
    stream: str = ""
    group: str = ""
    timeout: Duration = 10.0

    @model_validator(mode="after")
    def _one_key(self) -> Redis:
        if bool(self.list) == bool(self.stream):
            raise ValueError("needs exactly one of list and stream")
        if self.group and self.list:
            raise ValueError("group has a meaning for a stream only")
        return self


class Queue(Entry):
    """One queue. Lives in the environment and is looked at from the controller.

    With `applies_to` it is looked at once for each host: `{host}` and `{address}` in a `url` stand
    for the host's inventory name and its address, and a `command` runs on the host.
    """

    rabbitmq: RabbitMq | None = None
    redis: Redis | None = None
    sql: Query | None = None
    """Gives one row: the depth, or columns `depth`, `age_s` and `consumers`."""
    command: str = ""
    """Prints a number, or one JSON object {"depth": N, "age_s": N, "consumers": N}."""
    from_: Literal["controller", "host"] | None = Field(default=None, alias="from")
    depth: CountLimits
    """How many messages wait."""
    age: DurationLimits | None = None
    """How long the oldest one has waited."""
    consumers: CountLeftLimits | None = None
    """How many work on it; fewer is worse."""
    timeout: Duration = 30.0
    """Of a command."""

    @model_validator(mode="after")
    def _one_source(self) -> Queue:
        if sum(bool(getattr(self, name)) for name in SOURCES) != 1:
            raise ValueError(f"needs exactly one of {', '.join(SOURCES)}")
        for name in ("from_", "timeout"):
            if name in self.model_fields_set and not self.command:
                raise ValueError(f"{name.rstrip('_')} has a meaning for a command only")
        return self

    @model_validator(mode="after")
    def _promises_no_more(self) -> Queue:
        if self.redis is None:
            return self
        if self.age is not None and self.redis.list:
            raise ValueError("the entries of a Redis list have no age: leave age out")
        if self.consumers is not None and not self.redis.group:
            raise ValueError("only a group of a Redis stream has consumers: name it in group")
        return self
