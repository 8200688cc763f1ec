"""What the memory store promises beyond the port: its clock, and how it answers a core that is wrong."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from checkout_core.adapters.memory import MemoryStore
from checkout_core.domain.order import OrderStatus
from checkout_core.errors import InvariantError
from checkout_core.ports.records import (
    AppendEvent,
    Applied,
    CommitStock,
    FreeGuard,
    GuardTaken,
    MoveOrder,
    OpenSaga,
    OperationState,
    ReleaseStock,
    ReserveStock,
    StockLine,
    TakeGuard,
)
from checkout_core.testing.till import Till
from checkout_core.testing.transactions import LONG, Ending, outcome, saving


class Clock:
    """A clock that stands still until it is put forward."""

    def __init__(self, seconds: float = 1_000_000.0) -> None:
        self.seconds = seconds

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def till(clock: Clock) -> Till:
    return Till(MemoryStore(clock))


def test_every_time_is_the_given_clocks_in_utc(till: Till, clock: Clock) -> None:
    answer = till.stored(till.opening(till.purchase()))
    assert answer.at == datetime.fromtimestamp(clock.seconds, UTC)
    assert answer.at.tzinfo is UTC


def test_without_a_clock_it_is_the_machines() -> None:
    before = datetime.now(UTC)
    till = Till(MemoryStore())
    assert before <= till.stored(till.opening(till.purchase())).at <= datetime.now(UTC)


def test_remaining_times_run_down_with_the_clock(till: Till, clock: Clock) -> None:
    bought = till.opened()
    clock.seconds += 250.0
    file = till.file(bought)
    assert (file.saga.lease_seconds, file.saga.due_in_seconds) == (LONG - 250.0, LONG - 250.0)
    operation = file.operations[0]
    assert (operation.age_seconds, operation.pay_by_seconds) == (250.0, 750.0)
    assert (operation.resend_seconds, operation.quiet_seconds) == (4750.0, 3750.0)


def test_a_lease_is_live_until_the_very_moment_of_its_end(till: Till, clock: Clock) -> None:
    bought = till.opened()
    clock.seconds += LONG - 0.5
    assert till.due() == []
    clock.seconds += 0.5
    assert till.due() == [bought.saga_id]


def test_a_saga_whose_worker_died_after_a_claim_is_due_again_when_that_lease_ends(till: Till, clock: Clock) -> None:
    bought = till.opened(lease_seconds=0.0)
    assert till.due() == [bought.saga_id]
    clock.seconds += LONG
    assert till.due() == [bought.saga_id]


def test_a_guard_that_was_given_up_for_later_is_free_at_that_time(till: Till, clock: Clock) -> None:
    bought = till.opened()
    till.stored(till.ending(bought, Ending.CONFIRM))
    rival = till.opening(till.purchase(cart_id=bought.cart_id))
    clock.seconds += LONG - 0.5
    assert isinstance(till.commit(rival), GuardTaken)
    clock.seconds += 0.5
    assert isinstance(till.commit(rival), Applied)


def test_a_guard_that_has_run_out_is_not_prolonged(till: Till, clock: Clock) -> None:
    bought = till.opened()
    till.stored(till.ending(bought, Ending.LET_GO))
    token = till.claim(bought)
    till.stored(till.ending(bought, Ending.UNKNOWN, version=2, token=token))
    free = next(record for record in till.ending(bought, Ending.CONFIRM).records if isinstance(record, FreeGuard))
    till.stored(till.writing(bought, free, saving(), version=3, token=token))
    clock.seconds += LONG
    till.stored(till.writing(bought, free, saving(), version=4, token=token))
    assert isinstance(till.commit(till.opening(till.purchase(cart_id=bought.cart_id))), Applied)


def test_ones_own_guard_may_be_taken_again(till: Till, clock: Clock) -> None:
    bought = till.opened()
    take = TakeGuard(scope=bought.scope, cart_id=bought.cart_id, revision="", owner="Zoë again")
    till.stored(till.writing(bought, take, saving()))
    clock.seconds += 10 * LONG
    answer = till.commit(till.opening(till.purchase(cart_id=bought.cart_id)))
    assert answer == GuardTaken(order_id=bought.saga_id, owner="Zoë again")


def test_a_malformed_member_stops_its_batch_before_anything_is_stored(till: Till) -> None:
    fine = till.opening(till.purchase())
    malformed = till.writing(till.purchase(), saving(), saving())
    with pytest.raises(InvariantError, match="exactly one SaveSaga"):
        till.store.commit([fine, malformed])
    assert till.store.load(fine.saga_id) is None


def test_a_transaction_that_breaks_a_rule_of_form_is_a_bug(till: Till) -> None:
    bought = till.purchase({till.item(1): 1})
    opening = till.opening(bought)
    saga, key, guard, order, reserve, intent, save = opening.records
    assert isinstance(reserve, ReserveStock)
    assert opening.if_short is not None
    event = AppendEvent(event_id=till.token(), type="order.failed.v1", payload="{}")
    twice = StockLine(item_id="a", location="", qty=1)
    broken = {
        "OpenSaga first": replace(opening, records=(key, saga, save)),
        "OpenSaga first at": replace(opening, version=1),
        "exactly one SaveSaga": replace(opening, records=(saga, key)),
        "at most one AppendEvent": replace(opening, records=(saga, event, event, save)),
        "at most one ReserveStock": replace(opening, records=(saga, reserve, reserve, save)),
        "beside ReserveStock": replace(opening, if_short=None),
        "if_short reserves": replace(opening, if_short=opening.records),
        "that the records do not claim": replace(opening, records=(saga, guard, order, intent, save)),
        "sorted stock lines": replace(opening, records=(saga, ReserveStock(lines=(twice, twice)), save)),
        "qty >= 1": till.writing(bought, ReleaseStock(lines=(replace(twice, qty=0),)), saving()),
    }
    for message, transaction in broken.items():
        with pytest.raises(InvariantError, match=message):
            till.commit(transaction)
    assert till.store.load(bought.saga_id) is None


def test_a_transaction_that_what_is_stored_forbids_is_a_bug_and_stores_nothing(till: Till) -> None:
    item = till.item(5)
    bought = till.opened({item: 2})
    save = saving()
    orderless = till.purchase()
    till.stored(till.writing(orderless, OpenSaga(definition="x", definition_version=1), save, version=0))
    intent = till.opening(bought).records[5]
    other_lines = (replace(bought.lines[0], qty=1),)
    forbidden = {
        "twice": till.writing(bought, ReleaseStock(lines=bought.lines), save, intent),
        "no operation": till.writing(bought, CommitStock(), save, outcome(OperationState.UNKNOWN, operation_id="none")),
        "other lines": till.writing(bought, save, ReleaseStock(lines=other_lines)),
        "reserves stock while": till.ending(bought, Ending.LATE),
        "has not opened": till.writing(orderless, save, MoveOrder(status=OrderStatus.CONFIRMED)),
    }
    before = (till.file(bought), till.file(orderless), till.balance(item))
    for message, transaction in forbidden.items():
        with pytest.raises(InvariantError, match=message):
            till.commit(transaction)
    assert (till.file(bought), till.file(orderless), till.balance(item)) == before


def test_the_members_before_a_bug_stay_stored(till: Till) -> None:
    """Each member is atomic; the batch is not."""
    bought = till.opened()
    bug = till.writing(bought, outcome(OperationState.UNKNOWN, operation_id="none"), saving())
    fine = till.opening(till.purchase())
    with pytest.raises(InvariantError):
        till.store.commit([fine, bug])
    assert till.store.load(fine.saga_id) is not None


def test_a_closed_store_can_still_be_read(till: Till) -> None:
    bought = till.opened()
    till.store.close()
    assert till.file(bought).saga.version == 1
