"""One member of a batch as rows: its records folded so that each row of a table is touched once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from checkout_core.adapters.sql import groups
from checkout_core.adapters.sql.movements import Movement, MovementKind
from checkout_core.adapters.sql.rows import Rows
from checkout_core.adapters.sql.sealing import Sealer
from checkout_core.adapters.sql.statement import Row
from checkout_core.domain.order import Attention, StockState
from checkout_core.domain.value import dump
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
    OperationState,
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

NOBODY = ""
"""The token of a saga whose lease was given up: it fences everybody out."""

GuardPlace: TypeAlias = tuple[str, str, str]
_OPERATIONS_PER_VERSION = 1000


class Alternative:
    """The rows of one alternative of ``transaction``.

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

    def put(self, rows: Rows, sealer: Sealer, shortage: str) -> None:
        """Add everything but claims, events and stock. ``shortage``: what the journal shall remember of the answer."""
        self._put_saga(rows, shortage)
        self._put_order(rows)
        self._put_operations(rows, sealer)
        for observation_id in sorted(self.merged):
            rows.add(groups.MERGED, (observation_id, self.saga_id))
        for alarm in self.alarms:
            rows.add(groups.ALARMS, (alarm.alarm_id, alarm.kind, self.saga_id, alarm.detail))

    def put_claims(self, rows: Rows) -> None:
        """Add what the saga takes: its key and its cart guards.

        A new saga's guards hold at once. Those of a saga that may have had them before are written as ended, which
        leaves a guard that it still has as it is, and are held by :meth:`put_guards` when the commit is decided.
        """
        is_new = self.transaction.version == 0
        if self.key is not None:
            rows.add(groups.KEYS, (self.key.scope, self.key.key, self.saga_id, self.key.fingerprint))
        for place, take in self.takes.items():
            rows.add(groups.GUARDS, (*place, self.saga_id, take.owner, self.frees.get(place) if is_new else 0.0))

    def put_guards(self, rows: Rows, *, taken: bool) -> None:
        """Add how long the saga's guards shall hold. ``taken``: those of :meth:`put_claims` stand as they shall."""
        for place, take in self.takes.items():
            if not taken:
                rows.add(groups.GUARD_HOLDS, (*place, self.saga_id, take.owner, self.frees.get(place)))
        for place, after_seconds in self.frees.items():
            if place in self.takes:
                continue
            if after_seconds > 0:
                rows.add(groups.GUARD_ENDS, (*place, self.saga_id, after_seconds))
            else:
                rows.add(groups.GUARD_DROPS, (*place, self.saga_id))

    def event_row(self) -> Row | None:
        """The outbox row, in Debezium's column order."""
        event = self.event
        if event is None:
            return None
        return (event.event_id, "order", self.saga_id, event.type, event.payload, self.transaction.version + 1)

    def _check(self) -> None:
        if self.save is None or (self.saga is None) is (self.transaction.version == 0):
            raise self.broken("expected exactly one SaveSaga, and OpenSaga at version 0 only")

    def _put_saga(self, rows: Rows, shortage: str) -> None:
        transaction, save = self.transaction, self.save
        assert save is not None
        token = NOBODY if save.lease_seconds is None else transaction.token
        times = (save.lease_seconds, save.due_seconds)
        if self.saga is not None:
            stock = self.stock or StockState.NONE
            what = (self.saga_id, self.saga.definition, self.saga.definition_version)
            rows.add(groups.SAGAS, (*what, 1, save.tries, save.phase, stock, token, *times))
        else:
            fence = (self.saga_id, transaction.version, transaction.token)
            stocks = (self.presumed or "", self.stock or "")
            rows.add(groups.SAGA_SAVES, (*fence, token, save.phase, *stocks, save.tries, len(self.merged), *times))
        written = (transaction.commit_id, transaction.worker, save.entries, shortage)
        rows.add(groups.JOURNAL, (self.saga_id, transaction.version + 1, *written))

    def _put_order(self, rows: Rows) -> None:
        order, move = self.order, self.move
        if order is None:
            if move is not None:
                reason = move.reason or ""
                rows.add(groups.ORDER_MOVES, (self.saga_id, move.status, reason, move.attention, move.reason_detail))
            return
        now = order if move is None else move
        who = (order.scope, order.user_id, order.cart_id, order.cart_revision)
        attention = Attention.NONE if move is None else move.attention
        state = (now.status, now.reason or "", attention, now.reason_detail)
        total = (order.total.minor, order.total.currency)
        rows.add(groups.ORDERS, (self.saga_id, *who, *total, *state, dump(order.details), order.previous_order_id))
        for position, item in enumerate(order.items):
            if item.price.currency != order.total.currency:
                raise self.broken("an item's currency differs from the order's")
            place = (self.saga_id, position, item.item_id, item.location)
            rows.add(groups.ORDER_ITEMS, (*place, item.qty, item.price.minor))

    def _put_operations(self, rows: Rows, sealer: Sealer) -> None:
        for index, intent in enumerate(self.intents.values()):
            rows.add(groups.OPERATIONS, self._intended(index, intent, sealer))
        for operation_id, outcome in self.outcomes.items():
            if operation_id not in self.intents:
                known = (outcome.provider_reference, outcome.moved_minor, outcome.code, outcome.decline_kind or "")
                rows.add(
                    groups.OUTCOMES,
                    (
                        self.saga_id,
                        operation_id,
                        outcome.state,
                        *known,
                        outcome.action_url,
                        self.quiet.get(operation_id),
                        outcome.watch_seconds,
                        int(outcome.erase_token),
                    ),
                )
        for operation_id, seconds in self.quiet.items():
            if operation_id not in self.intents and operation_id not in self.outcomes:
                rows.add(groups.SENDS, (self.saga_id, operation_id, seconds))

    def _intended(self, index: int, intent: RecordIntent, sealer: Sealer) -> Row:
        """The operation's row, with its outcome where the same commit records both."""
        known = self.outcomes.get(intent.operation_id)
        if known is None:
            known = RecordOutcome(operation_id=intent.operation_id, state=OperationState.INTENDED)
        position = (self.transaction.version + 1) * _OPERATIONS_PER_VERSION + index
        return (
            self.saga_id,
            intent.operation_id,
            position,
            intent.kind,
            intent.leg,
            intent.attempt,
            intent.provider,
            intent.account,
            intent.key,
            intent.reference,
            intent.amount.minor,
            intent.amount.currency,
            intent.request,
            "" if known.erase_token or not intent.token else sealer.seal(intent.token),
            known.state,
            known.provider_reference,
            known.moved_minor,
            known.code,
            known.decline_kind or "",
            known.action_url,
            intent.pay_by_seconds,
            intent.resend_seconds,
            self.quiet.get(intent.operation_id, intent.quiet_seconds),
            known.watch_seconds,
        )


_TAKE: dict[type[Record], Callable[[Alternative, Any], None]] = {
    OpenSaga: Alternative.open_saga,
    SaveSaga: Alternative.save_saga,
    ClaimKey: Alternative.claim_key,
    TakeGuard: Alternative.take_guard,
    FreeGuard: Alternative.free_guard,
    OpenOrder: Alternative.open_order,
    MoveOrder: Alternative.move_order,
    ReserveStock: Alternative.reserve_stock,
    CommitStock: Alternative.commit_stock,
    ReleaseStock: Alternative.release_stock,
    RecordIntent: Alternative.record_intent,
    RecordSend: Alternative.record_send,
    RecordOutcome: Alternative.record_outcome,
    MergeObservation: Alternative.merge_observation,
    AppendEvent: Alternative.append_event,
    RaiseAlarm: Alternative.raise_alarm,
}
"""A table and not a ``match``: this runs for every record of every checkout."""
