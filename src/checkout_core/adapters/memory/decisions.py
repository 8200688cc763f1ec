"""What is decided about a transaction before anything of it is written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import TypeVar

from checkout_core.adapters.memory.tables import StoredObservation, StoredSaga, Tables
from checkout_core.domain.result import Shortage
from checkout_core.ports.records import (
    Applied,
    ClaimKey,
    DuplicateKey,
    GuardTaken,
    Phase,
    Record,
    RecordOutcome,
    ReserveStock,
    Short,
    StockLine,
    TakeGuard,
    Transaction,
    UnknownItems,
    VersionConflict,
)
from checkout_core.ports.store import Observation

R = TypeVar("R", bound=Record)


class Decisions:
    """``transaction`` looked at from the rows as they stand at the moment ``now``."""

    def __init__(self, tables: Tables, transaction: Transaction, now: float) -> None:
        self.tables = tables
        self.transaction = transaction
        self.now = now
        self.at = datetime.fromtimestamp(now, UTC)
        self.version = transaction.version + 1

    def fence_holds(self) -> bool:
        """(token, version) and nothing else (protocol 3.1): an expired lease that nobody took still writes."""
        saga = self.tables.sagas.get(self.transaction.saga_id)
        if saga is None:
            return self.transaction.version == 0
        return saga.version == self.transaction.version and saga.token == self.transaction.token

    def first_answer(self) -> Applied | Short | None:
        """What this very commit was answered when it was stored (protocol 2.8)."""
        saga = self.tables.sagas.get(self.transaction.saga_id)
        stored = saga.journal if saga is not None else ()
        return next((each.answer for each in stored if each.row.commit_id == self.transaction.commit_id), None)

    def conflict(self) -> VersionConflict:
        """What the provider said is kept for the owner (STATE-2), once per commit; without a saga there is no owner."""
        saga = self.tables.sagas.get(self.transaction.saga_id)
        if saga is not None:
            told = enumerate(self.each(RecordOutcome))
            named = {f"{self.transaction.commit_id}.{position}": outcome for position, outcome in told}
            fresh = {
                name: StoredObservation(observation=Observation(observation_id=name, outcome=outcome))
                for name, outcome in named.items()
                if name not in saga.observations
            }
            self.saga = replace(saga, observations={**saga.observations, **fresh})
            if fresh and saga.phase is Phase.DONE:
                # Nobody would load it again: the owner must look whether this contradicts the end.
                self.saga = replace(self.saga, phase=Phase.WATCHING, due_at=self.now)
        return VersionConflict()

    def key_refusal(self) -> DuplicateKey | None:
        for claim in self.each(ClaimKey):
            owner = self.tables.keys.get((claim.scope, claim.key))
            if owner is not None and owner.order_id != self.transaction.saga_id:
                return DuplicateKey(order_id=owner.order_id, fingerprint=owner.fingerprint)
        return None

    def guard_refusal(self) -> GuardTaken | None:
        for take in self.each(TakeGuard):
            guard = self.tables.guards.get((take.scope, take.cart_id, take.revision))
            if guard is not None and guard.is_live(self.now) and guard.order_id != self.transaction.saga_id:
                return GuardTaken(order_id=guard.order_id, owner=guard.owner)
        return None

    def unknown_items(self) -> UnknownItems | None:
        wanted = [(line.item_id, line.location) for reserve in self.each(ReserveStock) for line in reserve.lines]
        unknown = tuple(place for place in wanted if place not in self.tables.stock)
        return UnknownItems(items=unknown) if unknown else None

    def shortages(self) -> Iterator[Shortage]:
        for reserve in self.each(ReserveStock):
            for line in reserve.lines:
                available = self.tables.stock[line.item_id, line.location].available
                if available < line.qty:
                    yield _shortage(line, available)

    @property
    def saga(self) -> StoredSaga:
        return self.tables.sagas[self.transaction.saga_id]

    @saga.setter
    def saga(self, saga: StoredSaga) -> None:
        self.tables.sagas[self.transaction.saga_id] = saga

    def each(self, kind: type[R]) -> list[R]:
        return [record for record in self.transaction.records if isinstance(record, kind)]


def _shortage(line: StockLine, available: int) -> Shortage:
    return Shortage(item_id=line.item_id, location=line.location, wanted=line.qty, available=available)
