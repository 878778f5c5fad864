"""Error lines in log files and journals since the night began, counted on the host itself."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, cast

from pytest_ddd import clock
from pytest_ddd.baseline.model import Declaration
from pytest_ddd.baseline.sections.logs import Log as LogModel
from pytest_ddd.errors import CannotLookError, NotApplicableError
from pytest_ddd.probes.attempts import until_good
from pytest_ddd.probes.entry import Entry
from pytest_ddd.probes.log_search.answer import Found, parse
from pytest_ddd.probes.log_search.blind import complaint, hint
from pytest_ddd.probes.log_search.command import command_for
from pytest_ddd.probes.log_search.review import LogReview, Look
from pytest_ddd.results import Limit, Threshold

if TYPE_CHECKING:  # the connections are not needed to declare
    from pytest_ddd.connections import Connections
    from pytest_ddd.probes.scope import Scope

SECTION = "logs"


class Log(Entry[LogReview]):
    """One log of one host that is declared in the section `logs`."""

    def __init__(
        self,
        *,
        declaration: Declaration[LogModel],
        host: str,
        connections: Connections,
        since: datetime,
    ) -> None:
        super().__init__(section=SECTION, key=declaration.key, target=host, host=host)
        self.declaration = declaration
        self._connections = connections
        self._since = since

    @property
    def critical(self) -> Threshold:
        """One critical line is red."""
        return Threshold(crit=Limit(value=1, origin=self.declaration.origin("critical")))

    @property
    def errors(self) -> Threshold:
        """The limits of the number of error lines."""
        return self.declaration.threshold("errors", unit="")

    def look(self) -> LogReview:
        """Search the log on its host; nothing but counts and a small sample comes back.

        What was seen is not looked at again: a line that was logged stays logged. Only what
        could not be seen has another attempt.

        Raises:
            CannotLookError: some of it could not be seen, and what was seen is not red.
            NotApplicableError: it is absent, as its entry allows.
        """
        review, _before = until_good(self.declaration.model.attempts, self._look_once)
        return review

    def _look_once(self, attempt: int) -> LogReview:
        model, started_at = self.declaration.model, clock.now()
        name = model.path or f"journal {model.journal}"
        since = self._since if model.since is None else started_at - timedelta(seconds=model.since)
        answer = self._connections.session(self.host).run(
            command_for(model, since=since, now=started_at),
            timeout_s=model.timeout,
            repeatable=True,
        )
        said = answer.stderr.decode(errors="replace").strip()[:300]
        try:
            found = parse(answer.stdout, name=name)
        except CannotLookError as failure:
            raise CannotLookError(f"{failure.message}: {said or answer.exit_status}") from None
        if found.absent and not model.optional and not found.blinds:
            raise CannotLookError(f"{name} is not there")
        self._refuse_blind(found, name, said)
        if found.absent and found.files == 0:
            raise NotApplicableError(f"{name} is not there, and may be absent")
        look = Look(
            declaration=self.declaration,
            name=name,
            since=since,
            started_at=started_at,
            took_s=answer.took_s,
            attempt=attempt,
        )
        return look.review(found)

    def _refuse_blind(self, found: Found, name: str, said: str) -> None:
        """A known fault is not hidden by a blind spot; without one, a blind spot is all we know."""
        crit = self.errors.crit
        is_red = found.critical > 0 or (crit is not None and found.error >= crit.value)
        if found.blinds and not is_red:
            texts = dict.fromkeys(complaint(blind, name) for blind in found.blinds)
            tail = f" ({said})" if said else ""
            raise CannotLookError("; ".join(texts) + tail, hint=hint(found.blinds[0], name))


def entries(scope: Scope) -> list[Log]:
    """Return one log for every (host, declaration)."""
    return [
        Log(
            declaration=cast("Declaration[LogModel]", declaration),
            host=host,
            connections=scope.connections,
            since=scope.since,
        )
        for host, declaration in scope.on_hosts(SECTION)
    ]
