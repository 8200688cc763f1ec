"""A mailbox: one sink of a test's own, and what tests of the outbox do with it in one line each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from checkout_core.domain.event import EventType
from checkout_core.ports.outbox import Backlog, DeadLetter, Failure, PendingEvent
from checkout_core.ports.records import AppendEvent
from checkout_core.testing.names import alarm_of, event_of
from checkout_core.testing.till import Till
from checkout_core.testing.transactions import LONG, Purchase, of_saga, saving


class Mailbox:
    """Registers a sink at the till's store, under a name that no other test has."""

    def __init__(self, till: Till, name: str) -> None:
        self._till = till
        self._outbox = till.store.outbox
        self.sink = f"{name}-{till.names.scope}"
        self._outbox.register(self.sink)

    def event(self, purchase: Purchase, version: int, kind: EventType = EventType.ORDER_CONFIRMED) -> str:
        """Append an event to an order that has been opened; its id. ``version``: of the order before."""
        fence = self._till.fence(version)
        event_id = event_of(fence.commit_id)
        appended = AppendEvent(event_id=event_id, type=kind, payload="{}")
        self._till.stored(of_saga(purchase.saga_id, fence, appended, saving()))
        return event_id

    def claim_under(self, *, lease_seconds: float = LONG, limit: int = 100) -> tuple[str, tuple[PendingEvent, ...]]:
        """A new token, and what was claimed under it."""
        token = self._till.token()
        return token, self._outbox.claim(self.sink, token=token, lease_seconds=lease_seconds, limit=limit)

    def claim(self, *, lease_seconds: float = LONG, limit: int = 100) -> tuple[PendingEvent, ...]:
        return self.claim_under(lease_seconds=lease_seconds, limit=limit)[1]

    def claimed(self, *, limit: int = 100) -> list[str]:
        """The ids of what is handed out now."""
        return [each.event.event_id for each in self.claim(limit=limit)]

    def acknowledge(self, found: Sequence[PendingEvent], token: str) -> int:
        return self._outbox.acknowledge(self.sink, [each.event for each in found], token=token)

    def fail(self, found: Sequence[PendingEvent], token: str, retry: float | Mapping[str, float] | None) -> None:
        """All of ``found`` failed; ``retry``: seconds, by event id if they differ, or None for the dead."""
        failures = [
            Failure(
                event=each.event,
                error="the receiver said no",
                retry_seconds=retry[each.event.event_id] if isinstance(retry, Mapping) else retry,
                alarm_id=alarm_of(each.event.event_id),
            )
            for each in found
        ]
        self._outbox.fail(self.sink, failures, token=token)

    def letters(self) -> list[DeadLetter]:
        return [each for each in self._outbox.dead(limit=1000) if each.sink == self.sink]

    def replay(self, event_id: str) -> bool:
        return self._outbox.replay(self.sink, event_id)

    def skip(self, event_id: str) -> bool:
        return self._outbox.skip(self.sink, event_id)

    def retire(self) -> None:
        self._outbox.retire(self.sink)

    def backlog(self) -> Backlog | None:
        return next((each for each in self._outbox.backlog() if each.sink == self.sink), None)
