"""``MemoryStore``: the store port in memory, written to be read as its specification."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from threading import RLock

from checkout_core.adapters.memory.change import Change
from checkout_core.adapters.memory.files import file_of
from checkout_core.adapters.memory.ledger import MemoryLedger
from checkout_core.adapters.memory.outbox import MemoryOutbox
from checkout_core.adapters.memory.shape import check_shape
from checkout_core.adapters.memory.tables import StoredSaga, Tables
from checkout_core.domain.order import StockState
from checkout_core.ports.records import CommitAnswer, Phase, Transaction
from checkout_core.ports.store import Alarm, OutboxEvent, SagaFile, StockBalance, Store

CLAIMABLE = (Phase.RUNNING, Phase.WATCHING)


class MemoryStore(Store):
    """A store that lives as long as its process: for tests, for the simulator, and as the measure of other stores.

    ``clock`` gives seconds since 1970 and must not go backwards; every time is taken from it. One lock makes every
    method safe to call from any thread. A malformed transaction raises :class:`InvariantError` before anything of
    its batch is stored.
    """

    change: type[Change] = Change

    def __init__(self, clock: Callable[[], float] | None = None) -> None:
        self._clock = clock or time.time
        self._lock = RLock()
        self._tables = Tables()
        self._inventory = MemoryLedger(self._tables, self._lock)
        self._outbox = MemoryOutbox(self._tables, self._lock, self._clock)

    @property
    def inventory(self) -> MemoryLedger:
        return self._inventory

    @property
    def outbox(self) -> MemoryOutbox:
        return self._outbox

    def commit(self, batch: Sequence[Transaction]) -> list[CommitAnswer]:
        for member in batch:
            check_shape(member)
        with self._lock:
            return [self._apply(member) for member in batch]

    def _apply(self, member: Transaction) -> CommitAnswer:
        draft = self._tables.draft()
        answer = self.change(draft, member, self._clock()).answer()
        self._tables.keep(draft)
        return answer

    def load(self, saga_id: str) -> SagaFile | None:
        with self._lock:
            saga = self._tables.sagas.get(saga_id)
            return None if saga is None else file_of(saga, self._clock())

    def find(self, scope: str, key: str) -> SagaFile | None:
        with self._lock:
            owner = self._tables.keys.get((scope, key))
            return None if owner is None else self.load(owner.order_id)

    def claim_due(self, *, token: str, lease_seconds: float, limit: int) -> tuple[str, ...]:
        with self._lock:
            now = self._clock()
            due = [
                (saga.due_at, saga.saga_id)
                for saga in self._tables.sagas.values()
                if saga.phase in CLAIMABLE and saga.due_at is not None and saga.due_at <= now
                if not saga.is_leased(now)
            ]
            claimed = tuple(saga_id for _, saga_id in sorted(due)[:limit])
            for saga_id in claimed:
                self._lease(self._tables.sagas[saga_id], token, now + lease_seconds)
            return claimed

    def claim_one(self, saga_id: str, *, token: str, lease_seconds: float) -> bool:
        with self._lock:
            now = self._clock()
            saga = self._tables.sagas.get(saga_id)
            if saga is None or saga.phase is Phase.DONE or saga.is_leased(now):
                return False
            self._lease(saga, token, now + lease_seconds)
            return True

    def _lease(self, saga: StoredSaga, token: str, until: float) -> None:
        """The saga is due again when the lease runs out; its version stays."""
        self._tables.sagas[saga.saga_id] = replace(saga, token=token, leased_until=until, due_at=until)

    def put_back(self, saga_id: str, *, token: str, due_seconds: float, tries: int | None = None) -> None:
        with self._lock:
            saga = self._tables.sagas.get(saga_id)
            if saga is not None and saga.token == token:
                due_at = self._clock() + due_seconds
                kept = saga.tries if tries is None else tries
                self._tables.sagas[saga_id] = replace(saga, token=None, leased_until=None, due_at=due_at, tries=kept)

    def files_after(self, saga_id: str, *, limit: int) -> tuple[SagaFile, ...]:
        with self._lock:
            now = self._clock()
            following = sorted(each for each in self._tables.sagas if each > saga_id)
            return tuple(file_of(self._tables.sagas[each], now) for each in islice(following, limit))

    def parked(self, *, limit: int = 100) -> tuple[str, ...]:
        with self._lock:
            waiting = sorted(name for name, saga in self._tables.sagas.items() if saga.phase is Phase.PARKED)
            return tuple(waiting[:limit])

    def stock_balances(self) -> Iterator[StockBalance]:
        with self._lock:
            held = self._reserved(StockState.HELD)
            committed = self._reserved(StockState.COMMITTED)
            balances = [
                StockBalance(
                    item_id=place[0],
                    location=place[1],
                    available=stock.available,
                    received=stock.received,
                    held=held.get(place, 0),
                    committed=committed.get(place, 0),
                )
                for place, stock in sorted(self._tables.stock.items(), key=lambda row: row[0])
            ]
        return iter(balances)

    def _reserved(self, state: StockState) -> dict[tuple[str, str], int]:
        units: dict[tuple[str, str], int] = {}
        for saga in self._tables.sagas.values():
            for line in saga.reserved if saga.stock is state else ():
                units[line.item_id, line.location] = units.get((line.item_id, line.location), 0) + line.qty
        return units

    def outbox_of(self, order_id: str) -> tuple[OutboxEvent, ...]:
        with self._lock:
            saga = self._tables.sagas.get(order_id)
            return () if saga is None else saga.events

    def alarms(self, *, limit: int = 100) -> tuple[Alarm, ...]:
        """Oldest first; an acknowledged alarm is gone."""
        with self._lock:
            rows = sorted(self._tables.alarms.values(), key=lambda alarm: (alarm.raised_at, alarm.alarm_id))
            return tuple(rows[:limit])

    def acknowledge_alarm(self, alarm_id: str) -> None:
        with self._lock:
            self._tables.alarms.pop(alarm_id, None)

    def close(self) -> None:
        """Nothing to give back: what is stored stays readable."""
