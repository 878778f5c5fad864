"""How sure a share is: the score interval of Wilson."""

from __future__ import annotations

import math

Z_95 = 1.959963984540054
"""Standard normal quantile for a two-sided interval of 95 %."""


def interval(good: int, total: int, z: float = Z_95) -> tuple[float, float]:
    """Return the interval that holds the true share; (0, 1) when there is nothing to count.

    E. B. Wilson, Probable inference, the law of succession, and statistical inference, Journal
    of the American Statistical Association 22 (1927), 209-212. It stays within 0 and 1 and, in
    contrast to the usual one, says something when all of few were good.

    Args:
        good: how many were good.
        total: how many there were.
        z: standard normal quantile of the wanted confidence.
    """
    if total <= 0:
        return 0.0, 1.0
    share, square = good / total, z * z
    centre = (share + square / (2 * total)) / (1 + square / total)
    spread = z * math.sqrt(share * (1 - share) / total + square / (4 * total * total))
    half = spread / (1 + square / total)
    low = 0.0 if good <= 0 else max(0.0, centre - half)
    high = 1.0 if good >= total else min(1.0, centre + half)
    return low, high
