"""The end of a run: what has not arrived is told, and nothing else is."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_ddd.alerts import Parcel
from pytest_ddd.baseline.sections.escalation import Escalation
from pytest_ddd.escalation.evaluation import Mode, Plan
from pytest_ddd.escalation.flushing import MOST_FAILURES
from pytest_ddd.escalation.interface import Channel
from pytest_ddd.escalation.telling import Asked, Told, tell
from pytest_ddd.history.desk import desk
from pytest_ddd.history.outbox import StoredOutbox
from pytest_ddd.history.store import Store
from pytest_ddd.messages import NotNowError
from tests.unit.escalation.conftest import SetClock
from tests.unit.escalation.delivering import Heard, message, put


class Shared(StoredOutbox):
    """An outbox into which another run puts a message right after the first one has sent all."""

    is_asked = False

    def undelivered(self) -> Sequence[Parcel]:
        if not self.is_asked:
            self.is_asked = True
            put(self._store, message(7))
        return super().undelivered()


def told(store: Store, outbox: StoredOutbox, pager: Channel) -> Told:
    plan = Plan(escalation=Escalation.model_validate({}), timezone="UTC", mode=Mode.ON)
    books, _, ledger = desk(store, "prod")
    return tell(books, outbox, ledger, Asked(plan=plan, channels=lambda: {"pager": pager}))


def test_what_another_run_puts_in_meanwhile_is_sent_and_not_told(
    store: Store, set_clock: SetClock
) -> None:
    put(store, message(1))
    pager = Heard()

    found = told(store, Shared(store, environment="prod"), pager)

    assert [one.dedup_key for one in pager.messages] == ["ddd/prod/web1", "ddd/prod/web7"]
    assert (found.flushed.delivered, found.undelivered) == (2, ())


def test_a_channel_that_failed_often_is_left_alone(store: Store, set_clock: SetClock) -> None:
    put(store, *(message(number) for number in range(6)))
    tries: list[int] = []
    pager = Heard(fails=NotNowError("busy"), before=lambda: tries.append(1))

    found = told(store, Shared(store, environment="prod"), pager)

    assert len(tries) == MOST_FAILURES == found.flushed.failed
    assert len(found.undelivered) == 7
