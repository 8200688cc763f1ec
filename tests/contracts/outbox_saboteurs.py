"""Outboxes that are wrong in one point each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from checkout_core.adapters.memory import MemoryStore
from checkout_core.adapters.memory.change import Change
from checkout_core.adapters.memory.outbox import MemoryOutbox
from checkout_core.adapters.memory.tables import DeliveryKey
from checkout_core.domain.event import Event
from checkout_core.ports.outbox import Backlog, Failure, PendingEvent
from checkout_core.ports.records import AppendEvent


class FirstSinkOnly(Change):
    def deliver(self, record: AppendEvent) -> None:
        kept = set(self.tables.sinks)
        self.tables.sinks = set(sorted(kept)[:1])
        super().deliver(record)
        self.tables.sinks = kept


class PastEventsToo(MemoryOutbox):
    """A new sink is given what happened before."""

    def register(self, sink: str) -> None:
        known = {key[1:]: each for key, each in self._tables.deliveries.items()}
        if sink not in self._tables.sinks:
            for (order_id, sequence), each in known.items():
                self._tables.deliveries[sink, order_id, sequence] = each
        super().register(sink)


class RegistrationForgets(MemoryOutbox):
    def register(self, sink: str) -> None:
        self.retire(sink)
        super().register(sink)


class RetiredKeepsPending(MemoryOutbox):
    def retire(self, sink: str) -> None:
        self._tables.sinks.discard(sink)


class NewestFirst(MemoryOutbox):
    def claim(self, sink: str, *, token: str, lease_seconds: float, limit: int) -> tuple[PendingEvent, ...]:
        due = sorted(
            (
                (each.due_at, key)
                for key, each in self._tables.deliveries.items()
                if key[0] == sink and each.due_at is not None and each.due_at <= self._clock() and self._is_head(key)
            ),
            reverse=True,
        )
        return tuple(self._claimed(key, token, self._clock() + lease_seconds) for _, key in due[:limit])


class LeaseIgnored(MemoryOutbox):
    def _claimed(self, key: DeliveryKey, token: str, until: float) -> PendingEvent:
        return super()._claimed(key, token, self._clock())


class LostWithItsWorker(MemoryOutbox):
    """What was claimed is taken for delivered."""

    def _claimed(self, key: DeliveryKey, token: str, until: float) -> PendingEvent:
        return super()._claimed(key, token, float("inf"))


class TriesForgotten(MemoryOutbox):
    def _claimed(self, key: DeliveryKey, token: str, until: float) -> PendingEvent:
        return replace(super()._claimed(key, token, until), tries=1)


class WholeOrdersHandedOut(MemoryOutbox):
    def _is_head(self, key: DeliveryKey) -> bool:
        return True


class DeadLetterOvertaken(MemoryOutbox):
    """The order's next event goes out past a dead one."""

    def _is_head(self, key: DeliveryKey) -> bool:
        return not any(
            each[:2] == key[:2] and each[2] < key[2] and delivery.died_at is None
            for each, delivery in self._tables.deliveries.items()
        )


class DeadLetterBlocksAll(MemoryOutbox):
    def claim(self, sink: str, *, token: str, lease_seconds: float, limit: int) -> tuple[PendingEvent, ...]:
        if any(each.sink == sink for each in self.dead(limit=1000)):
            return ()
        return super().claim(sink, token=token, lease_seconds=lease_seconds, limit=limit)


class AcknowledgesUpToTheLast(MemoryOutbox):
    """Everything that was claimed with it is taken for delivered too."""

    def acknowledge(self, sink: str, events: Sequence[Event], *, token: str) -> int:
        mine = [each.event for key, each in self._tables.deliveries.items() if key[0] == sink and each.token == token]
        return min(super().acknowledge(sink, mine, token=token), len(events))


class AnybodyAcknowledges(MemoryOutbox):
    def _held(self, sink: str, event: Event, token: str) -> DeliveryKey | None:
        key = (sink, event.order_id, event.sequence)
        return key if key in self._tables.deliveries else None


class ExpiredLeaseRefused(MemoryOutbox):
    def _held(self, sink: str, event: Event, token: str) -> DeliveryKey | None:
        key = super()._held(sink, event, token)
        due_at = self._tables.deliveries[key].due_at if key is not None else None
        return key if due_at is not None and due_at > self._clock() else None


class RetriedAtOnce(MemoryOutbox):
    def _fail(self, key: DeliveryKey, failure: Failure) -> None:
        super()._fail(key, replace(failure, retry_seconds=min(failure.retry_seconds or 0.0, 0.0)))


class DeadWithoutAlarm(MemoryOutbox):
    def _fail(self, key: DeliveryKey, failure: Failure) -> None:
        super()._fail(key, failure)
        self._tables.alarms.pop(failure.alarm_id, None)


class ReplayKeepsTries(MemoryOutbox):
    def replay(self, sink: str, event_id: str) -> bool:
        key = self._dead_key(sink, event_id)
        tries = self._tables.deliveries[key].tries if key is not None else 0
        done = super().replay(sink, event_id)
        if key is not None:
            self._tables.deliveries[key] = replace(self._tables.deliveries[key], tries=tries)
        return done


class SkipsTheLiving(MemoryOutbox):
    def _dead_key(self, sink: str, event_id: str) -> DeliveryKey | None:
        named = [key for key, each in self._tables.deliveries.items() if each.event.event_id == event_id]
        return next((key for key in named if key[0] == sink), None)


class SkipsAtEverySink(MemoryOutbox):
    def skip(self, sink: str, event_id: str) -> bool:
        done = super().skip(sink, event_id)
        for key, each in list(self._tables.deliveries.items()):
            if done and each.event.event_id == event_id:
                del self._tables.deliveries[key]
        return done


class DeadCountedAsPending(MemoryOutbox):
    def _backlog(self, sink: str) -> Backlog:
        found = super()._backlog(sink)
        return replace(found, pending=found.pending + found.dead)


def store_with(saboteur: type[MemoryOutbox | Change]) -> MemoryStore:
    """A memory store whose outbox, or whose transactions, are those of ``saboteur``."""
    if issubclass(saboteur, Change):
        return type(saboteur.__name__, (MemoryStore,), {"change": saboteur})()
    store = MemoryStore()
    store._outbox = saboteur(store._tables, store._lock, store._clock)
    return store
