"""A channel of our own: a letter into a Maildir, which any mail program can read."""

import mailbox
from email.message import EmailMessage
from pathlib import Path

from pytest_ddd.messages import NotNowError


class Letters:
    """Delivers each message as a letter."""

    def __init__(self, place):
        self.place = place

    def send(self, message, *, timeout_s):
        """Return when the letter is in the box."""
        letter = EmailMessage()
        letter["Message-ID"] = f"<{message.message_id}@checks.example.org>"
        letter["References"] = f"<{message.dedup_key}>"  # one thread an incident
        letter["Subject"] = f"[{message.kind}] {message.severity}: {message.summary}"
        letter["From"] = "checks@example.org"
        letter.set_content("\n".join(f"{name}: {text}" for name, text in message.details.items()))
        try:
            mailbox.Maildir(self.place).add(letter)
        except OSError as failure:
            raise NotNowError(f"letters: {failure}", hint=f"ls -ld {self.place}") from failure


def pytest_ddd_register_channels(config, channels):
    """Let the baseline say `letters: {kind: hook}`."""
    channels["letters"] = Letters(Path(config.rootpath, "letters"))
