"""Read what the log search prints: counts, a sample, and everything it could not see."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from pytest_ddd.errors import CannotLookError
from pytest_ddd.plain import visible
from pytest_ddd.probes.log_search.command import KEPT_LINES

_LINE_BYTES = 500
_SAMPLE_BYTES = 8 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Blind:
    """Something that could not be seen: which kind, what was said of it, and in which file."""

    kind: str
    said: str
    suffix: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a search found; `whole` is False when it ended early because red was certain."""

    host_now_s: int
    absent: bool
    whole: bool
    files: int
    size_bytes: int
    looked: int
    critical: int
    error: int
    future: int
    samples: dict[str, tuple[str, ...]]
    blinds: tuple[Blind, ...]
    ends_in_future: tuple[str, ...]

    def sample(self, line_class: str, count: int) -> str:
        """Return the first and last lines of `critical`, `error` or `future`, at most 8 KiB."""
        lines = list(self.samples.get(line_class, ()))
        if count > len(lines):
            lines.insert(KEPT_LINES, f"… {count - len(lines)} more …")
        text = "\n".join(lines).encode()
        return text[:_SAMPLE_BYTES].decode(errors="ignore")


def parse(stdout: bytes, *, name: str) -> Found:
    """Return what was found.

    Args:
        stdout: what the command printed.
        name: the file or unit, as the sample names it.

    Raises:
        CannotLookError: the search did not come to its end.
    """
    lines = stdout.decode("utf-8", errors="surrogateescape").split("\n")
    if len(lines) < 3 or not lines[-2].startswith("END ") or lines[-1]:
        raise CannotLookError(f"{name}: the search did not come to its end")
    numbers = [int(word) for word in lines[-3].removeprefix("N ").split()]
    files, size_bytes, looked, critical, error, future = numbers
    return Found(
        host_now_s=next((int(line[3:]) for line in lines if line.startswith("#H ")), 0),
        absent="#0" in lines,
        whole=lines[-2] == "END whole",
        files=files,
        size_bytes=size_bytes,
        looked=looked,
        critical=critical,
        error=error,
        future=future,
        samples=_samples(lines, name),
        blinds=tuple(_blind(line[3:]) for line in lines if line.startswith("#! ")),
        ends_in_future=tuple(
            full_name(name, line.partition("=")[2]) for line in lines if line.startswith("#L ")
        ),
    )


def full_name(path: str, suffix: str) -> str:
    """Return the name of a rotated file: `@` stands for the path without its extension."""
    if suffix.startswith("@"):
        return path.rpartition(".")[0] + suffix[1:]
    return path + suffix


def _blind(text: str) -> Blind:
    kind, _, rest = text.partition(" ")
    said, equals, suffix = rest.rpartition("=")
    if not equals or (suffix and not suffix.startswith((".", "-", "@"))):
        said, suffix = rest, ""
    return Blind(kind=kind, said=visible(said.strip()), suffix=suffix)


def _samples(lines: list[str], path: str) -> dict[str, tuple[str, ...]]:
    samples: dict[str, tuple[str, ...]] = {}
    for head, line in pairwise(lines):
        if not head.startswith("S ") or not line.startswith("T "):
            continue
        _, line_class, suffix = head.split(" ", 2)
        _, number, _, text = line.split(" ", 3)
        place = full_name(path, suffix.removeprefix("="))
        shown = _cut(visible(f"{place.rpartition('/')[2]}:{number}: {text}"))
        samples[line_class] = (*samples.get(line_class, ()), shown)
    return samples


def _cut(text: str) -> str:
    whole = text.encode()
    if len(whole) <= _LINE_BYTES:
        return text
    return whole[: _LINE_BYTES - 3].decode(errors="ignore") + "…"
