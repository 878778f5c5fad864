"""Look at an entry again inside one run, as often as its baseline entry allows."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from pytest_ddd import clock
from pytest_ddd.baseline.fields import Attempts
from pytest_ddd.connections.together import let_go
from pytest_ddd.errors import CannotLookError, UnreachableError

T = TypeVar("T")


def _any(_answer: object) -> bool:
    return True


def until_good(
    attempts: Attempts, look: Callable[[int], T], is_good: Callable[[T], bool] = _any
) -> tuple[T, list[T | CannotLookError]]:
    """Look until an answer is good or the attempts are used up.

    Args:
        attempts: how many there are, and the pause between two.
        look: looks once; gets the number of the attempt, from 1.
        is_good: whether an answer needs no other attempt; every answer by default.

    Returns:
        The answer of the last attempt, and what came of each one before it.

    Raises:
        UnreachableError: the host was tried once, and that is enough.
        CannotLookError: the last attempt could not look.
    """
    before: list[T | CannotLookError] = []
    for number in range(1, attempts.count):
        try:
            answer = look(number)
        except UnreachableError:
            raise
        except CannotLookError as failure:
            before.append(failure)
        else:
            if is_good(answer):
                return answer, before
            before.append(answer)
        let_go()  # what was asked ahead is good for one attempt
        clock.wait(attempts.interval)
    return look(attempts.count), before
