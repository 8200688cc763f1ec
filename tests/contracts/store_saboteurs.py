"""Stores that are wrong in one point each: what the contract suite must catch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from checkout_core.adapters.memory import MemoryStore
from checkout_core.adapters.memory.change import Change
from checkout_core.adapters.memory.ledger import MemoryLedger
from checkout_core.domain.order import StockState
from checkout_core.domain.result import Shortage
from checkout_core.ports.records import (
    AppendEvent,
    Applied,
    ClaimKey,
    CommitAnswer,
    DuplicateKey,
    FreeGuard,
    GuardTaken,
    MergeObservation,
    OpenOrder,
    Phase,
    Record,
    RecordOutcome,
    ReleaseStock,
    ReserveStock,
    SaveSaga,
    Short,
    Transaction,
    UnknownItems,
    VersionConflict,
)
from checkout_core.ports.store import SagaFile


class FenceIgnored(Change):
    def fence_holds(self) -> bool:
        return self.transaction.version == 0 or self.transaction.saga_id in self.tables.sagas


class TokenIgnored(Change):
    def fence_holds(self) -> bool:
        saga = self.tables.sagas.get(self.transaction.saga_id)
        return self.transaction.version == (0 if saga is None else saga.version)


class VersionIgnored(Change):
    def fence_holds(self) -> bool:
        saga = self.tables.sagas.get(self.transaction.saga_id)
        return super().fence_holds() if saga is None else saga.token == self.transaction.token


class ExpiredLeaseRefused(Change):
    def fence_holds(self) -> bool:
        saga = self.tables.sagas.get(self.transaction.saga_id)
        return super().fence_holds() and (saga is None or saga.is_leased(self.now))


class TokenKeptWithoutLease(Change):
    def save_saga(self, record: SaveSaga) -> None:
        super().save_saga(record)
        self.saga = replace(self.saga, token=self.transaction.token)


class NewerVersionAdopted(Change):
    """After a lost COMMIT: the saga has moved on, so it must have been me."""

    def conflict(self) -> CommitAnswer:  # type: ignore[override]
        saga = self.tables.sagas.get(self.transaction.saga_id)
        if saga is not None and saga.version == self.version:
            return Applied(version=saga.version, at=self.at)
        return super().conflict()


class RepetitionForgotten(Change):
    def first_answer(self) -> Applied | Short | None:
        return None


class ShortageForgotten(Change):
    def first_answer(self) -> Applied | Short | None:
        first = super().first_answer()
        return None if first is None else Applied(version=first.version, at=first.at)


class LatestAnswerRepeated(Change):
    def first_answer(self) -> Applied | Short | None:
        first = super().first_answer()
        return None if first is None else self.saga.journal[-1].answer


class WhatWasToldDropped(Change):
    def conflict(self) -> VersionConflict:
        return VersionConflict()


class FinishedSagaNotWoken(Change):
    def conflict(self) -> VersionConflict:
        before = self.tables.sagas.get(self.transaction.saga_id)
        answer = super().conflict()
        if before is not None:
            self.saga = replace(self.saga, phase=before.phase, due_at=before.due_at)
        return answer


class ObservationKeptTwice(Change):
    def conflict(self) -> VersionConflict:
        saga = self.tables.sagas.get(self.transaction.saga_id)
        if saga is not None:
            renamed = {f"{name} again": each for name, each in saga.observations.items()}
            self.saga = replace(saga, observations=renamed)
        return super().conflict()


class AlternativeObserved(Change):
    def conflict(self) -> VersionConflict:
        records = (*self.transaction.records, *(self.transaction.if_short or ()))
        self.transaction = replace(self.transaction, records=records)
        return super().conflict()


class MergeForgotten(Change):
    def merge_observation(self, record: MergeObservation) -> None:
        pass


class KeysFolded(Change):
    """A database's default collation."""

    def key_refusal(self) -> DuplicateKey | None:
        for claim in self.each(ClaimKey):
            for (scope, key), owner in self.tables.keys.items():
                alike = scope == claim.scope and key.strip().lower() == claim.key.strip().lower()
                if alike and owner.order_id != self.transaction.saga_id:
                    return DuplicateKey(order_id=owner.order_id, fingerprint=owner.fingerprint)
        return None


class KeyFreedByFailure(Change):
    def free_guard(self, record: FreeGuard) -> None:
        super().free_guard(record)
        if self.saga.key is not None:
            self.tables.keys[self.saga.key.scope, f"{self.saga.key.key} freed"] = self.tables.keys[
                self.saga.key.scope, self.saga.key.key
            ]

    def key_refusal(self) -> DuplicateKey | None:
        freed = any((claim.scope, f"{claim.key} freed") in self.tables.keys for claim in self.each(ClaimKey))
        return None if freed else super().key_refusal()


class GuardIgnored(Change):
    def guard_refusal(self) -> GuardTaken | None:
        return None


class GuardKeptForEver(Change):
    def free_guard(self, record: FreeGuard) -> None:
        pass


class GuardFreedAtOnce(Change):
    def free_guard(self, record: FreeGuard) -> None:
        super().free_guard(replace(record, after_seconds=0.0))


class GuardOfOthersFreed(Change):
    def free_guard(self, record: FreeGuard) -> None:
        place = (record.scope, record.cart_id, record.revision)
        self.tables.guards[place] = replace(self.tables.guards[place], until=self.now + record.after_seconds)


class GuardBeforeKey(Change):
    def key_refusal(self) -> DuplicateKey | None:
        return None if self.guard_refusal() else super().key_refusal()


class ShortageBeforeUnknown(Change):
    def unknown_items(self) -> UnknownItems | None:
        known = [
            line
            for reserve in self.each(ReserveStock)
            for line in reserve.lines
            if (line.item_id, line.location) in self.tables.stock
        ]
        short = any(self.tables.stock[line.item_id, line.location].available < line.qty for line in known)
        return None if short else super().unknown_items()

    def shortages(self) -> Iterator[Shortage]:
        unknown = super().unknown_items()
        if unknown is None:
            yield from super().shortages()
        else:
            yield Shortage(item_id=unknown.items[0][0], location=unknown.items[0][1], wanted=1, available=0)


class FirstUnknownOnly(Change):
    def unknown_items(self) -> UnknownItems | None:
        found = super().unknown_items()
        return None if found is None else UnknownItems(items=found.items[:1])


class FirstShortageOnly(Change):
    def shortages(self) -> Iterator[Shortage]:
        yield from list(super().shortages())[:1]


class Overselling(Change):
    def shortages(self) -> Iterator[Shortage]:
        return iter(())


class RefusedTakesStock(Change):
    """What a short cart could have had is missing for those after it."""

    def written(self, records: Sequence[Record], answer: Applied | Short) -> Applied | Short:
        if isinstance(answer, Short):
            short = {(line.item_id, line.location) for line in answer.lines}
            for line in (line for reserve in self.each(ReserveStock) for line in reserve.lines):
                if (line.item_id, line.location) not in short:
                    self.add_available(line, -line.qty)
        return super().written(records, answer)


class AlternativeNotStored(Change):
    def written(self, records: Sequence[Record], answer: Applied | Short) -> Applied | Short:
        return answer if isinstance(answer, Short) else super().written(records, answer)


class ReleasedBlindly(Change):
    def release_stock(self, record: ReleaseStock) -> None:
        for line in record.lines:
            self.add_available(line, line.qty)
        self.saga = replace(self.saga, stock=StockState.RELEASED)


class CommittedBlindly(Change):
    def commit_stock(self) -> None:
        self.saga = replace(self.saga, stock=StockState.COMMITTED)


class CommittedStockReleased(Change):
    def release_stock(self, record: ReleaseStock) -> None:
        if self.saga.stock is StockState.COMMITTED:
            self.saga = replace(self.saga, stock=StockState.HELD)
        super().release_stock(record)


class SequenceOfEvents(Change):
    """``aggregate_seq`` counts events instead of naming the version."""

    def append_event(self, record: AppendEvent) -> None:
        super().append_event(record)
        *before, last = self.saga.events
        self.saga = replace(self.saga, events=(*before, replace(last, aggregate_seq=len(before) + 1)))


class QuietTimeForgotten(Change):
    def record_outcome(self, record: RecordOutcome) -> None:
        super().record_outcome(replace(record, quiet_seconds=record.quiet_seconds or 0.0))


class WatchKeptForEver(Change):
    def record_outcome(self, record: RecordOutcome) -> None:
        before = self.operation(record.operation_id).watch_until
        super().record_outcome(record)
        operation = self.operation(record.operation_id)
        self.put_operation(replace(operation, watch_until=operation.watch_until or before))


class TokenNotErased(Change):
    def record_outcome(self, record: RecordOutcome) -> None:
        super().record_outcome(replace(record, erase_token=False))


class LinesJoined(Change):
    """Order lines of one item become one line."""

    def open_order(self, record: OpenOrder) -> None:
        super().open_order(replace(record, items=tuple({item.item_id: item for item in record.items}.values())))


class LastWriteWins(MemoryStore):
    """All members of a batch are decided on what was stored before it: two members of one saga both get through."""

    def commit(self, batch: Sequence[Transaction]) -> list[CommitAnswer]:
        drafts = [self._tables.draft() for _ in batch]
        answers = [self.change(*each, self._clock()).answer() for each in zip(drafts, batch, strict=True)]
        for draft in drafts:
            self._tables.keep(draft)
        return answers


class AllOrNothing(MemoryStore):
    """One refused member fails its whole batch."""

    def commit(self, batch: Sequence[Transaction]) -> list[CommitAnswer]:
        draft = self._tables.draft()
        answers = [self.change(draft, member, self._clock()).answer() for member in batch]
        if not any(isinstance(answer, GuardTaken | DuplicateKey | UnknownItems) for answer in answers):
            self._tables.keep(draft)
        return answers


class LastFirst(MemoryStore):
    """The answers are right, but the members were not served in order of arrival."""

    def commit(self, batch: Sequence[Transaction]) -> list[CommitAnswer]:
        return super().commit(batch[::-1])[::-1]


class LiveLeaseStolen(MemoryStore):
    def claim_one(self, saga_id: str, *, token: str, lease_seconds: float) -> bool:
        self._expire(saga_id)
        return super().claim_one(saga_id, token=token, lease_seconds=lease_seconds)

    def claim_due(self, *, token: str, lease_seconds: float, limit: int) -> tuple[str, ...]:
        for saga_id in list(self._tables.sagas):
            self._expire(saga_id)
        return super().claim_due(token=token, lease_seconds=lease_seconds, limit=limit)

    def _expire(self, saga_id: str) -> None:
        if saga_id in self._tables.sagas:
            self._tables.sagas[saga_id] = replace(self._tables.sagas[saga_id], leased_until=None)


class NewestDueFirst(MemoryStore):
    def claim_due(self, *, token: str, lease_seconds: float, limit: int) -> tuple[str, ...]:
        due = super().claim_due(token=token, lease_seconds=0.0, limit=1000)[::-1][:limit]
        for saga_id in due:
            self.claim_one(saga_id, token=token, lease_seconds=lease_seconds)
        return due


class ParkedHandedOut(MemoryStore):
    def claim_due(self, *, token: str, lease_seconds: float, limit: int) -> tuple[str, ...]:
        for saga_id, saga in self._tables.sagas.items():
            if saga.phase is Phase.PARKED:
                self._tables.sagas[saga_id] = replace(saga, phase=Phase.RUNNING)
        return super().claim_due(token=token, lease_seconds=lease_seconds, limit=limit)


class DoneClaimed(MemoryStore):
    def claim_one(self, saga_id: str, *, token: str, lease_seconds: float) -> bool:
        saga = self._tables.sagas.get(saga_id)
        if saga is not None and saga.phase is Phase.DONE:
            return True
        return super().claim_one(saga_id, token=token, lease_seconds=lease_seconds)


class PutBackByAnybody(MemoryStore):
    def put_back(self, saga_id: str, *, token: str, due_seconds: float, tries: int | None = None) -> None:
        anybody = self._tables.sagas[saga_id].token or ""
        super().put_back(saga_id, token=anybody, due_seconds=due_seconds, tries=tries)


class ForgetsTries(MemoryStore):
    def put_back(self, saga_id: str, *, token: str, due_seconds: float, tries: int | None = None) -> None:
        super().put_back(saga_id, token=token, due_seconds=due_seconds)


class RemainingTimesNeverNegative(MemoryStore):
    def load(self, saga_id: str) -> SagaFile | None:
        file = super().load(saga_id)
        if file is None:
            return None
        due = file.saga.due_in_seconds
        saga = replace(file.saga, lease_seconds=max(0.0, file.saga.lease_seconds), due_in_seconds=due and max(0.0, due))
        return replace(file, saga=saga)


class FirstPageAgain(MemoryStore):
    def files_after(self, saga_id: str, *, limit: int) -> tuple[SagaFile, ...]:
        return () if saga_id else super().files_after(saga_id, limit=limit)


class _EnteredAgain(MemoryLedger):
    def adjust(self, item_id: str, delta: int, *, location: str = "", adjustment_id: str | None = None) -> None:
        super().adjust(item_id, delta, location=location)


class AdjustmentRepeated(MemoryStore):
    @property
    def inventory(self) -> MemoryLedger:
        return _EnteredAgain(self._tables, self._lock)


def sabotaged(change: type[Change]) -> type[MemoryStore]:
    """A memory store whose transactions are those of ``change``."""
    return type(change.__name__, (MemoryStore,), {"change": change})
