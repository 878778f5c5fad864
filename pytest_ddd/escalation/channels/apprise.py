"""Chat, e-mail and about 130 other services, by the library apprise."""

from __future__ import annotations

import logging
import warnings
from typing import TYPE_CHECKING

from pytest_ddd.escalation.bounded import within
from pytest_ddd.escalation.channels.letter import text, title
from pytest_ddd.escalation.channels.registry import secret
from pytest_ddd.messages import DeliveryError, Kind, Message, NotNowError, Severity

if TYPE_CHECKING:
    import apprise

    from pytest_ddd.baseline.sections import escalation as section

_TYPES = {
    Severity.CRITICAL: "failure",
    Severity.ERROR: "failure",
    Severity.WARNING: "warning",
    Severity.INFO: "info",
}


class AppriseChannel:
    """Sends to one URL of apprise. Trying again is the outbox's work, not apprise's."""

    def __init__(self, name: str, settings: section.Channel) -> None:
        self._who = f"channel {name}"
        self._settings = settings

    def send(self, message: Message, *, timeout_s: float) -> None:
        """Return when apprise says that the service took it.

        Apprise does not say why a message failed, so every failure is worth another try.
        """
        service = self._service()
        kind = "success" if message.kind is Kind.RESOLVE else _TYPES[message.severity]

        def notify() -> bool:
            return bool(service.notify(title=title(message), body=text(message), notify_type=kind))

        if not within(timeout_s, notify, self._who):
            raise NotNowError(f"{self._who}: apprise could not deliver it, and does not say why")

    def _service(self) -> apprise.Apprise:
        """Return apprise with the one service; a URL that it does not know is refused.

        Without that, a message to a mistyped URL would go nowhere and nobody would be told.
        """
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of its 130 plugins' imports; a site may fail on them
            return self._add(secret(self._settings.url))

    def _add(self, url: str) -> apprise.Apprise:
        logging.getLogger("apprise").disabled = True  # its lines hold parts of the URL
        try:
            import apprise
        except ImportError:
            raise DeliveryError(
                f"{self._who}: apprise is not installed", hint="pip install 'pytest-ddd[apprise]'"
            ) from None
        service = apprise.Apprise()
        if not service.add(url) or len(service) != 1:
            raise DeliveryError(
                f"{self._who}: apprise does not know this kind of URL, or a part of it is missing",
                hint="see https://github.com/caronc/apprise/wiki",
            )
        return service


channel = AppriseChannel
