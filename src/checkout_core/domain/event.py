"""Events: past tense, versioned, one per transition that the table marks (EVENT-1)."""

from __future__ import annotations

from enum import StrEnum


class EventType(StrEnum):
    ORDER_CONFIRMED = "order.confirmed.v1"
    ORDER_FAILED = "order.failed.v1"
    ORDER_ACTION_REQUIRED = "order.action_required.v1"
    ORDER_CANCELLED = "order.cancelled.v1"
    ORDER_REFUNDED = "order.refunded.v1"
    ORDER_PAYMENT_LOST = "order.payment_lost.v1"
    ORDER_LATE_PAYMENT_RETURNED = "order.late_payment_returned.v1"
