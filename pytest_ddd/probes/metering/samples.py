"""Samples of one metric, and the few numbers that stand for them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Literal

from pytest_ddd.errors import CannotLookError

Statistic = Literal["value", "mean", "p95"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Samples:
    """What was measured: numbers, oldest first; `note` says in words what they are."""

    values: tuple[float, ...]
    source: str
    note: str = ""

    def of(self, statistic: Statistic) -> float:
        """Return one number for all samples.

        Raises:
            CannotLookError: there is no sample, one that is no finite number, or more than one
                for `value`.
        """
        if not self.values:
            raise CannotLookError(f"{self.source}: no samples")
        if odd := [value for value in self.values if not math.isfinite(value)]:
            # It has no place in an order: a percentile of the others would hide it.
            raise CannotLookError(f"{self.source} is {odd[0]}: not a finite number")
        if statistic == "value":
            if len(self.values) != 1:
                raise CannotLookError(f"{self.source}: {len(self.values)} samples, expected one")
            return self.values[0]
        return fmean(self.values) if statistic == "mean" else percentile(self.values, 0.95)


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value below which a share of all lies, as Prometheus' quantile_over_time does.

    Linear between the two nearest ranks: rank = share · (n − 1).
    """
    ordered = sorted(values)
    rank = share * (len(ordered) - 1)
    below, above = ordered[math.floor(rank)], ordered[math.ceil(rank)]
    return below + (above - below) * (rank - math.floor(rank))
