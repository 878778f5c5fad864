"""People who sign: their names and the fingerprints of their SSH keys."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator

from pytest_ddd.baseline.fields import Model, Text


def _fingerprint(text: str) -> str:
    if not re.fullmatch(r"SHA256:[A-Za-z0-9+/]{43}", text):
        raise ValueError(
            f"not the fingerprint of a key: {text!r} (`ssh-keygen -lf KEY.pub` prints SHA256:…)"
        )
    return text


Fingerprint = Annotated[str, AfterValidator(_fingerprint)]


class Person(Model):
    """Somebody who signs, and the key that this person signs with."""

    principal: Text
    key: Fingerprint
