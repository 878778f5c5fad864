"""The one choke point that takes secrets out of everything before it is written or shown."""

from __future__ import annotations

import base64
import hmac
import html
import json
import re
import secrets
import shlex
import threading
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import TypeVar
from urllib.parse import quote, quote_plus

from pytest_ddd.plain import capped, visible
from pytest_ddd.redaction_rules import TOKEN, Rule, needles, rules, secret_word

Scrubbed = TypeVar("Scrubbed")

MIN_LENGTH = 4
"""Shorter values are not looked for: they would hit ordinary words."""

_MIN_ENCODED_LENGTH = 8
"""Shortest base64 or hexadecimal form, and line of a multi-line value, that is looked for."""

_REMEMBERED_CHARACTERS, _REMEMBERED_TEXTS = 200, 20_000
"""At most some 20 MB, however much passes."""

_SHELF_START, _SHELF_SIZE = 0xF0000, 0xFFFD
"""Supplementary private use area A: characters that no text of a host has a meaning for."""

_GAP = re.compile(r"[ \t]*[\\'\"]?[ \t]*(?:\r?\n|(?:\\r)?\\n)[ \t>|]*['\"]?")
"""What wrapping puts into a long value: a newline, perhaps written as an escape, with
indentation and quotes around it."""


@dataclass(frozen=True, slots=True)
class _Known:
    """A registered value: how it may be written, and what it is."""

    form: str
    unwrapped: str
    kind: str
    value: str


class Redactor:
    """Replaces secrets by `«redacted:KIND:6hex»`.

    The six digits are an HMAC under a key of this run: equal secrets look equal inside one run
    and say nothing outside of it. Register a value before its first use: what was written
    before that stays written. Every method may be called from any thread.

    Args:
        key: shared by the processes of one run; a random one by default.
    """

    def __init__(self, *, key: bytes | None = None) -> None:
        self.key = key or secrets.token_bytes(32)
        self._lock = threading.Lock()
        self._values: set[str] = set()
        self._known: tuple[_Known, ...] = ()
        self._seen = _Seen()

    def use_key(self, key: bytes) -> None:
        """Take over the key of the run, so that all its processes write equal tokens."""
        self.key = key
        self._seen = _Seen()

    def register(self, value: str, kind: str = "secret") -> bool:
        """Look for this value, in all its usual encodings, from now on.

        Returns:
            False when the value is too short to be looked for; tell the user.
        """
        value = visible(value).strip()
        if len(value) < MIN_LENGTH:
            return False
        kind = re.sub(r"[^a-z0-9_.-]+", "-", kind.lower()) or "secret"
        with self._lock:
            if value not in self._values:
                self._values.add(value)
                added = (_Known(form, _unwrap(form)[0], kind, value) for form in _forms(value))
                # Longest first: a secret inside another one must not leave its rest standing.
                self._known = tuple(
                    sorted((*self._known, *added), key=lambda known: -len(known.form))
                )
                self._seen = _Seen()
        return True

    def scrub(self, value: Scrubbed) -> Scrubbed:
        """Return the value, of any nesting of str, list, tuple and dict, without secrets.

        A dict's value also goes when its key says what it is (`password`, `api_key`).
        """
        return self._scrub(value)  # type: ignore[return-value]  # same shape as it came

    def clean(self, text: str) -> str:
        """Return the text as it may be written: visible, without secrets, at most 16 KiB."""
        # Taken before the values are: what is learnt meanwhile starts another one.
        cleaned = self._seen.cleaned
        found = cleaned.get(text)
        if found is None:
            # Scrubbed before it is cut: half a secret at the edge would be found no more.
            found = capped(self._scrub_text(visible(text)))
            _remember(cleaned, text, found)
        return found

    @property
    def knowledge(self) -> object:
        """Another object once anything more is known: what was clean before may not be now."""
        return self._seen

    @property
    def knows_values(self) -> bool:
        """Whether any value is registered."""
        return bool(self._known)

    def finds(self, text: str) -> str:
        """Return the kind of a registered value that stands in a text; nothing when none does.

        For what was redacted already, as a last look: shapes are not looked for.
        """
        known = self._known
        for one in known:
            if one.form in text:
                return one.kind
        joined = _GAP.sub("", text) if known else ""
        for one in known:
            if len(one.unwrapped) >= MIN_LENGTH and one.unwrapped in joined:
                return one.kind
        return ""

    def token(self, secret: str, kind: str) -> str:
        """Return what stands in the place of a secret."""
        digest = hmac.digest(self.key, secret.encode(errors="surrogatepass"), "sha256")
        return f"«redacted:{kind}:{digest.hex()[:6]}»"

    def _scrub(self, value: object) -> object:
        if isinstance(value, str):
            return self._scrub_text(value)
        if isinstance(value, dict):
            return {self._scrub(key): self._scrub_item(key, value[key]) for key in value}
        if isinstance(value, list):
            return [self._scrub(item) for item in value]
        if isinstance(value, tuple):
            return tuple(self._scrub(item) for item in value)
        return value

    def _scrub_item(self, key: object, value: object) -> object:
        word = secret_word(key) if isinstance(key, str) else ""
        if not word or isinstance(value, dict | bool) or value in (None, "", b""):
            return self._scrub(value)
        if isinstance(value, list | tuple):
            return [self._scrub_item(key, item) for item in value]
        text = str(value)
        return text if TOKEN.fullmatch(text) else self.token(text, word)

    def _scrub_text(self, text: str) -> str:
        # Taken before the values are: what is learnt meanwhile starts another one.
        remembered = self._seen.scrubbed
        found = remembered.get(text)
        if found is None:
            found = self._without_secrets(text)
            _remember(remembered, text, found)
        return found

    def _without_secrets(self, text: str) -> str:
        shelf = _Shelf()
        clean = shelf.put_away(text)
        known = self._known
        if known:
            clean = self._without_known(clean, known, shelf)
            if "\n" in clean or "\\n" in clean:
                clean = self._without_wrapped(clean, known, shelf)
        lowered = clean.lower()
        for needle in needles():
            if needle in lowered:
                clean = self._without_shapes(clean, lowered, shelf)
                break
        return shelf.bring_back(clean)

    def _without_shapes(self, text: str, lowered: str, shelf: _Shelf) -> str:
        for rule in rules():
            if any(needle in lowered for needle in rule.needles):
                text = rule.pattern.sub(partial(self._swap, rule, shelf), text)
        return text

    def _without_known(self, text: str, known: tuple[_Known, ...], shelf: _Shelf) -> str:
        for one in known:
            if one.form in text:
                text = text.replace(one.form, shelf.put(self.token(one.value, one.kind)))
        return text

    def _without_wrapped(self, text: str, known: tuple[_Known, ...], shelf: _Shelf) -> str:
        """Take out values that a line break cut in two."""
        joined, places = _unwrap(text)
        for one in known:
            if len(one.unwrapped) < MIN_LENGTH or one.unwrapped not in joined:
                continue
            token = shelf.put(self.token(one.value, one.kind))
            pieces, last = [], 0
            for match in re.finditer(re.escape(one.unwrapped), joined):
                pieces += [text[last : places.original(match.start())], token]
                last = places.original(match.end() - 1) + 1
            text = "".join((*pieces, text[last:]))
            joined, places = _unwrap(text)
        return text

    def _swap(self, rule: Rule, shelf: _Shelf, match: re.Match[str]) -> str:
        """Return the match with its secret part replaced, or as it is when there is none."""
        found = rule.find(match)
        if found is None or not found.text.strip(shelf.places):
            return match[0]
        token = shelf.put(self.token(found.text, found.kind))
        base = match.start()
        return match[0][: found.start - base] + token + match[0][found.end - base :]


class _Seen:
    """Short texts and what they became with what was known, as most texts pass several times."""

    __slots__ = ("cleaned", "scrubbed")

    def __init__(self) -> None:
        self.scrubbed: dict[str, str] = {}
        self.cleaned: dict[str, str] = {}


def _remember(texts: dict[str, str], text: str, found: str) -> None:
    if len(text) <= _REMEMBERED_CHARACTERS and len(texts) < _REMEMBERED_TEXTS:
        texts[text] = found


class _Shelf:
    """Keeps the tokens of one text out of sight, so that no rule takes one for a secret.

    On the shelf a token is one character of a private plane of Unicode.
    """

    def __init__(self) -> None:
        self._tokens: list[str] = []
        self.places = ""

    def put(self, token: str) -> str:
        """Return the character that stands for this token until `bring_back`."""
        if len(self._tokens) >= _SHELF_SIZE:
            return token
        place = chr(_SHELF_START + len(self._tokens))
        self._tokens.append(token)
        self.places += place
        return place

    def put_away(self, text: str) -> str:
        """Shelve the tokens that an earlier scrub wrote."""
        if "«redacted:" not in text:
            return text
        return TOKEN.sub(lambda match: self.put(match[0]), text)

    def bring_back(self, text: str) -> str:
        """Return the text with its tokens in place."""
        if not self._tokens:
            return text
        return text.translate({ord(p): t for p, t in zip(self.places, self._tokens, strict=True)})


@dataclass(frozen=True, slots=True)
class _Places:
    """Where the characters of an unwrapped text stand in the original."""

    joined: tuple[int, ...]
    starts: tuple[int, ...]

    def original(self, index: int) -> int:
        piece = bisect_right(self.joined, index) - 1
        return self.starts[piece] + index - self.joined[piece]


def _unwrap(text: str) -> tuple[str, _Places]:
    """Return the text with its line breaks taken out, and the way back."""
    pieces, joined, starts, length, last = [], [], [], 0, 0
    for gap in (*_GAP.finditer(text), None):
        piece = text[last : gap.start()] if gap else text[last:]
        pieces.append(piece)
        joined.append(length)
        starts.append(last)
        length += len(piece)
        last = gap.end() if gap else last
    return "".join(pieces), _Places(tuple(joined), tuple(starts))


def _forms(value: str) -> set[str]:
    """Return the ways in which a value is usually written."""
    forms = {value, quote(value, safe=""), quote(value), quote_plus(value), html.escape(value)}
    forms |= {re.sub(r"%..", lambda match: match[0].lower(), form) for form in forms}
    forms |= {json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]}
    forms |= {repr(value)[1:-1], shlex.quote(value), re.sub(r"([^\w@%+=:,./-])", r"\\\1", value)}
    forms |= {json.dumps(form)[1:-1] for form in tuple(forms)}
    raw = value.encode(errors="surrogatepass")
    encoded = {*_base64_forms(raw), raw.hex(), raw.hex().upper()}
    lines = {line.strip() for line in value.splitlines()} if "\n" in value else set()
    forms |= {form for form in encoded | lines if len(form) >= _MIN_ENCODED_LENGTH}
    return forms


def _base64_forms(raw: bytes) -> Iterator[str]:
    """Yield base64 as it looks at each of the three places where the value can start."""
    for shift in range(3):
        padded = b"\0" * shift + raw
        first = (0, 2, 3)[shift]  # characters that also depend on what stands before
        whole = len(padded) * 8 // 6  # later characters also depend on what stands after
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            yield encode(padded).decode()[first:whole]


DEFAULT = Redactor()
"""The redactor of this process. Secrets are registered with it where references are resolved."""

register = DEFAULT.register
scrub = DEFAULT.scrub
