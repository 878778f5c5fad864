"""Update one host: out of service, update, restart, boot, proof, and back into service."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_ddd import clock
from pytest_ddd.actions.interface import Keep, Plan, Subject
from pytest_ddd.actions.journal import STAGE
from pytest_ddd.actions.patching import boots, health, marks
from pytest_ddd.actions.patching.jobs import Job
from pytest_ddd.actions.patching.kinds import kind_of
from pytest_ddd.actions.patching.marks import Before
from pytest_ddd.actions.patching.service import Service
from pytest_ddd.actions.patching.updaters import points_of, updater_of
from pytest_ddd.errors import CannotLookError, DddError
from pytest_ddd.probes.patches import Patch, superuser
from pytest_ddd.probes.rollback import Point, RollbackPoint, read_point
from pytest_ddd.probes.rollback import entries as rollback_entries
from pytest_ddd.results import Problem
from pytest_ddd.units import format_duration, plural

KIND = "patches"
_BEFORE = "before.json"
_TOUCHED = "touched"
"""Kept once the update may have begun; without it there is nothing to bring back."""


class ApplyPatch:
    """Updates one host in its turn.

    What was there is kept in the journal and, for a run on another machine, on the host. The
    update itself runs as a job of the host: it ends well also when this program does not.
    """

    def __init__(self, patch: Patch) -> None:
        self._patch = patch
        self._model = patch.declaration.model
        self._updater = updater_of(patch)
        self._service = Service(patch)
        self._job = Job(patch.session, patch.key)

    @property
    def subject(self) -> Subject:
        """The kind of update and its host."""
        one = self._patch
        return Subject(kind=KIND, environment=one.environment, target=one.target, entry=one.key)

    @property
    def needs_s(self) -> float:
        """What is left of the batch takes at most so long, its way back included."""
        turn, model = self._patch.turn, self._model
        soak_s = model.soak if turn.earlier and len(turn.rest) > 0 else 0.0
        return soak_s + len(turn.rest) * (model.duration + model.rollback_duration)

    def plan(self) -> Plan:
        """Say everything that would be done, in its order."""
        superuser(self._patch.session)
        waiting, turn = self._patch.look(), self._patch.turn
        lines = waiting.lines
        kept = [f"held back: {one}" for one in waiting.held.detail.splitlines()]
        where = f"{self._patch.target} (batch {turn.batch} of {turn.batches})"
        state = self._job.state()
        left = f"; a job is {state.name}" if state.name in ("running", "lost") else ""
        if not lines:
            summary = f"nothing to update on {where}{left}"
            return Plan(summary=summary, detail="\n".join(kept), is_needed=bool(left))
        summary = f"{plural(len(lines), 'update')} of {self._patch.key} on {where}{left}"
        return Plan(summary=summary, detail="\n".join([*self._steps(lines), *kept]), is_needed=True)

    def do(self, keep: Keep) -> None:
        """Do it all; a host that is not well afterwards is a failure."""
        session, model = self._patch.session, self._model
        self._settle_others()
        if self._job.wait(within_s=model.duration).name == "running":
            raise CannotLookError(
                f"{self._patch.target}: an earlier update still runs there, and is not disturbed",
                hint="start again when it has ended",
            )
        points = points_of(self._patch)
        before = self._before(points)
        script = self._updater.script(points)
        keep.save(_BEFORE, before.to_json())
        if any(point.in_use for _, point in points):
            keep.save(_TOUCHED, b"")
        marks.mark(session, points, before)
        self._stage(keep, "taking it out of service")
        self._service.begin()
        if script:
            self._stage(keep, "updating")
            keep.save(_TOUCHED, b"")
            self._job.run(script, within_s=model.duration)
        self._stage(keep, "restarting units")
        health.restart(session, model)
        if boots.is_wanted(session, model.reboot):
            self._stage(keep, "booting")
            boots.reboot(session, within_s=model.reboot.timeout)
        self._stage(keep, "looking whether it is well")
        wrong = self._wrong(points, before)
        if wrong:
            raise DddError(f"{self._patch.target} is not well after its update: {'; '.join(wrong)}")
        self._stage(keep, "putting it back into service")
        self._service.end()
        marks.unmark(session, points)

    def verify(self) -> tuple[Problem, ...]:
        """Look once more, now that the host is in service."""
        points = [
            (entry, point)
            for entry in rollback_entries(self._patch.scope)
            if entry.host == self._patch.host and self._model.apt is not None
            if (point := read_point(self._patch.session, entry.key)) is not None
        ]
        missing = self._updater.missing(points)
        ailing = health.settled(
            self._patch.session, self._model, lambda: self._ailing((), ()), patient=True
        )
        return self._problems([*missing, *ailing])

    def undo(self, keep: Keep) -> tuple[Problem, ...]:
        """Bring back what was there, start it anew, prove it, and put it back into service."""
        data = keep.load(_BEFORE)
        if data is None:
            return ()
        before, session = Before.from_json(data), self._patch.session
        session.retry()
        state = self._job.wait(within_s=self._model.rollback_duration)
        if state.name == "running":
            text = "the update still runs there, and is not disturbed: undo it once it has ended"
            return self._problems([text])
        points = marks.kept(self._patch, before)
        if keep.load(_TOUCHED) is not None:
            self._bring_back(points, before)
        wrong = health.settled(session, self._model, lambda: self._unrestored(points, before))
        if wrong:
            return self._problems(wrong)
        self._service.end()
        marks.unmark(session, points)
        return ()

    def _bring_back(self, points: Sequence[tuple[RollbackPoint, Point]], before: Before) -> None:
        session, model = self._patch.session, self._model
        self._service.begin()
        for entry, point in points:
            kind_of(entry).restore(point)
        self._updater.take_back(points)
        health.restart(session, model)
        if boots.boot_id(session) != before.boot and model.reboot.when != "never":
            boots.reboot(session, within_s=model.reboot.timeout)

    def _steps(self, lines: Sequence[str]) -> list[str]:
        model, known = self._model, self._service
        units = ", ".join([*model.restart, "what needrestart names"])
        boot = {
            "required": "boot it, if it has /run/reboot-required",
            "always": "boot it",
            "never": "no boot",
        }
        waits = f"after {format_duration(model.soak)}, " if model.soak else ""
        earlier = ", ".join(self._patch.turn.earlier)
        return [
            *(
                [f"{waits}look whether earlier batches are still well: {earlier}"]
                if earlier
                else []
            ),
            *(f"out of service: {one}" for one in known.begins),
            *lines,
            f"restart: {units}",
            boot[model.reboot.when],
            *(f"must be active: {one}" for one in model.services),
            *(f"must exit with 0: {one}" for one in model.checks),
            *(f"into service: {one}" for one in known.ends),
        ]

    def _settle_others(self) -> None:
        """Let the batch before this one soak, and begin nothing new where it went bad.

        Raises:
            DddError: a host of an earlier batch is no longer well.
        """
        turn, scope = self._patch.turn, self._patch.scope
        if not turn.earlier:
            return
        if self._model.soak and len(turn.rest) == turn.size:
            clock.wait(self._model.soak)
        for host in turn.earlier:
            session = scope.connections.session(host)
            wrong = health.settled(
                session,
                self._model,
                lambda: health.ailing(session, self._model, (), ()),  # noqa: B023 - called at once
            )
            if wrong:
                raise DddError(f"not begun: {host} of an earlier batch is not well: {wrong[0]}")

    def _before(self, points: Sequence[tuple[RollbackPoint, Point]]) -> Before:
        """Return what the host was like, also when an earlier run has changed it since."""
        for entry, point in points:
            if point.in_use:
                return marks.read(self._patch.session, entry)
        session = self._patch.session
        return Before(
            boot=boots.boot_id(session),
            running=tuple(health.running(session)),
            failed=tuple(health.failed(session)),
            points=tuple(marks.name_of(entry, point) for entry, point in points),
        )

    def _wrong(self, points: Sequence[tuple[RollbackPoint, Point]], before: Before) -> list[str]:
        return health.settled(
            self._patch.session,
            self._model,
            lambda: [*self._updater.missing(points), *self._ailing(before.running, before.failed)],
        )

    def _unrestored(
        self, points: Sequence[tuple[RollbackPoint, Point]], before: Before
    ) -> list[str]:
        left = self._updater.unrestored(points)
        return [*left, *self._ailing(before.running, before.failed)]

    def _ailing(self, running: Sequence[str], failed: Sequence[str]) -> list[str]:
        return health.ailing(self._patch.session, self._model, running, failed)

    def _stage(self, keep: Keep, name: str) -> None:
        keep.save(STAGE, name.encode())

    def _problems(self, wrong: Sequence[str]) -> tuple[Problem, ...]:
        origin = self._patch.declaration.origin()
        return tuple(Problem(text=one, origin=origin) for one in wrong)
