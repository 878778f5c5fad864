"""sshd: the settings that are in force (`sshd -T`), and whether the daemon has read them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import pairwise

from pytest_ddd.baseline.sections.security import Safeguard
from pytest_ddd.errors import CannotLookError
from pytest_ddd.probes.drift.comparison import Comparison

_PATH = "PATH=$PATH:/usr/sbin:/usr/local/sbin:/sbin; LC_ALL=C; export PATH LC_ALL; "
_ALIASES = {"without-password": "prohibit-password"}
"""Old words that `sshd -T` still prints."""

_CONDITION = re.compile(r"(<=|>=|<|>)\s*([0-9]+)")
_TITLE = re.compile(r"(?:sshd: )?(?:/\S*/)?sshd(?: (.*?))? ?(?:\[listener\].*)?")
"""A daemon that listens, as /proc shows it: its own path, and its arguments."""

_DAEMON = """
pid=$(cat {pidfile}) || exit 3
echo "$pid"; stat -c %Y {pidfile}; tr '\\000' ' ' <"/proc/$pid/cmdline"; echo
"""
_LIST = """
config={config}
included=$(awk 'tolower($1) == "include" {{ for (i = 2; i <= NF; i++) print $i }}' "$config")
[ -r "$config" ] || {{ echo "$config cannot be read" >&2; exit 1; }}
for file in "$config" $(printf '%s\\n' "$included" | sed 's,^\\([^/]\\),/etc/ssh/\\1,'); do
  [ -e "$file" ] || continue
  echo "#F $(stat -c %Y "$file") $file"
  cat "$file" || exit 1
done
"""
"""Every file that sshd reads: its own, and what that includes."""

_CONFIG = "/etc/ssh/sshd_config"
_NOT_FOR_TEST = ("-D", "-e", "-4", "-6")
"""Arguments that change no setting."""

_SILENT = (
    "acceptenv", "allowgroups", "allowusers", "denygroups", "denyusers", "hostcertificate",
    "logverbose", "rdomain", "setenv", "subsystem",
)  # fmt: skip
"""Keywords that `sshd -T` leaves out where nobody set them; each other one it prints."""


def compare(comparison: Comparison) -> None:
    """Compare each setting; a daemon that runs with older ones is a fault of its own."""
    model = comparison.model(Safeguard)
    with comparison.looking("settings"):
        effective = _effective(comparison, ())
        daemon = _running(comparison, effective.get("pidfile", "none"))
        if daemon.arguments:
            effective = _effective(comparison, daemon.arguments)
        for name, wanted in model.settings.items():
            _compare(comparison, name, effective.get(name.lower(), "not set"), wanted)
        for name, patterns in model.forbidden.items():
            _forbid(comparison, name, effective.get(name.lower()), patterns)
        text = _files(comparison, daemon.config)
        _compare_age(comparison, daemon, text)
        if not model.match:
            _compare_blocks(comparison, model, text)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Daemon:
    """The sshd that listens: its arguments, and when it read its settings."""

    arguments: tuple[str, ...] = ()
    started_s: int | None = None
    """Seconds since 1970; None when it is started for each connection."""

    @property
    def config(self) -> str:
        """The file that it reads."""
        with_file = [after for word, after in pairwise(self.arguments) if word == "-f"]
        return with_file[-1] if with_file else _CONFIG


def _effective(comparison: Comparison, arguments: Sequence[str]) -> Mapping[str, str]:
    """Return what sshd says that it would do, several values of a keyword joined by commas."""
    answer = comparison.script(_PATH + _command(comparison, arguments))
    if not answer.ok:
        missing = answer.exit_status == 127
        raise CannotLookError(
            "sshd is not installed" if missing else f"sshd -T: {answer.said}",
            hint="" if missing else "sshd reads its host keys: set sudo: true for this host",
        )
    found: dict[str, str] = {}
    for line in answer.text.splitlines():
        name, _, value = line.strip().partition(" ")
        value = _ALIASES.get(value, value)
        found[name] = f"{found[name]},{value}" if name in found else value
    return found


def _command(comparison: Comparison, arguments: Sequence[str]) -> str:
    match = comparison.model(Safeguard).match
    who = {"user": "root", "host": "localhost", "addr": "127.0.0.1", **match} if match else {}
    connection = ",".join(f"{key}={value}" for key, value in who.items())
    words = ["sshd", "-T", *arguments, *(["-C", connection] if connection else [])]
    return shlex.join(words)


def _running(comparison: Comparison, pidfile: str) -> _Daemon:
    """Return the daemon that listens: it writes its pidfile anew when it is reloaded."""
    answer = comparison.script(_PATH + _DAEMON.format(pidfile=shlex.quote(pidfile)))
    lines = answer.text.splitlines()
    if len(lines) < 3:
        return _on_demand(comparison, pidfile)
    title = _TITLE.fullmatch(lines[2].strip())
    if title is None:
        raise CannotLookError(f"process {lines[0]} of {pidfile} is no sshd that listens")
    words = [word for word in shlex.split(title[1] or "") if word not in _NOT_FOR_TEST]
    return _Daemon(arguments=tuple(words), started_s=int(lines[1]))


def _on_demand(comparison: Comparison, pidfile: str) -> _Daemon:
    """A daemon that systemd starts for each connection reads its settings each time."""
    socket = "systemctl is-active -q ssh.socket || systemctl is-active -q sshd.socket"
    if comparison.script(socket).ok:
        return _Daemon()
    raise CannotLookError(
        f"no sshd runs that wrote {pidfile}: nobody knows which settings are in force",
        hint="systemctl status ssh   # on that host",
    )


def _files(comparison: Comparison, config: str) -> str:
    """Return all files that sshd reads, each behind a line `#F mtime path`."""
    answer = comparison.script(_LIST.format(config=shlex.quote(config)))
    if not answer.ok:
        raise CannotLookError(answer.said, hint="set sudo: true for this host in hosts.yaml")
    return answer.text


def _compare_age(comparison: Comparison, daemon: _Daemon, text: str) -> None:
    if daemon.started_s is None:
        return
    heads = [line.split(" ", 2) for line in text.splitlines() if line.startswith("#F ")]
    later = sorted(path for _, at, path in heads if int(at) > daemon.started_s)
    comparison.note(
        "daemon",
        "runs with older settings" if later else "runs with these settings",
        expected="runs with these settings",
        source="its pidfile",
        path=("settings",),
        problem=f"{', '.join(later)} changed after sshd read it: reload ssh" if later else "",
    )


def _compare(comparison: Comparison, name: str, observed: str, wanted: str | list[str]) -> None:
    expected = ", ".join(wanted) if isinstance(wanted, list) else wanted
    fits = _fits(observed, wanted)
    comparison.note(
        name,
        observed,
        expected=expected,
        source=_command(comparison, ()),
        path=("settings", name),
        problem="" if fits else f"{name} is {observed}, expected {expected}",
    )


def _compare_blocks(comparison: Comparison, model: Safeguard, files: str) -> None:
    """Look into `Match` blocks: `sshd -T` says what holds for everybody else."""
    wanted = {name.lower(): (name, value) for name, value in model.settings.items()}
    forbidden = {name.lower(): (name, value) for name, value in model.forbidden.items()}
    blocks = 0
    for match, keyword, value in _in_blocks(files):
        blocks += keyword == ""
        name, expected = wanted.get(keyword, ("", ""))
        if name and not _fits(_ALIASES.get(value, value), expected):
            text = f"{name} is {value} for {match}, expected {expected}"
            comparison.note(
                f"{match}: {name}", value, expected=str(expected), source="/etc/ssh/sshd_config",
                path=("settings", name), problem=text,
            )  # fmt: skip
        name, patterns = forbidden.get(keyword, ("", []))
        if bad := _forbidden(value, patterns):
            comparison.note(
                f"{match}: {name}", value, expected=f"none of {', '.join(patterns)}",
                source="/etc/ssh/sshd_config", path=("forbidden", name),
                problem=f"{name} allows {', '.join(bad)} for {match}",
            )  # fmt: skip
    comparison.note(
        "Match blocks", blocks, expected="nothing weaker in them", source="/etc/ssh/sshd_config"
    )


def _in_blocks(text: str) -> Iterator[tuple[str, str, str]]:
    """Yield (block, keyword, value) of each line in a `Match` block; the block itself first.

    Raises:
        CannotLookError: a block, or a file that is included, includes a file.
    """
    match, files = "", []
    for line in text.splitlines():
        if line.startswith("#F "):  # a block ends with its file
            match = ""
            files.append(line.split(" ", 2)[2])
            continue
        words = line.split("#")[0].strip().replace("=", " ", 1).split(None, 1)
        if len(words) < 2:
            continue
        keyword, value = words[0].lower(), words[1].strip().strip('"')
        if keyword == "include" and (match or len(files) > 1):
            raise CannotLookError(
                f"{files[-1]} includes {value}: what that says is not looked at",
                hint=f"include it from {files[0]} itself, before its first Match block",
            )
        if keyword == "match":
            match = "" if value.lower() == "all" else f"Match {value}"
            value = ""
        if match:
            yield match, "" if keyword == "match" else keyword, value


def _fits(observed: str, wanted: str | list[str]) -> bool:
    values = observed.lower().split(",")
    if isinstance(wanted, list):
        return set(values) <= {each.lower() for each in wanted}
    condition = _CONDITION.fullmatch(wanted.strip())
    if condition is None:
        return observed.lower() == wanted.lower()
    if not observed.isdigit():
        return False
    limit, value = int(condition[2]), int(observed)
    return {"<=": value <= limit, ">=": value >= limit, "<": value < limit, ">": value > limit}[
        condition[1]
    ]


def _forbid(
    comparison: Comparison, name: str, observed: str | None, patterns: Sequence[str]
) -> None:
    if observed is None and name.lower() not in _SILENT:
        raise CannotLookError(
            f"sshd tells of no {name}: whether it is weak is not known",
            hint="sshd -T   # on that host: the first word of each line is a keyword",
        )
    bad = _forbidden(observed or "", patterns)
    comparison.note(
        name,
        observed or "not set",
        expected=f"none of {', '.join(patterns)}",
        source=_command(comparison, ()),
        path=("forbidden", name),
        problem=f"{name} allows {', '.join(bad)}" if bad else "",
    )


def _forbidden(observed: str, patterns: Sequence[str]) -> list[str]:
    """Return the values that may not be; what a list takes away (`-aes256-cbc`) is none."""
    if observed.startswith("-"):
        return []
    values = re.split(r"[,\s]+", observed.lower().lstrip("+^"))
    wanted = [pattern.lower() for pattern in patterns]
    return [one for one in values if any(fnmatchcase(one, pattern) for pattern in wanted)]
