"""One alternative of a transaction: its records folded, so that each row of a table is touched once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from checkout_core.adapters.sql.movements import Movement, MovementKind
from checkout_core.domain.order import StockState
from checkout_core.errors import InvariantError
from checkout_core.ports.records import (
    AppendEvent,
    ClaimKey,
    CommitStock,
    FreeGuard,
    MergeObservation,
    MoveOrder,
    OpenOrder,
    OpenSaga,
    RaiseAlarm,
    Record,
    RecordIntent,
    RecordOutcome,
    RecordSend,
    ReleaseStock,
    ReserveStock,
    SaveSaga,
    TakeGuard,
    Transaction,
)

GuardPlace: TypeAlias = tuple[str, str, str]


class FoldedRecords:
    """What one alternative of ``transaction`` changes.

    ``stock``: the saga's stock state before this commit; None where it was not looked up: then what the records
    presume is written down as a condition on the saga's row (``presumed``).
    """

    def __init__(self, transaction: Transaction, records: Sequence[Record], stock: StockState | None) -> None:
        self.transaction = transaction
        self.saga_id = transaction.saga_id
        self.stock = stock
        self.presumed: StockState | None = None
        self.saga: OpenSaga | None = None
        self.save: SaveSaga | None = None
        self.key: ClaimKey | None = None
        self.takes: dict[GuardPlace, TakeGuard] = {}
        self.frees: dict[GuardPlace, float] = {}
        self.order: OpenOrder | None = None
        self.move: MoveOrder | None = None
        self.intents: dict[str, RecordIntent] = {}
        self.outcomes: dict[str, RecordOutcome] = {}
        self.quiet: dict[str, float] = {}
        self.merged: set[str] = set()
        self.event: AppendEvent | None = None
        self.alarms: list[RaiseAlarm] = []
        self.movement: Movement | None = None
        for record in records:
            _TAKE[type(record)](self, record)
        self._check()

    def broken(self, rule: str) -> InvariantError:
        return InvariantError(f"commit {self.transaction.commit_id} of saga {self.saga_id}: {rule}")

    def open_saga(self, record: OpenSaga) -> None:
        self.saga = record

    def save_saga(self, record: SaveSaga) -> None:
        if self.save is not None:
            raise self.broken("expected one SaveSaga")
        self.save = record

    def claim_key(self, record: ClaimKey) -> None:
        self.key = record

    def take_guard(self, record: TakeGuard) -> None:
        place = (record.scope, record.cart_id, record.revision)
        self.frees.pop(place, None)
        self.takes[place] = record

    def free_guard(self, record: FreeGuard) -> None:
        self.frees[record.scope, record.cart_id, record.revision] = record.after_seconds

    def open_order(self, record: OpenOrder) -> None:
        self.order = record

    def move_order(self, record: MoveOrder) -> None:
        self.move = record

    def reserve_stock(self, record: ReserveStock) -> None:
        if self.stock in (StockState.HELD, StockState.COMMITTED) or self.movement is not None:
            raise self.broken(f"reserves stock while it has stock {self.stock}")
        self.movement = Movement(MovementKind.RESERVE, self.saga_id, record.lines)
        self.stock = StockState.HELD

    def commit_stock(self, _record: CommitStock) -> None:
        if self.stock is None:
            self.presumed = self.stock = StockState.HELD
        if self.stock is StockState.HELD:
            self.stock = StockState.COMMITTED
            if self.movement is None:
                self.movement = Movement(MovementKind.COMMIT, self.saga_id)

    def release_stock(self, record: ReleaseStock) -> None:
        if self.stock is None:
            self.presumed = self.stock = StockState.HELD
        if self.stock is StockState.HELD:
            if self.movement is not None:
                raise self.broken("releases what it reserves")
            self.stock = StockState.RELEASED
            self.movement = Movement(MovementKind.RELEASE, self.saga_id, record.lines)

    def record_intent(self, record: RecordIntent) -> None:
        if record.operation_id in self.intents:
            raise self.broken(f"intends operation {record.operation_id} twice")
        self.intents[record.operation_id] = record

    def record_send(self, record: RecordSend) -> None:
        self.quiet[record.operation_id] = record.quiet_seconds

    def record_outcome(self, record: RecordOutcome) -> None:
        self.outcomes[record.operation_id] = record
        if record.quiet_seconds is not None:
            self.quiet[record.operation_id] = record.quiet_seconds

    def merge_observation(self, record: MergeObservation) -> None:
        self.merged.add(record.observation_id)

    def append_event(self, record: AppendEvent) -> None:
        if self.event is not None:
            raise self.broken("expected at most one AppendEvent")
        self.event = record

    def raise_alarm(self, record: RaiseAlarm) -> None:
        self.alarms.append(record)

    def _check(self) -> None:
        if self.save is None or (self.saga is None) is (self.transaction.version == 0):
            raise self.broken("expected exactly one SaveSaga, and OpenSaga at version 0 only")


_TAKE: dict[type[Record], Callable[[FoldedRecords, Any], None]] = {
    OpenSaga: FoldedRecords.open_saga,
    SaveSaga: FoldedRecords.save_saga,
    ClaimKey: FoldedRecords.claim_key,
    TakeGuard: FoldedRecords.take_guard,
    FreeGuard: FoldedRecords.free_guard,
    OpenOrder: FoldedRecords.open_order,
    MoveOrder: FoldedRecords.move_order,
    ReserveStock: FoldedRecords.reserve_stock,
    CommitStock: FoldedRecords.commit_stock,
    ReleaseStock: FoldedRecords.release_stock,
    RecordIntent: FoldedRecords.record_intent,
    RecordSend: FoldedRecords.record_send,
    RecordOutcome: FoldedRecords.record_outcome,
    MergeObservation: FoldedRecords.merge_observation,
    AppendEvent: FoldedRecords.append_event,
    RaiseAlarm: FoldedRecords.raise_alarm,
}
"""A table and not a ``match``: this runs for every record of every checkout."""
