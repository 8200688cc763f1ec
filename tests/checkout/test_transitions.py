"""The table of transitions: every pair of status and trigger, exhaustively."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import product

import pytest

from checkout_core.checkout.moves import attend, move, row_for
from checkout_core.checkout.transitions import TABLE, Trigger, arrows, transition
from checkout_core.domain.event import EventType
from checkout_core.domain.order import Attention, FailureReason, Order, OrderDetails, OrderStatus
from checkout_core.errors import InvariantError
from checkout_core.ports.records import AppendEvent, MoveOrder
from checkout_core.saga.journal import Moved
from tests.checkout.desk import eur
from tests.saga.driving import Ids

S, T, E = OrderStatus, Trigger, EventType
STATUSES: list[OrderStatus | None] = [None, *OrderStatus]

EXPECTED: dict[tuple[OrderStatus | None, Trigger], tuple[OrderStatus | None, EventType | None]] = {
    (None, T.OPENED): (S.PENDING, None),
    (None, T.OPENED_SHORT): (S.FAILED, E.ORDER_FAILED),
    (S.PENDING, T.ACTION_REQUIRED): (S.REQUIRES_ACTION, E.ORDER_ACTION_REQUIRED),
    (S.PENDING, T.PAID): (S.CONFIRMED, E.ORDER_CONFIRMED),
    (S.REQUIRES_ACTION, T.PAID): (S.CONFIRMED, E.ORDER_CONFIRMED),
    (S.PENDING, T.DECLINED): (S.FAILED, E.ORDER_FAILED),
    (S.REQUIRES_ACTION, T.DECLINED): (S.FAILED, E.ORDER_FAILED),
    (S.PENDING, T.NOT_SENT): (S.FAILED, E.ORDER_FAILED),
    (S.REQUIRES_ACTION, T.NOT_SENT): (S.FAILED, E.ORDER_FAILED),
    (S.PENDING, T.STEP_REFUSED): (S.FAILED, E.ORDER_FAILED),
    (S.REQUIRES_ACTION, T.STEP_REFUSED): (S.FAILED, E.ORDER_FAILED),
    (S.REQUIRES_ACTION, T.EXPIRED): (S.FAILED, E.ORDER_FAILED),
    (S.PENDING, T.CANCELLED): (S.CANCELLED, E.ORDER_CANCELLED),
    (S.REQUIRES_ACTION, T.CANCELLED): (S.CANCELLED, E.ORDER_CANCELLED),
    (S.FAILED, T.LATE_CONFIRMED): (S.CONFIRMED, E.ORDER_CONFIRMED),
    (S.CANCELLED, T.LATE_CONFIRMED): (S.CONFIRMED, E.ORDER_CONFIRMED),
    (S.FAILED, T.LATE_RETURNED): (None, E.ORDER_LATE_PAYMENT_RETURNED),
    (S.CANCELLED, T.LATE_RETURNED): (None, E.ORDER_LATE_PAYMENT_RETURNED),
    (S.CONFIRMED, T.REFUNDED_PART): (S.PARTIALLY_REFUNDED, E.ORDER_REFUNDED),
    (S.PARTIALLY_REFUNDED, T.REFUNDED_PART): (S.PARTIALLY_REFUNDED, E.ORDER_REFUNDED),
    (S.CONFIRMED, T.REFUNDED_ALL): (S.REFUNDED, E.ORDER_REFUNDED),
    (S.PARTIALLY_REFUNDED, T.REFUNDED_ALL): (S.REFUNDED, E.ORDER_REFUNDED),
    (S.CONFIRMED, T.CANCELLED): (S.CANCELLED, E.ORDER_CANCELLED),
    (S.CONFIRMED, T.COVER_LOST): (S.PAYMENT_LOST, E.ORDER_PAYMENT_LOST),
    (S.PARTIALLY_REFUNDED, T.COVER_LOST): (S.PAYMENT_LOST, E.ORDER_PAYMENT_LOST),
}


@pytest.mark.parametrize(("status", "on"), list(product(STATUSES, Trigger)))
def test_each_pair_is_in_the_table_or_changes_nothing(status: OrderStatus | None, on: Trigger) -> None:
    row = transition(status, on)
    expected = EXPECTED.get((status, on))
    assert (row and (row.target, row.event)) == expected


def test_no_pair_is_in_the_table_twice() -> None:
    pairs = [(source, row.on) for row in TABLE for source in row.sources]
    assert len(set(pairs)) == len(pairs) == len(EXPECTED)


def test_live_and_open_statuses() -> None:
    assert {status for status in S if status.is_live} == {
        S.PENDING, S.REQUIRES_ACTION, S.CONFIRMED, S.PARTIALLY_REFUNDED, S.PAYMENT_LOST,
    }  # fmt: skip
    assert {status for status in S if status.is_open} == {S.PENDING, S.REQUIRES_ACTION}


def test_the_guard_is_held_exactly_while_the_order_is_live() -> None:
    for row in TABLE:
        for source in row.sources:
            after = row.target or source
            assert after is not None
            assert after.is_live == (row.guard != "free"), row
            taken = after.is_live and (source is None or not source.is_live)
            assert taken == (row.guard == "taken"), row


def test_every_end_of_an_order_is_told_in_an_event() -> None:
    assert [row.on for row in TABLE if row.event is None] == [T.OPENED]


def test_every_status_can_be_reached() -> None:
    reached = {row.target for row in TABLE if row.target}
    assert reached == set(OrderStatus)


def test_the_diagram_is_drawn_from_the_table() -> None:
    drawn = list(arrows())
    assert len(drawn) == len(EXPECTED)
    assert drawn[0] == ("(none)", "opened", "PENDING")
    assert ("PENDING", "paid", "CONFIRMED") in drawn
    assert ("FAILED", "late success, given back", "FAILED") in drawn
    assert {(source, on, target) for source, on, target in drawn} == {
        (source or "(none)", on, (target or source or "(none)")) for (source, on), (target, _) in EXPECTED.items()
    }


def order(status: OrderStatus, **more: object) -> Order:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    return Order(
        order_id="o",
        status=status,
        total=eur(1),
        items=(),
        created_at=at,
        updated_at=at,
        cart_id="c",
        details=OrderDetails(),
        **more,  # type: ignore[arg-type]
    )


@pytest.mark.parametrize(("pair", "expected"), EXPECTED.items(), ids=[f"{s}, {t}" for s, t in EXPECTED])
def test_a_move_stores_status_event_and_journal_entry(
    pair: tuple[OrderStatus | None, Trigger], expected: tuple[OrderStatus | None, EventType | None]
) -> None:
    source, on = pair
    if source is None:
        return
    target = expected[0] or source
    change = move(order(source), on, Ids(), reason=FailureReason.OPERATOR, detail="why")
    moved, *events = change.records
    assert isinstance(moved, MoveOrder)
    assert moved.status is target
    assert [each.type for each in events if isinstance(each, AppendEvent)] == [expected[1]]
    assert change.entries == (Moved(source, on, target),)


def test_a_late_payment_that_is_returned_leaves_the_reason_as_it_was() -> None:
    failed = order(S.FAILED, reason=FailureReason.PAYMENT_NOT_SENT, reason_detail="not found")
    moved = move(failed, T.LATE_RETURNED, Ids()).records[0]
    assert moved == MoveOrder(
        status=S.FAILED, reason=FailureReason.PAYMENT_NOT_SENT, reason_detail="not found", attention=Attention.NONE
    )


def test_a_confirmed_order_has_no_reason() -> None:
    failed = order(S.FAILED, reason=FailureReason.PAYMENT_NOT_SENT, reason_detail="not found")
    moved = move(failed, T.LATE_CONFIRMED, Ids()).records[0]
    assert moved == MoveOrder(status=S.CONFIRMED)


def test_the_saga_never_moves_an_order_outside_the_table() -> None:
    with pytest.raises(InvariantError, match="no row"):
        row_for(order(S.REFUNDED), T.PAID)


def test_attention_changes_nothing_else() -> None:
    failed = order(S.FAILED, reason=FailureReason.EXPIRED, reason_detail="x")
    assert attend(failed, Attention.PARKED) == MoveOrder(
        status=S.FAILED, reason=FailureReason.EXPIRED, reason_detail="x", attention=Attention.PARKED
    )
