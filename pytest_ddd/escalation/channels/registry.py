"""Open a channel: find what its kind stands for, and import no more than that."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, TypeAlias

from pytest_ddd.baseline.secrets import text_of
from pytest_ddd.baseline.sections.escalation import ENTRY_POINTS, KINDS
from pytest_ddd.errors import CannotLookError
from pytest_ddd.escalation.interface import Channel
from pytest_ddd.messages import DeliveryError, NotNowError

if TYPE_CHECKING:
    from pytest_ddd.baseline.fields import SecretRef
    from pytest_ddd.baseline.sections import escalation as section

Maker: TypeAlias = "Callable[[str, section.Channel], Channel]"
"""Makes a channel from its name and its settings, and fetches no secret yet."""


def open_channel(name: str, settings: section.Channel) -> Channel:
    """Return the channel, ready to send.

    Raises:
        DeliveryError: its kind is not installed any more, or cannot be imported.
    """
    return _maker(settings.kind)(name, settings)


def open_channels(settings: Mapping[str, section.Channel]) -> dict[str, Channel]:
    """Return all channels of a baseline by name."""
    return {name: open_channel(name, each) for name, each in settings.items()}


def _maker(kind: str) -> Maker:
    if kind in KINDS:
        module = import_module(f"pytest_ddd.escalation.channels.{kind}")
        built_in: Maker = module.channel
        return built_in
    for point in entry_points(group=ENTRY_POINTS, name=kind):
        try:
            found: Maker = point.load()
        except Exception as failure:
            raise DeliveryError(
                f"the kind of channel {kind!r} cannot be imported: {failure}",
                hint=f"python -c 'import {point.module}'",
            ) from failure
        return found
    raise DeliveryError(f"no kind of channel {kind!r} is installed here")


def secret(value: str | SecretRef) -> str:
    """Return a text as it stands or the secret that it refers to, while a message is sent.

    Raises:
        NotNowError: the secret is not there; it may be there at the next try.
    """
    try:
        return text_of(value)
    except CannotLookError as failure:
        raise NotNowError(failure.message, hint=failure.hint) from None
