"""Read the JSON that backup tools print, strictly: what is not as expected is no answer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from pytest_ddd.errors import CannotLookError
from pytest_ddd.plain import Json


@dataclass(frozen=True, slots=True)
class Answer:
    """One JSON object, and the words for where it is from."""

    fields: Mapping[str, Json]
    where: str

    def text(self, key: str) -> str:
        """Return a text."""
        value = self.fields.get(key)
        if isinstance(value, str):
            return value
        raise self._refusal(key, "a text")

    def count(self, key: str) -> int:
        """Return a whole number that is not negative."""
        value = self.fields.get(key)
        if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
            return value
        raise self._refusal(key, "a whole number")

    def flag(self, key: str) -> bool:
        """Return a truth value."""
        value = self.fields.get(key)
        if isinstance(value, bool):
            return value
        raise self._refusal(key, "true or false")

    def one(self, key: str) -> Answer:
        """Return the object below a key."""
        value = self.fields.get(key)
        if isinstance(value, dict):
            return Answer(value, f"{self.where}: {key}")
        raise self._refusal(key, "an object")

    def many(self, key: str) -> tuple[Answer, ...]:
        """Return the objects in the list below a key."""
        value = self.fields.get(key)
        if isinstance(value, list):
            return _objects(value, f"{self.where}: {key}")
        raise self._refusal(key, "a list")

    def moment(self, key: str) -> datetime:
        """Return a point in time; without a zone it is UTC, in which the tools are asked."""
        return moment(self.text(key), f"{self.where}: {key}")

    def seconds(self, key: str) -> datetime:
        """Return a point in time that is written as seconds since 1970."""
        return datetime.fromtimestamp(self.count(key), UTC)

    def _refusal(self, key: str, wanted: str) -> CannotLookError:
        shown = json.dumps(self.fields.get(key))[:80]
        return CannotLookError(f"{self.where}: {key} is not {wanted}: {shown}")


def one(text: str, where: str) -> Answer:
    """Return the one JSON object that a text is.

    Raises:
        CannotLookError: it is anything else.
    """
    value = _parsed(text, where)
    if not isinstance(value, dict):
        raise CannotLookError(f"{where}: not one JSON object: {text[:200]!r}")
    return Answer(value, where)


def many(text: str, where: str) -> tuple[Answer, ...]:
    """Return the objects of the JSON list that a text is; `null` is an empty list.

    Raises:
        CannotLookError: it is anything else.
    """
    value = _parsed(text, where)
    if value is None:
        return ()
    if not isinstance(value, list):
        raise CannotLookError(f"{where}: not a JSON list: {text[:200]!r}")
    return _objects(value, where)


def moment(text: str, where: str) -> datetime:
    """Return a point in time in RFC 3339; without a zone it is UTC.

    Raises:
        CannotLookError: it is none.
    """
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise CannotLookError(f"{where}: not a point in time: {text[:80]!r}") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _parsed(text: str, where: str) -> Json:
    try:
        value: Json = json.loads(text)
    except ValueError:
        raise CannotLookError(f"{where}: not JSON: {text[:200]!r}") from None
    return value


def _objects(values: list[Json], where: str) -> tuple[Answer, ...]:
    if not all(isinstance(value, dict) for value in values):
        raise CannotLookError(f"{where}: not a list of objects")
    return tuple(Answer(value, where) for value in values if isinstance(value, dict))
