"""Runs that fail in the code: counted in the store, told by one alarm, parked in the end, given back by an operator.

LIVE-1: nothing is tried for ever without a human. LIVE-3: it delays nobody else.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from checkout_core.adapters.memory.tables import StoredCommit
from checkout_core.checkout import charge as charging
from checkout_core.checkout.operator import compensate, force, retry
from checkout_core.checkout.recovery import recover_one
from checkout_core.checkout.setback import SetBack, set_back
from checkout_core.checkout.trace import trace_of
from checkout_core.domain.order import Attention, OrderStatus
from checkout_core.domain.result import Refused
from checkout_core.errors import TransitionRefusedError
from checkout_core.ports.payment import NotFound, Processing, Succeeded
from checkout_core.ports.records import Phase
from checkout_core.saga.effects import OutcomeUnknown
from tests.checkout.desk import LOOKUP_ONLY, Desk, eur

PAID = Succeeded(provider_reference="p1", amount=eur(1990))
LOST, NOTHING = OutcomeUnknown("timeout"), NotFound()
HOUR = 3600.0


class Poisoned(Desk):
    """An order whose charge was lost, and whose every further run fails until ``cured``."""

    def __init__(self, patch: pytest.MonkeyPatch | None = None, **settings: Any) -> None:
        super().__init__(LOOKUP_ONLY, **{"park_after_seconds": HOUR, **settings})
        self.answers |= {"charge": [LOST], "lookup": [LOST]}
        self.buy()
        self.patch = patch

    def poison(self) -> None:
        """The code that settles a charge has a bug."""

        def broken(*_: object) -> object:
            raise ZeroDivisionError

        assert self.patch is not None
        self.answers["lookup"] = [PAID]
        self.patch.setattr(charging, "settle_charge", broken)

    def garble(self) -> None:
        """The last row of the journal is not what anybody wrote."""
        sagas, order_id = self.store._tables.sagas, self.file().saga.saga_id
        *before, last = sagas[order_id].journal
        row = replace(last.row, entries='[{"entry":"nonsense"}]')
        sagas[order_id] = replace(sagas[order_id], journal=(*before, StoredCommit(row=row, answer=last.answer)))

    def tried(self, worker: str = "second") -> SetBack | None:
        """One due run of the saga, as a driver does it, by a process that has just started."""
        self.clock.now += max(self.file().saga.due_in_seconds or 0.0, 0.0)
        token, asked_at, shop = self.new_id(), self.clock.now, self.shop_of(worker)
        (order_id,) = self.store.claim_due(token=token, lease_seconds=60.0, limit=10)
        try:
            self.driver.run(recover_one(shop, order_id, token, asked_at))
        except Exception as error:
            noted: SetBack | None = self.driver.run(set_back(shop, order_id, token, type(error).__name__))
            return noted
        return None

    def until_parked(self) -> int:
        """How many failures it takes."""
        for number in range(1, 1000):
            noted = self.tried(f"process-{number}")
            assert noted is not None
            if noted.parked:
                return number
        raise AssertionError("never parked")


@pytest.fixture
def poisoned(monkeypatch: pytest.MonkeyPatch) -> Poisoned:
    desk = Poisoned(monkeypatch)
    desk.poison()
    return desk


def test_failures_are_counted_across_processes_and_raise_one_alarm(poisoned: Poisoned) -> None:
    noted = [poisoned.tried(f"process-{number}") for number in range(8)]
    assert [each and (each.failures, each.alarmed) for each in noted] == [(n, n == 5) for n in range(1, 9)]
    assert poisoned.alarms() == ["run_fails"]
    assert poisoned.file().saga.phase is Phase.RUNNING


def test_a_saga_that_goes_on_failing_is_parked_with_its_cause(poisoned: Poisoned) -> None:
    """LIVE-1: after the parking age, counted in pauses between failures."""
    begun = poisoned.clock.now
    failures = poisoned.until_parked()
    assert poisoned.file().saga.phase is Phase.PARKED
    assert poisoned.order.attention is Attention.PARKED
    assert poisoned.store.parked() == (poisoned.file().saga.saga_id,)
    assert HOUR <= poisoned.clock.now - begun <= 1.2 * HOUR
    assert failures > 5
    assert poisoned.alarms() == ["run_fails"]
    text = trace_of(poisoned.file()).text()
    assert "run failed: ZeroDivisionError" in text
    assert "parked for an operator: run_fails" in text
    assert poisoned.audit().parked == 1
    assert poisoned.audit().clean


def test_failures_write_a_row_at_the_first_at_the_alarm_and_at_the_parking_only(poisoned: Poisoned) -> None:
    before = len(poisoned.file().journal)
    poisoned.until_parked()
    assert len(poisoned.file().journal) == before + 3


def test_a_park_age_shorter_than_the_alarm_s_failures_still_alarms(monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Poisoned(monkeypatch, park_after_seconds=2.0)
    desk.poison()
    assert desk.until_parked() == 3
    assert desk.alarms() == ["run_fails"]


def test_a_run_that_is_all_right_ends_the_count(poisoned: Poisoned) -> None:
    for _ in range(4):
        poisoned.tried()
    poisoned.answers["lookup"] = [Processing(provider_reference="p1")]  # settled by code that works
    assert poisoned.patch is not None
    poisoned.patch.undo()
    assert poisoned.tried() is None
    assert poisoned.file().saga.due_in_seconds == 2.0, "as if it had never failed"
    poisoned.poison()
    noted = poisoned.tried()
    assert noted == SetBack(1, alarmed=False, parked=False)


def test_a_look_that_learns_nothing_ends_the_count_without_a_row(poisoned: Poisoned) -> None:
    for _ in range(3):
        poisoned.tried()
    rows = len(poisoned.file().journal)
    poisoned.answers["lookup"] = [LOST]
    assert poisoned.tried() is None
    poisoned.answers["lookup"] = [PAID]
    noted = poisoned.tried()
    assert noted == SetBack(1, alarmed=False, parked=False)
    assert len(poisoned.file().journal) == rows


def test_outages_never_park(monkeypatch: pytest.MonkeyPatch) -> None:
    """Protocol 3.7: a provider that is away for days is no reason to ask a human."""
    desk = Poisoned(monkeypatch, park_after_seconds=HOUR)
    desk.wait(48 * HOUR, every=120.0)
    assert desk.file().saga.phase is Phase.RUNNING
    assert "run_fails" not in desk.alarms()


def test_an_unreadable_journal_is_parked_and_listed_and_told(monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Poisoned()
    desk.garble()
    desk.until_parked()
    assert desk.store.parked() == (desk.file().saga.saga_id,)
    assert desk.order.attention is Attention.PARKED
    assert desk.alarms() == ["run_fails"]
    assert "cannot read it" in trace_of(desk.file()).text()
    assert [(each.property_id, "cannot be read" in each.text) for each in desk.audit().findings] == [("STATE-3", True)]


def test_an_operator_s_other_actions_refuse_an_unreadable_journal() -> None:
    desk = Poisoned()
    desk.garble()
    desk.until_parked()
    order_id = desk.file().saga.saga_id
    for action in (compensate(desk.shop, order_id, "n"), force(desk.shop, order_id, "not_charged", "", "n")):
        with pytest.raises(TransitionRefusedError, match="journal cannot be read"):
            desk.driver.run(action)
    assert desk.file().saga.phase is Phase.PARKED


def test_retry_gives_an_unreadable_saga_back_without_reading_it() -> None:
    desk = Poisoned()
    desk.garble()
    desk.until_parked()
    order = desk.driver.run(retry(desk.shop, desk.file().saga.saga_id, "new code is out"))
    assert (order.status, order.attention) == (OrderStatus.PENDING, Attention.NONE)
    noted = desk.tried()
    assert noted == SetBack(1, alarmed=False, parked=False), "still garbled, and counted anew"


def test_retry_gives_a_mended_saga_back_and_it_ends(poisoned: Poisoned) -> None:
    poisoned.until_parked()
    assert poisoned.patch is not None
    poisoned.patch.undo()
    poisoned.driver.run(retry(poisoned.shop, poisoned.file().saga.saga_id, "mended"))
    poisoned.wait(10.0)
    assert poisoned.order.status is OrderStatus.CONFIRMED
    assert poisoned.audit().clean


def test_a_failure_of_a_saga_that_another_has_taken_changes_nothing(poisoned: Poisoned) -> None:
    order_id = poisoned.file().saga.saga_id
    rows = len(poisoned.file().journal)
    noted = poisoned.driver.run(set_back(poisoned.shop, order_id, "lost token", "ValueError"))
    assert noted == SetBack(1, alarmed=False, parked=False)
    assert len(poisoned.file().journal) == rows
    assert poisoned.driver.run(set_back(poisoned.shop, "nowhere", "token", "ValueError")) is None


def test_a_watch_that_fails_stays_a_watch(monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Poisoned(monkeypatch)
    desk.answers["lookup"] = [NOTHING]
    desk.wait(200.0)
    assert desk.file().saga.phase is Phase.WATCHING
    desk.poison()
    desk.tried()
    assert desk.file().saga.phase is Phase.WATCHING
    desk.until_parked()
    monkeypatch.undo()
    desk.driver.run(retry(desk.shop, desk.file().saga.saga_id, "mended"))
    assert desk.file().saga.phase is Phase.WATCHING
    desk.wait(100.0)
    assert desk.order.status is OrderStatus.CONFIRMED


def test_who_asks_again_does_not_wait_for_a_watch_that_was_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """LIVE-3: the order has failed; that a worker looks whether it was charged all the same is no buyer's business."""
    desk = Poisoned(monkeypatch)
    desk.answers["lookup"] = [NOTHING]
    desk.wait(200.0)
    desk.poison()
    desk.until_parked()
    desk.driver.run(retry(desk.shop, desk.file().saga.saga_id, "mended"))
    desk.store.claim_due(token="a worker's", lease_seconds=60.0, limit=1)
    assert isinstance(desk.buy(), Refused)
