"""An event as receivers get it."""

from __future__ import annotations

from datetime import UTC, datetime

from checkout_core.domain.event import Event, EventType

AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def an_event(number: int = 1, kind: str = EventType.ORDER_CONFIRMED) -> Event:
    return Event(
        event_id=f"00000000-0000-7000-8000-{number:012x}",
        type=kind,
        order_id=f"00000000-0000-7000-9000-{number:012x}",
        sequence=2,
        occurred_at=AT,
        payload='{"order_id": "o-1", "total": {"minor": 1990, "currency": "EUR"}}',
    )
