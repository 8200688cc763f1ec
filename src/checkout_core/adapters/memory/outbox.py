"""The reading half of the outbox in memory: the specification of :class:`checkout_core.ports.outbox.Outbox`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from threading import RLock

from checkout_core.adapters.memory.tables import DeliveryKey, StoredDelivery, Tables
from checkout_core.domain.event import Event
from checkout_core.ports.outbox import Backlog, DeadLetter, Failure, Outbox, PendingEvent
from checkout_core.ports.store import Alarm


class MemoryOutbox(Outbox):
    """The ``outbox`` of a :class:`MemoryStore`; shares its lock and its clock."""

    def __init__(self, tables: Tables, lock: RLock, clock: Callable[[], float]) -> None:
        self._tables = tables
        self._lock = lock
        self._clock = clock

    def register(self, sink: str) -> None:
        with self._lock:
            self._tables.sinks.add(sink)

    def retire(self, sink: str) -> None:
        with self._lock:
            self._tables.sinks.discard(sink)
            for key in [key for key in self._tables.deliveries if key[0] == sink]:
                del self._tables.deliveries[key]

    def claim(self, sink: str, *, token: str, lease_seconds: float, limit: int) -> tuple[PendingEvent, ...]:
        with self._lock:
            now = self._clock()
            due = [
                (delivery.due_at, key)
                for key, delivery in self._tables.deliveries.items()
                if key[0] == sink and delivery.due_at is not None and delivery.due_at <= now and self._is_head(key)
            ]
            return tuple(self._claimed(key, token, now + lease_seconds) for _, key in sorted(due)[:limit])

    def _is_head(self, key: DeliveryKey) -> bool:
        """Whether this sink has acknowledged every earlier event of the order."""
        return not any(each[:2] == key[:2] and each[2] < key[2] for each in self._tables.deliveries)

    def _claimed(self, key: DeliveryKey, token: str, until: float) -> PendingEvent:
        delivery = self._tables.deliveries[key]
        delivery = replace(delivery, token=token, due_at=until, tries=delivery.tries + 1)
        self._tables.deliveries[key] = delivery
        return PendingEvent(event=delivery.event, tries=delivery.tries)

    def acknowledge(self, sink: str, events: Sequence[Event], *, token: str) -> int:
        with self._lock:
            held = [key for event in events if (key := self._held(sink, event, token)) is not None]
            for key in held:
                del self._tables.deliveries[key]
            return len(held)

    def fail(self, sink: str, failures: Sequence[Failure], *, token: str) -> None:
        with self._lock:
            for failure in failures:
                key = self._held(sink, failure.event, token)
                if key is not None:
                    self._fail(key, failure)

    def _fail(self, key: DeliveryKey, failure: Failure) -> None:
        now = self._clock()
        delivery = replace(self._tables.deliveries[key], token="", error=failure.error)
        if failure.retry_seconds is not None:
            delivery = replace(delivery, due_at=now + failure.retry_seconds)
        else:
            delivery = replace(delivery, due_at=None, died_at=now)
            self._tables.alarms[failure.alarm_id] = Alarm(
                alarm_id=failure.alarm_id,
                kind="dead_letter",
                order_id=failure.event.order_id,
                detail=f"{key[0]}: {failure.event.type} {failure.event.event_id}: {failure.error}",
                raised_at=datetime.fromtimestamp(now, UTC),
            )
        self._tables.deliveries[key] = delivery

    def _held(self, sink: str, event: Event, token: str) -> DeliveryKey | None:
        key = (sink, event.order_id, event.sequence)
        delivery = self._tables.deliveries.get(key)
        return key if delivery is not None and delivery.token == token and token else None

    def dead(self, *, limit: int = 100) -> tuple[DeadLetter, ...]:
        with self._lock:
            found = [
                (each.died_at, key, each) for key, each in self._tables.deliveries.items() if each.died_at is not None
            ]
            return tuple(_letter(key[0], died_at, each) for died_at, key, each in sorted(found)[:limit])

    def replay(self, sink: str, event_id: str) -> bool:
        with self._lock:
            key = self._dead_key(sink, event_id)
            if key is not None:
                delivery = self._tables.deliveries[key]
                self._tables.deliveries[key] = replace(delivery, due_at=self._clock(), died_at=None, tries=0)
            return key is not None

    def skip(self, sink: str, event_id: str) -> bool:
        with self._lock:
            key = self._dead_key(sink, event_id)
            if key is not None:
                del self._tables.deliveries[key]
            return key is not None

    def _dead_key(self, sink: str, event_id: str) -> DeliveryKey | None:
        for key, delivery in self._tables.deliveries.items():
            if key[0] == sink and delivery.event.event_id == event_id and delivery.died_at is not None:
                return key
        return None

    def backlog(self) -> tuple[Backlog, ...]:
        with self._lock:
            return tuple(self._backlog(sink) for sink in sorted(self._tables.sinks))

    def _backlog(self, sink: str) -> Backlog:
        mine = [each for key, each in self._tables.deliveries.items() if key[0] == sink]
        pending = [each.event.occurred_at.timestamp() for each in mine if each.died_at is None]
        return Backlog(
            sink=sink,
            pending=len(pending),
            dead=len(mine) - len(pending),
            oldest_seconds=max(0.0, self._clock() - min(pending)) if pending else 0.0,
        )


def _letter(sink: str, died_at: float, delivery: StoredDelivery) -> DeadLetter:
    return DeadLetter(
        sink=sink,
        event_id=delivery.event.event_id,
        order_id=delivery.event.order_id,
        type=delivery.event.type,
        tries=delivery.tries,
        error=delivery.error,
        died_at=datetime.fromtimestamp(died_at, UTC),
    )
