"""Moving an order along the table: the records and the journal entry of one transition."""

from __future__ import annotations

from collections.abc import Callable

from pydantic_core import to_json

from checkout_core.checkout.transitions import Row, Trigger, transition
from checkout_core.domain.event import EventType
from checkout_core.domain.order import Attention, FailureReason, Order
from checkout_core.errors import InvariantError
from checkout_core.ports.records import AppendEvent, MoveOrder, Record
from checkout_core.saga.journal import Moved
from checkout_core.saga.step import Change


def row_for(order: Order, on: Trigger) -> Row:
    """The table's row for an order that the saga is about to move; a pair outside the table is a bug here."""
    row = transition(order.status, on)
    if row is None:
        raise InvariantError(f"the table has no row for {order.status} on {on}")
    return row


def move(
    order: Order, on: Trigger, new_id: Callable[[], str], *, reason: FailureReason | None = None, detail: str = ""
) -> Change:
    """Records that move ``order`` on this trigger and append the event that the table marks."""
    row = row_for(order, on)
    target = row.target or order.status
    kept_reason = reason if row.target is not None else order.reason
    kept_detail = detail if row.target is not None else order.reason_detail
    records: list[Record] = [MoveOrder(status=target, reason=kept_reason, reason_detail=kept_detail)]
    if row.event is not None:
        records.append(event(row.event, order, target, kept_reason, new_id()))
    return Change(tuple(records), (Moved(order.status, on, target),))


def attend(order: Order, attention: Attention) -> MoveOrder:
    """Leave the order where it stands and say what an operator should know (STATE-4)."""
    return MoveOrder(status=order.status, reason=order.reason, reason_detail=order.reason_detail, attention=attention)


def event(type_: EventType, order: Order, status: str, reason: FailureReason | None, event_id: str) -> AppendEvent:
    """An event names what subscribers need to load the order; no personal data (SAFE-1)."""
    payload = {
        "order_id": order.order_id,
        "scope": order.scope,
        "cart_id": order.cart_id,
        "status": status,
        "reason": reason,
        "total": {"minor": order.total.minor, "currency": order.total.currency},
        "items": [
            {"item_id": item.item_id, "location": item.location, "qty": item.qty, "price_minor": item.price.minor}
            for item in order.items
        ],
    }
    return AppendEvent(event_id=event_id, type=type_, payload=to_json(payload).decode())
