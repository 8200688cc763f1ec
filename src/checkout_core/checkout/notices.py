"""Which events the buyer is told of, and what the notice of one holds."""

from __future__ import annotations

from checkout_core.domain.event import Event, EventType
from checkout_core.domain.order import Order, OrderStatus
from checkout_core.ports.notifier import Notice, NoticeKind

_KINDS: dict[str, NoticeKind] = {
    EventType.ORDER_CONFIRMED: NoticeKind.CONFIRMATION,
    EventType.ORDER_FAILED: NoticeKind.FAILURE,
    EventType.ORDER_ACTION_REQUIRED: NoticeKind.ACTION_REQUIRED,
    EventType.ORDER_CANCELLED: NoticeKind.CANCELLATION,
    EventType.ORDER_REFUNDED: NoticeKind.REFUND,
    EventType.ORDER_LATE_PAYMENT_RETURNED: NoticeKind.REFUND,
}


def concerns_buyer(event: Event) -> bool:
    """Whether events of this type are told to the buyer at all."""
    return event.type in _KINDS


def notice_of(event: Event, order: Order) -> Notice | None:
    """The notice of ``event`` as the order is now; None: there is nothing to tell.

    Recipient and locale come from the order, since events hold no personal data (SAFE-1).
    """
    kind = _KINDS.get(event.type)
    if kind is None or (kind is NoticeKind.ACTION_REQUIRED and order.status is not OrderStatus.REQUIRES_ACTION):
        return None
    contact = order.details.contact
    return Notice(
        notice_id=event.event_id,
        kind=kind,
        order_id=order.order_id,
        order=order,
        recipient=contact,
        locale=contact.locale if contact is not None else "",
    )
