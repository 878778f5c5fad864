"""Set the alerting rules of a Prometheus: for the night, with the day's as the way back."""

from __future__ import annotations

import difflib

from pytest_ddd import clock, templating
from pytest_ddd.actions.interface import Keep, Plan, Subject
from pytest_ddd.actions.rule_files import RuleFile
from pytest_ddd.baseline.sections.rule_sets import Profile
from pytest_ddd.errors import CannotLookError, DddError
from pytest_ddd.probes.alert_rules import DIGEST, Manifest, Running
from pytest_ddd.probes.rule_sets import RuleSet, is_running
from pytest_ddd.results import Problem

KIND = "rule_sets"
_BEFORE = "before.yml"
_ABSENT = "absent"
"""Kept when there was no file: then the way back is needed only after one was written."""

_POLL_S = 0.2


class SetRules:
    """Puts one profile of a rule set in force.

    Its way back is the file that was there before, when that was not written by pytest-ddd;
    else the rules of the day. Both profiles are checked before anything is touched, so that the
    way back is known to be good.
    """

    def __init__(self, rule_set: RuleSet, *, profile: Profile = "night") -> None:
        model = rule_set.declaration.model
        self._rule_set, self._profile, self._model = rule_set, profile, model
        self._file = RuleFile(session=rule_set.session, path=model.file, promtool=model.promtool)

    @property
    def subject(self) -> Subject:
        """The rule set and its target."""
        one = self._rule_set
        return Subject(kind=KIND, environment=one.environment, target=one.target, entry=one.key)

    def plan(self) -> Plan:
        """Compare the file and what Prometheus runs with what the baseline wants."""
        group = self._rule_set.group(self._profile)
        running, there = self._rule_set.running(), self._file.read()
        wanted = self._rendered(self._profile)
        in_force = is_running(running, group.manifest) and not _ill(running)
        number = f"{len(group.rules)} rules"
        if there == wanted and in_force:
            summary = f"nothing to change: Prometheus runs the {number} of the {self._profile}"
            return Plan(summary=summary, detail="\n".join(group.lines), is_needed=False)
        summary = f"write the {number} of the {self._profile} to {self._model.file} and reload"
        return Plan(summary=summary, detail=self._difference(there, wanted), is_needed=True)

    def do(self, keep: Keep) -> None:
        """Check both profiles, keep the way back, write, reload."""
        wanted, there = self._rendered(self._profile), self._file.read()
        before = there
        if there is None or Manifest.read(there) is not None:
            before = self._rendered("day")
            self._file.check(before)
        assert before is not None
        self._file.check(wanted)
        if there is None:
            keep.save(_ABSENT, b"")
        keep.save(_BEFORE, before)
        self._file.write(wanted)
        self._reload()

    def verify(self) -> tuple[Problem, ...]:
        """Wait until Prometheus runs every rule and could evaluate it."""
        return self._settled(self._rule_set.group(self._profile).manifest)

    def undo(self, keep: Keep) -> tuple[Problem, ...]:
        """Write the way back, reload, and wait until it is in force."""
        before = keep.load(_BEFORE)
        if before is None:  # `do` never came to the point where it touches something
            return ()
        untouched = None if keep.load(_ABSENT) is not None else before
        if self._file.read() == untouched and not self._runs():
            return ()
        self._file.write(before)
        try:
            self._reload()
        except DddError as failure:
            # What was refused the first time too never ran: the old rules still do.
            return (Problem(text=str(failure)),) if self._runs() else ()
        return self._settled(Manifest.read(before))

    def _runs(self) -> bool:
        """Whether Prometheus runs the profile that is to be taken back."""
        name = self._rule_set.group(self._profile).name
        return any(one.group == name for one in self._rule_set.running())

    def _settled(self, manifest: Manifest | None) -> tuple[Problem, ...]:
        """Poll until exactly the rules of a manifest run; without one, until none of ours does."""
        until_s = clock.monotonic() + self._model.settle
        while True:
            missing = self._missing(manifest)
            if not missing or clock.monotonic() >= until_s:
                break
            clock.wait(_POLL_S)
        origin = self._rule_set.declaration.origin("alerts")
        return tuple(Problem(text=f"{self._rule_set.key}: {one}", origin=origin) for one in missing)

    def _missing(self, manifest: Manifest | None) -> list[str]:
        try:
            running = self._rule_set.running()
        except CannotLookError as failure:
            return [failure.message]
        if manifest is None:
            return [f"Prometheus still runs {one.group!r}" for one in running]
        if not is_running(running, manifest):
            names = ", ".join(repr(one.group) for one in running) or "none of them"
            return [
                f"Prometheus does not run {manifest.group!r} as it was written, it runs {names}"
            ]
        return _ill(running)

    def _reload(self) -> None:
        if self._model.reload:
            self._file.command(self._model.reload)
            return
        caller = self._rule_set.caller()
        answer = caller.ask("/-/reload", (), caller.deadline(), method="POST")
        if answer.status != 200:
            raise DddError(
                f"{caller.url}/-/reload: status {answer.status}: {answer.text.strip()[:1000]}",
                hint="start Prometheus with --web.enable-lifecycle, or name a command: reload: …",
            )

    def _rendered(self, profile: Profile) -> bytes:
        group = self._rule_set.group(profile)
        origin = self._rule_set.declaration.origin()
        context = {
            "manifest": group.manifest.line,
            "group": group,
            "origin": origin.file if origin else "a baseline",
            "digest_name": DIGEST,
        }
        return templating.render("actions/rules.yml.j2", context).encode()

    def _difference(self, there: bytes | None, wanted: bytes) -> str:
        old = [] if there is None else there.decode(errors="replace").splitlines()
        new, name = wanted.decode().splitlines(), self._model.file
        titles = (name, f"{name} ({self._profile})")
        return "\n".join(difflib.unified_diff(old, new, *titles, lineterm=""))


def _ill(running: tuple[Running, ...]) -> list[str]:
    """Say which rules fail, and which have not been looked at yet."""
    errors = [f"rule fails: {error}" for group in running for error in group.errors]
    pending = [name for group in running for name in group.pending]
    return errors + ([f"not evaluated yet: {', '.join(pending)}"] if pending else [])
