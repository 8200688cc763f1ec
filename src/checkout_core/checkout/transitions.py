"""The order's state machine, as one table (protocol section 1). Documentation and diagrams are drawn from it.

Every (status, trigger) pair that is not in the table is a recorded no-op (STATE-1).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from checkout_core.domain.event import EventType
from checkout_core.domain.order import OrderStatus

PENDING = OrderStatus.PENDING
REQUIRES_ACTION = OrderStatus.REQUIRES_ACTION
CONFIRMED = OrderStatus.CONFIRMED
FAILED = OrderStatus.FAILED
CANCELLED = OrderStatus.CANCELLED
PARTIALLY_REFUNDED = OrderStatus.PARTIALLY_REFUNDED
REFUNDED = OrderStatus.REFUNDED
PAYMENT_LOST = OrderStatus.PAYMENT_LOST


class Trigger(StrEnum):
    OPENED = "opened"
    OPENED_SHORT = "opened, short"
    ACTION_REQUIRED = "action required"
    PAID = "paid"
    DECLINED = "declined"
    NOT_SENT = "not sent"
    STEP_REFUSED = "step refused"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    LATE_CONFIRMED = "late success, taken again"
    LATE_RETURNED = "late success, given back"
    REFUNDED_PART = "part refunded"
    REFUNDED_ALL = "all refunded"
    COVER_LOST = "cover lost"


Guard = Literal["taken", "kept", "free"]
Stock = Literal["held", "committed", "released", "none", "kept", "by choice"]


@dataclass(frozen=True, slots=True)
class Row:
    """From any of ``sources`` (None: no order yet), on ``on``, the order goes to ``target`` (None: stays)."""

    sources: tuple[OrderStatus | None, ...]
    on: Trigger
    target: OrderStatus | None
    guard: Guard
    stock: Stock
    event: EventType | None


_OPEN = (PENDING, REQUIRES_ACTION)
_PAID = (CONFIRMED, PARTIALLY_REFUNDED)
_ENDED = (FAILED, CANCELLED)

TABLE: tuple[Row, ...] = (
    Row((None,), Trigger.OPENED, PENDING, "taken", "held", None),
    Row((None,), Trigger.OPENED_SHORT, FAILED, "free", "none", EventType.ORDER_FAILED),
    Row((PENDING,), Trigger.ACTION_REQUIRED, REQUIRES_ACTION, "kept", "held", EventType.ORDER_ACTION_REQUIRED),
    Row(_OPEN, Trigger.PAID, CONFIRMED, "kept", "committed", EventType.ORDER_CONFIRMED),
    Row(_OPEN, Trigger.DECLINED, FAILED, "free", "released", EventType.ORDER_FAILED),
    Row(_OPEN, Trigger.NOT_SENT, FAILED, "free", "released", EventType.ORDER_FAILED),
    Row(_OPEN, Trigger.STEP_REFUSED, FAILED, "free", "released", EventType.ORDER_FAILED),
    Row((REQUIRES_ACTION,), Trigger.EXPIRED, FAILED, "free", "released", EventType.ORDER_FAILED),
    Row(_OPEN, Trigger.CANCELLED, CANCELLED, "free", "released", EventType.ORDER_CANCELLED),
    Row(_ENDED, Trigger.LATE_CONFIRMED, CONFIRMED, "taken", "committed", EventType.ORDER_CONFIRMED),
    Row(_ENDED, Trigger.LATE_RETURNED, None, "free", "kept", EventType.ORDER_LATE_PAYMENT_RETURNED),
    Row(_PAID, Trigger.REFUNDED_PART, PARTIALLY_REFUNDED, "kept", "by choice", EventType.ORDER_REFUNDED),
    Row(_PAID, Trigger.REFUNDED_ALL, REFUNDED, "free", "by choice", EventType.ORDER_REFUNDED),
    Row((CONFIRMED,), Trigger.CANCELLED, CANCELLED, "free", "by choice", EventType.ORDER_CANCELLED),
    Row(_PAID, Trigger.COVER_LOST, PAYMENT_LOST, "kept", "committed", EventType.ORDER_PAYMENT_LOST),
)  # fmt: skip

_INDEX = {(source, row.on): row for row in TABLE for source in row.sources}


def transition(status: OrderStatus | None, on: Trigger) -> Row | None:
    """The row for this pair, or None: then nothing changes."""
    return _INDEX.get((status, on))


def arrows() -> Iterator[tuple[str, str, str]]:
    """(from, trigger, to) of every arrow, for diagrams."""
    for row in TABLE:
        for source in row.sources:
            target = row.target or source
            yield (source or "(none)", row.on, target or "(none)")
