"""Events: past tense, versioned, one per transition that the table marks (EVENT-1)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class EventType(StrEnum):
    ORDER_CONFIRMED = "order.confirmed.v1"
    ORDER_FAILED = "order.failed.v1"
    ORDER_ACTION_REQUIRED = "order.action_required.v1"
    ORDER_CANCELLED = "order.cancelled.v1"
    ORDER_REFUNDED = "order.refunded.v1"
    ORDER_PAYMENT_LOST = "order.payment_lost.v1"
    ORDER_LATE_PAYMENT_RETURNED = "order.late_payment_returned.v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """An event as receivers get it. It holds no personal data (SAFE-1).

    ``event_id`` is the same however often it is delivered. ``sequence`` grows with the order's events, with gaps.
    ``occurred_at`` is the database's time of the commit, in UTC; ``payload`` is a JSON document.
    """

    event_id: str
    type: str
    order_id: str
    sequence: int
    occurred_at: datetime
    payload: str
