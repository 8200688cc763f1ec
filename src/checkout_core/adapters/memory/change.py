"""One transaction, decided and written on a draft of the tables: the specification of ``Store.commit``.

Read :meth:`Change.answer` first, then the method of each record.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import assert_never

from checkout_core.adapters.memory.decisions import Decisions
from checkout_core.adapters.memory.tables import (
    Guard,
    KeyOwner,
    StoredCommit,
    StoredDelivery,
    StoredOperation,
    StoredSaga,
)
from checkout_core.domain.event import Event
from checkout_core.domain.order import Order, StockState
from checkout_core.errors import InvariantError
from checkout_core.ports.records import (
    AppendEvent,
    Applied,
    ClaimKey,
    CommitAnswer,
    CommitStock,
    FreeGuard,
    MergeObservation,
    MoveOrder,
    OpenOrder,
    OpenSaga,
    Phase,
    RaiseAlarm,
    Record,
    RecordIntent,
    RecordOutcome,
    RecordSend,
    ReleaseStock,
    ReserveStock,
    SaveSaga,
    Short,
    StockLine,
    TakeGuard,
)
from checkout_core.ports.store import Alarm, JournalRow, OutboxEvent


class Change(Decisions):
    """A transaction on a draft of the tables. Every refusal is decided before anything is written."""

    def answer(self) -> CommitAnswer:
        """Fence, key, guard, unknown items, shortage: decided in this order; then everything is written."""
        if not self.fence_holds():
            return self.first_answer() or self.conflict()
        refusal = self.key_refusal() or self.guard_refusal() or self.unknown_items()
        if refusal is not None:
            return refusal
        shortages = tuple(self.shortages())
        if not shortages:
            return self.written(self.transaction.records, Applied(version=self.version, at=self.at))
        alternative = self.transaction.if_short or ()
        return self.written(alternative, Short(version=self.version, at=self.at, lines=shortages))

    def written(self, records: Sequence[Record], answer: Applied | Short) -> Applied | Short:
        """Write ``records`` in their order; the journal row remembers ``answer``."""
        for record in records:
            self.write(record)
            if isinstance(record, SaveSaga):
                self.journal(record, answer)
        return answer

    def write(self, record: Record) -> None:  # noqa: C901 - a closed union, one line for each record
        match record:
            case OpenSaga():
                self.open_saga(record)
            case SaveSaga():
                self.save_saga(record)
            case ClaimKey():
                self.claim_key(record)
            case TakeGuard():
                self.take_guard(record)
            case FreeGuard():
                self.free_guard(record)
            case OpenOrder():
                self.open_order(record)
            case MoveOrder():
                self.move_order(record)
            case ReserveStock():
                self.reserve_stock(record)
            case CommitStock():
                self.commit_stock()
            case ReleaseStock():
                self.release_stock(record)
            case RecordIntent():
                self.record_intent(record)
            case RecordSend():
                self.record_send(record)
            case RecordOutcome():
                self.record_outcome(record)
            case MergeObservation():
                self.merge_observation(record)
            case AppendEvent():
                self.append_event(record)
            case RaiseAlarm():
                self.raise_alarm(record)
            case _:
                assert_never(record)

    def open_saga(self, record: OpenSaga) -> None:
        self.saga = StoredSaga(
            saga_id=self.transaction.saga_id,
            definition=record.definition,
            definition_version=record.definition_version,
        )

    def save_saga(self, record: SaveSaga) -> None:
        """The lease is kept under the writer's token, or given up: then the token writes no more."""
        keeps = record.lease_seconds is not None
        unseen = record.phase is Phase.DONE and any(not each.merged for each in self.saga.observations.values())
        self.saga = replace(
            self.saga,
            version=self.version,
            phase=Phase.WATCHING if unseen else record.phase,
            tries=record.tries,
            token=self.transaction.token if keeps else None,
            leased_until=self.after(record.lease_seconds),
            due_at=self.now if unseen else self.after(record.due_seconds),
        )

    def journal(self, record: SaveSaga, answer: Applied | Short) -> None:
        row = JournalRow(
            version=self.version,
            commit_id=self.transaction.commit_id,
            at=self.at,
            worker=self.transaction.worker,
            entries=record.entries,
        )
        self.saga = replace(self.saga, journal=(*self.saga.journal, StoredCommit(row=row, answer=answer)))

    def claim_key(self, record: ClaimKey) -> None:
        owner = KeyOwner(order_id=self.saga.saga_id, fingerprint=record.fingerprint)
        self.tables.keys.setdefault((record.scope, record.key), owner)
        self.saga = replace(self.saga, key=record)

    def take_guard(self, record: TakeGuard) -> None:
        guard = Guard(order_id=self.saga.saga_id, owner=record.owner)
        self.tables.guards[record.scope, record.cart_id, record.revision] = guard

    def free_guard(self, record: FreeGuard) -> None:
        place = (record.scope, record.cart_id, record.revision)
        guard = self.tables.guards.get(place)
        if guard is not None and guard.is_live(self.now) and guard.order_id == self.saga.saga_id:
            self.tables.guards[place] = replace(guard, until=self.now + record.after_seconds)

    def open_order(self, record: OpenOrder) -> None:
        order = Order(
            order_id=self.saga.saga_id,
            status=record.status,
            total=record.total,
            items=record.items,
            created_at=self.at,
            updated_at=self.at,
            cart_id=record.cart_id,
            cart_revision=record.cart_revision,
            scope=record.scope,
            user_id=record.user_id,
            reason=record.reason,
            reason_detail=record.reason_detail,
            details=record.details,
            previous_order_id=record.previous_order_id,
        )
        self.saga = replace(self.saga, order=order)

    def move_order(self, record: MoveOrder) -> None:
        if self.saga.order is None:
            raise InvariantError(f"saga {self.saga.saga_id} moves an order that it has not opened")
        moved = replace(
            self.saga.order,
            status=record.status,
            reason=record.reason,
            reason_detail=record.reason_detail,
            attention=record.attention,
            updated_at=self.at,
        )
        self.saga = replace(self.saga, order=moved)

    def reserve_stock(self, record: ReserveStock) -> None:
        if self.saga.stock in (StockState.HELD, StockState.COMMITTED):
            raise InvariantError(f"saga {self.saga.saga_id} reserves stock while it has stock {self.saga.stock}")
        for line in record.lines:
            self.add_available(line, -line.qty)
        self.saga = replace(self.saga, stock=StockState.HELD, reserved=record.lines)

    def commit_stock(self) -> None:
        if self.saga.stock is StockState.HELD:
            self.saga = replace(self.saga, stock=StockState.COMMITTED)

    def release_stock(self, record: ReleaseStock) -> None:
        """Only what is held goes back, so that a second release adds nothing (STOCK-3)."""
        if self.saga.stock is not StockState.HELD:
            return
        if record.lines != self.saga.reserved:
            raise InvariantError(f"saga {self.saga.saga_id} releases other lines than it reserved")
        for line in record.lines:
            self.add_available(line, line.qty)
        self.saga = replace(self.saga, stock=StockState.RELEASED)

    def record_intent(self, record: RecordIntent) -> None:
        if record.operation_id in self.saga.operations:
            raise InvariantError(f"saga {self.saga.saga_id} intends operation {record.operation_id} twice")
        quiet_at = self.now + record.quiet_seconds
        operation = StoredOperation(intent=record, intended_at=self.now, quiet_at=quiet_at, token=record.token)
        self.put_operation(operation)

    def record_send(self, record: RecordSend) -> None:
        operation = self.operation(record.operation_id)
        self.put_operation(replace(operation, quiet_at=self.now + record.quiet_seconds))

    def record_outcome(self, record: RecordOutcome) -> None:
        operation = self.operation(record.operation_id)
        quiet_at = self.after(record.quiet_seconds)
        self.put_operation(
            replace(
                operation,
                outcome=record,
                quiet_at=operation.quiet_at if quiet_at is None else quiet_at,
                watch_until=self.after(record.watch_seconds),
                token="" if record.erase_token else operation.token,
            )
        )

    def merge_observation(self, record: MergeObservation) -> None:
        stored = self.saga.observations.get(record.observation_id)
        if stored is not None:
            merged = {**self.saga.observations, record.observation_id: replace(stored, merged=True)}
            self.saga = replace(self.saga, observations=merged)

    def append_event(self, record: AppendEvent) -> None:
        event = OutboxEvent(
            event_id=record.event_id,
            aggregatetype="order",
            aggregateid=self.saga.saga_id,
            type=str(record.type),
            payload=record.payload,
            aggregate_seq=self.version,
        )
        self.saga = replace(self.saga, events=(*self.saga.events, event))
        self.deliver(record)

    def deliver(self, record: AppendEvent) -> None:
        """One pending delivery per sink that is registered now."""
        event = Event(
            event_id=record.event_id,
            type=str(record.type),
            order_id=self.saga.saga_id,
            sequence=self.version,
            occurred_at=self.at,
            payload=record.payload,
        )
        for sink in self.tables.sinks:
            self.tables.deliveries[sink, event.order_id, event.sequence] = StoredDelivery(event=event, due_at=self.now)

    def raise_alarm(self, record: RaiseAlarm) -> None:
        self.tables.alarms[record.alarm_id] = Alarm(
            alarm_id=record.alarm_id,
            kind=record.kind,
            order_id=self.saga.saga_id,
            detail=record.detail,
            raised_at=self.at,
        )

    def after(self, seconds: float | None) -> float | None:
        return None if seconds is None else self.now + seconds

    def operation(self, operation_id: str) -> StoredOperation:
        found = self.saga.operations.get(operation_id)
        if found is None:
            raise InvariantError(f"saga {self.saga.saga_id} has no operation {operation_id}")
        return found

    def put_operation(self, operation: StoredOperation) -> None:
        operations = {**self.saga.operations, operation.intent.operation_id: operation}
        self.saga = replace(self.saga, operations=operations)

    def add_available(self, line: StockLine, qty: int) -> None:
        place = (line.item_id, line.location)
        stock = self.tables.stock[place]
        self.tables.stock[place] = replace(stock, available=stock.available + qty)
