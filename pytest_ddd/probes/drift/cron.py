"""Lines of crontabs: a user's own, or the system's."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from pytest_ddd.baseline.sections.configuration import Cron
from pytest_ddd.errors import CannotLookError
from pytest_ddd.probes.drift.comparison import Comparison
from pytest_ddd.probes.drift.presence import PERMISSION_HINT, is_absent

_SYSTEM_SCRIPT = """
for file in /etc/crontab /etc/cron.d/*; do
  [ -f "$file" ] || continue
  printf '\\036%s\\n' "$file"
  cat -- "$file" || exit 1
done
"""
"""Each file behind a line that starts with the record separator."""

_NO_CRONTAB = ("no crontab for", "can't open")
_IGNORED_BY_DEBIAN = re.compile(r"[^A-Za-z0-9_-]")
_IGNORED_BY_CRONIE = re.compile(r"^[.#]|(~|\.rpmsave|\.rpmorig|\.rpmnew|\.cfsaved)$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One line of a crontab; `ignored` says why cron never runs it."""

    schedule: str
    command: str
    file: str
    ignored: str = ""


def compare(comparison: Comparison) -> None:
    """Compare one job: the same command at the same times."""
    model = comparison.model(Cron)
    schedule, command = _squeezed(model.schedule), _squeezed(model.command)
    with comparison.looking("job"):
        if model.user == "system":
            jobs, source = system_jobs(comparison), "/etc/crontab, /etc/cron.d/*"
        else:
            jobs, source = user_jobs(comparison, model.user), f"crontab -l -u {model.user}"
        same = [job for job in jobs if job.command == command]
        found = "; ".join(_shown(job) for job in same) or "no such line"
        comparison.note(
            "job",
            found,
            expected=f"{schedule} {command}",
            source=source,
            path=("schedule",) if same else ("command",),
            problem=_problem(same, schedule, command, source),
        )


def _problem(same: list[Job], schedule: str, command: str, source: str) -> str:
    active = [job for job in same if not job.ignored]
    wrong = [job for job in active if job.schedule != schedule]
    if wrong:
        return f"runs at {'; '.join(_shown(job) for job in wrong)}, expected {schedule}"
    if active:
        return ""
    if same:
        return f"is never run: {'; '.join(_shown(job) for job in same)}, expected {schedule}"
    return f"no line runs `{command}` in {source}, expected {schedule}"


def _shown(job: Job) -> str:
    return f"{job.schedule} in {job.file}" + (f" ({job.ignored})" if job.ignored else "")


def user_jobs(comparison: Comparison, user: str) -> list[Job]:
    """Return the lines of a user's crontab.

    Raises:
        CannotLookError: it cannot be read.
    """
    answer = comparison.run("crontab", "-l", "-u", user)
    if not answer.ok and "privileged" in answer.error_text:
        if comparison.run("id", "-nu").text.strip() != user:
            raise CannotLookError(answer.error_text.strip(), hint=PERMISSION_HINT)
        answer = comparison.run("crontab", "-l")
    said = answer.error_text.strip()
    if not answer.ok:
        if answer.exit_status == 1 and any(words in said for words in _NO_CRONTAB):
            return []
        raise CannotLookError(said or f"crontab ended with {answer.exit_status}")
    return list(_jobs(answer.text, f"the crontab of {user}", user_field=False))


def system_jobs(comparison: Comparison) -> list[Job]:
    """Return the lines of the system's crontabs.

    Raises:
        CannotLookError: they cannot be read.
    """
    answer = comparison.script(f"LC_ALL=C; export LC_ALL; {_SYSTEM_SCRIPT}")
    if not answer.ok:
        raise CannotLookError(answer.error_text.strip() or "/etc/cron.d cannot be read")
    if not is_absent(comparison, "/etc/cron.d"):
        listing = comparison.run("ls", "-lA", "--", "/etc/cron.d")
        if not listing.ok:
            raise CannotLookError(listing.error_text.strip(), hint=PERMISSION_HINT)
    debian = comparison.host.system_info.distribution in ("debian", "ubuntu")
    jobs: list[Job] = []
    for part in answer.text.split("\036")[1:]:
        path, _, text = part.partition("\n")
        reason = _ignored(path, debian=debian)
        jobs += _jobs(text, path, user_field=True, ignored=reason)
    return jobs


def _ignored(path: str, *, debian: bool) -> str:
    """Return why cron passes over a file of /etc/cron.d."""
    if path == "/etc/crontab":
        return ""
    pattern = _IGNORED_BY_DEBIAN if debian else _IGNORED_BY_CRONIE
    return "cron ignores files of that name" if pattern.search(path.rsplit("/", 1)[1]) else ""


def _jobs(text: str, file: str, *, user_field: bool, ignored: str = "") -> Iterator[Job]:
    """Yield all jobs, those that are commented out too."""
    for line in text.splitlines():
        bare = line.strip()
        reason = "commented out" if bare.startswith("#") else ignored
        words = bare.lstrip("# ").split()
        width = 1 if words and words[0].startswith("@") else 5
        if len(words) <= width + user_field:
            continue
        yield Job(
            schedule=" ".join(words[:width]),
            command=" ".join(words[width + user_field :]),
            file=file,
            ignored=reason,
        )


def _squeezed(text: str) -> str:
    return " ".join(text.split())
