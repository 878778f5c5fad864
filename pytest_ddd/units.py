"""Durations, sizes, percentages and counts as people write them: 15m, 10GiB, 80%, 2 checks."""

from __future__ import annotations

import re

_DURATION_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_NUMBER = r"([0-9]{1,15}(?:\.[0-9]{1,15})?)"
"""Longer numbers are typing errors, and would not fit a float or a size."""

_DURATION = re.compile(_NUMBER + " ?(ms|s|m|h|d|w)")
_DURATIONS = re.compile(f"{_DURATION.pattern}(?: ?{_DURATION.pattern})*")
_SIZE_BYTES = {
    "B": 1,
    **{
        f"{prefix}B": 1000**power for power, prefix in enumerate(("k", "M", "G", "T", "P"), start=1)
    },
    **{
        f"{prefix}iB": 1024**power
        for power, prefix in enumerate(("K", "M", "G", "T", "P"), start=1)
    },
}
_SIZE = re.compile(_NUMBER + r"\s*([kKMGTP]?i?B)")
_PERCENT = re.compile(_NUMBER + r"\s*%")


def parse_duration(text: str) -> float:
    """Return the seconds of a duration such as `15m`, `1h30m` or `500ms`.

    Raises:
        ValueError: the text is not a duration; the message says how one is written.
    """
    if not _DURATIONS.fullmatch(text.strip()):
        raise ValueError(f"not a duration: {text!r} (write 500ms, 30s, 15m, 2h, 7d or 1h30m)")
    parts = _DURATION.findall(text)
    return sum(float(number) * _DURATION_S[unit] for number, unit in parts)


def parse_size(text: str) -> int:
    """Return the bytes of a size such as `10GiB` (1024-based) or `500MB` (1000-based).

    Raises:
        ValueError: the text is not a size; the message says how one is written.
    """
    match = _SIZE.fullmatch(text.strip())
    if match is None or match[2] not in _SIZE_BYTES:
        raise ValueError(f"not a size: {text!r} (write 512B, 500MB or 10GiB)")
    return int(float(match[1]) * _SIZE_BYTES[match[2]])


def parse_percent(text: str) -> float:
    """Return the number of a percentage: `80%` is 80.0.

    Raises:
        ValueError: the text is not a percentage.
    """
    match = _PERCENT.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"not a percentage: {text!r} (write 80%)")
    return float(match[1])


def format_duration(seconds: float) -> str:
    """Write seconds for people: `240 ms`, `1.5 s`, `15m`, `15m 03s`, `2h 05m`, `3d 04h`."""
    if seconds < 0:
        return f"-{format_duration(-seconds)}"
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.3g} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes}m {rest:02d}s" if rest else f"{minutes}m"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours}h {minutes:02d}m" if minutes else f"{hours}h"
    return f"{hours // 24}d {hours % 24:02d}h" if hours % 24 else f"{hours // 24}d"


def format_size(size_bytes: float) -> str:
    """Write bytes for people, 1024-based: `512 B`, `1.5 GiB`."""
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if abs(size_bytes) < 1024:
            return f"{size_bytes:.3g} {unit}" if unit != "B" else f"{size_bytes:.0f} B"
        size_bytes /= 1024
    return f"{size_bytes:.3g} PiB"


def format_quantity(value: object, unit: str) -> str:
    """Write a value with its unit as report and terminal show it: `93 %`, `240 ms`, `1.5 GiB`."""
    if value is None:
        return "no value"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return f"{value} {unit}".rstrip()
    if unit == "s":
        return format_duration(value)
    if unit == "bytes":
        return format_size(value)
    number = f"{value:.10g}" if isinstance(value, int) or abs(value) >= 100 else f"{value:.3g}"
    return f"{number} {unit}".rstrip()


def plural(count: int, noun: str) -> str:
    """Return `1 check` or `2 checks`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
