"""Hold an HTTP answer against what the baseline expects of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from pytest_ddd.baseline.sections.endpoints import Endpoint
from pytest_ddd.plain import Json
from pytest_ddd.probes.web.conditions import (
    AbsentError,
    find,
    holds,
    parse_json,
    show,
    show_expected,
)
from pytest_ddd.probes.web.http import Response
from pytest_ddd.results import Value
from pytest_ddd.units import plural

_EXCERPT_LENGTH = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at: what was seen, what was expected, and the words if it differs.

    `path` is where the expectation stands in the baseline entry.
    """

    path: tuple[str, ...]
    name: str
    value: Value
    expected: str
    difference: str = ""


def findings(expected: Endpoint, response: Response, redirected: int) -> Iterator[Finding]:
    """Yield everything that the baseline says about an answer, in the order in which people ask.

    Args:
        expected: the baseline entry.
        response: the last answer.
        redirected: how many redirects led to it.

    Raises:
        CannotLookError: a condition of the baseline makes no sense.
    """
    yield _status(expected, response, redirected)
    yield from _headers(expected, response)
    if expected.json_:
        yield from _json(expected, response)
    if expected.body is not None:
        yield _body(expected.body, response)


def excerpt(response: Response) -> str:
    """Return the beginning of an answer for the record."""
    text = response.text
    return text if len(text) <= _EXCERPT_LENGTH else text[:_EXCERPT_LENGTH] + "…"


def _status(expected: Endpoint, response: Response, redirected: int) -> Finding:
    allowed = expected.status if isinstance(expected.status, list) else [expected.status]
    words = " or ".join(str(status) for status in allowed)
    difference = ""
    if response.status not in allowed:
        way = f" after {plural(redirected, 'redirect')}" if redirected else ""
        difference = f"status {response.status}{way}, expected {words}"
    return Finding(
        path=("status",),
        name="status",
        value=response.status,
        expected=words,
        difference=difference,
    )


def _headers(expected: Endpoint, response: Response) -> Iterator[Finding]:
    for name, pattern in expected.response_headers.items():
        value, words = response.header(name), f"~{pattern}"
        difference = ""
        if value is None:
            difference = f"header {name} is absent, expected {words}"
        elif re.search(pattern, value) is None:
            difference = f"header {name} is {show(value)}, expected {words}"
        yield Finding(
            path=("response_headers", name),
            name=f"header {name}",
            value=value,
            expected=words,
            difference=difference,
        )


def _json(expected: Endpoint, response: Response) -> Iterator[Finding]:
    try:
        answer = parse_json(response.body)
    except ValueError as mistake:
        words = ", ".join(
            f"{path} {show_expected(value)}" for path, value in expected.json_.items()
        )
        yield Finding(
            path=("json",),
            name="json",
            value=None,
            expected=words,
            difference=f"answer is not JSON: {mistake}; it begins {show(response.text[:80])}",
        )
        return
    for path, condition in expected.json_.items():
        words, name = show_expected(condition), f"json {path}"
        try:
            observed = find(answer, path)
        except AbsentError as absent:
            difference = f"{name} is absent (no {absent}), expected {words}"
            yield Finding(
                path=("json", path), name=name, value=None, expected=words, difference=difference
            )
            continue
        met = holds(observed, condition)
        yield Finding(
            path=("json", path),
            name=name,
            value=_recorded(observed),
            expected=words,
            difference="" if met else f"{name} is {show(observed)}, expected {words}",
        )


def _recorded(observed: Json) -> Value:
    if isinstance(observed, list | dict):
        return show(observed)
    return observed[:_EXCERPT_LENGTH] if isinstance(observed, str) else observed


def _body(pattern: str, response: Response) -> Finding:
    match = re.search(pattern, response.text)
    begins = show(response.text[:80])
    return Finding(
        path=("body",),
        name="body",
        value=match[0][:_EXCERPT_LENGTH] if match else None,
        expected=f"~{pattern}",
        difference="" if match else f"body has no ~{pattern}; it begins {begins}",
    )
