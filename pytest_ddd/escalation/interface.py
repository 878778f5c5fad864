"""What a way to reach people has to offer."""

from __future__ import annotations

from typing import Protocol

from pytest_ddd.messages import Message


class Channel(Protocol):
    """One way to reach people, ready to be used. Its secrets are fetched while it sends."""

    def send(self, message: Message, *, timeout_s: float) -> None:
        """Return when the other side has accepted the message.

        Args:
            message: what to say; the same `message_id` again is the same message again.
            timeout_s: for all of it, from name look-up to the last byte.

        Raises:
            NotNowError: it did not arrive, or nobody knows; try again.
            DeliveryError: it will never arrive as it is.
        """
