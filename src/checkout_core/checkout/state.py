"""A checkout as a run has it in hand, and how records change it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from math import inf

from checkout_core.domain.order import Order, OrderStatus, StockState
from checkout_core.domain.request import CheckoutRequest
from checkout_core.domain.value import evolve
from checkout_core.errors import InvariantError
from checkout_core.ports.records import (
    CommitStock,
    MergeObservation,
    MoveOrder,
    OpenOrder,
    OperationKind,
    OperationState,
    Record,
    RecordIntent,
    RecordOutcome,
    RecordSend,
    ReleaseStock,
    ReserveStock,
    StockLine,
)
from checkout_core.ports.store import Observation, Operation, SagaFile

NOT_YET = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class CheckoutState:
    """``anchor``: the driver's monotonic clock when the operations' remaining times were read; None before the first
    commit. An operation that is recorded later in the same run counts from it too, which errs on the safe side.
    ``given_back_seconds``: how long ago an operator gave the order back to the workers; for ever, where nobody did.
    """

    order_id: str
    fingerprint: str
    request: CheckoutRequest | None = None
    order: Order | None = None
    operations: tuple[Operation, ...] = ()
    observations: tuple[Observation, ...] = ()
    anchor: float | None = None
    given_back_seconds: float = inf

    @classmethod
    def loaded(cls, file: SagaFile, asked_at: float, given_back_seconds: float = inf) -> CheckoutState:
        return cls(
            order_id=file.saga.saga_id,
            fingerprint=file.fingerprint,
            order=file.order,
            operations=file.operations,
            observations=file.observations,
            anchor=asked_at,
            given_back_seconds=given_back_seconds,
        )

    @property
    def opened(self) -> Order:
        if self.order is None:
            raise InvariantError("the order is not opened yet")
        return self.order

    def operation(self, operation_id: str) -> Operation:
        return next(each for each in self.operations if each.operation_id == operation_id)

    def attempts(self, kind: OperationKind) -> int:
        return sum(each.kind is kind for each in self.operations)

    @property
    def charged(self) -> Operation | None:
        """The charge that succeeded, if any."""
        found = (
            op for op in self.operations if op.kind is OperationKind.CHARGE and op.state is OperationState.SUCCEEDED
        )
        return next(found, None)

    @property
    def owes_back(self) -> bool:
        """Whether giving back what was charged has begun, or is due since the order has ended, and is not done."""
        refunds = [op for op in self.operations if op.kind is OperationKind.REFUND]
        given = sum(op.moved_minor for op in refunds if op.state is OperationState.SUCCEEDED)
        is_due = bool(refunds) or self.opened.status in (OrderStatus.FAILED, OrderStatus.CANCELLED)
        return is_due and self.charged is not None and given < self.charged.moved_minor

    def remaining_before(self, seconds: float) -> float:
        """A remaining time of this state as a point on the driver's clock."""
        return (self.anchor or 0.0) + seconds


def stock_lines(order: Order) -> tuple[StockLine, ...]:
    """The order's items summed per (item, location), sorted: what is reserved (protocol 5.3)."""
    wanted: dict[tuple[str, str], int] = {}
    for item in order.items:
        place = (item.item_id, item.location)
        wanted[place] = wanted.get(place, 0) + item.qty
    return tuple(
        StockLine(item_id=item, location=location, qty=qty) for (item, location), qty in sorted(wanted.items())
    )


def apply(state: CheckoutState, records: tuple[Record, ...]) -> CheckoutState:
    """The state after ``records``; those that do not concern it change nothing."""
    order: dict[str, object] = {}
    for record in records:
        match record:
            case MoveOrder(status=status, reason=reason, reason_detail=detail, attention=attention):
                order.update(status=status, reason=reason, reason_detail=detail, attention=attention)
            case ReserveStock():
                order.update(stock=StockState.HELD)
            case CommitStock():
                order.update(stock=StockState.COMMITTED)
            case ReleaseStock():
                order.update(stock=StockState.RELEASED)
            case _:
                state = _after(state, record)
    return evolve(state, order=evolve(state.opened, **order)) if order else state


def _after(state: CheckoutState, record: Record) -> CheckoutState:
    match record:
        case OpenOrder():
            return evolve(state, order=_opened(state.order_id, record))
        case RecordIntent():
            # Its quiet time counts from this commit, not from an anchor before it; in this run it never passes.
            quiet_seconds = record.quiet_seconds if state.anchor is None else float("inf")
            return evolve(state, operations=(*state.operations, _intended(record, quiet_seconds)))
        case RecordSend(operation_id=operation_id):
            return _change(state, operation_id, quiet_seconds=float("inf"))
        case RecordOutcome():
            return evolve(state, operations=tuple(_told(op, record) for op in state.operations))
        case MergeObservation(observation_id=merged):
            return evolve(state, observations=tuple(o for o in state.observations if o.observation_id != merged))
        case _:
            return state


def _opened(order_id: str, record: OpenOrder) -> Order:
    return Order(
        order_id=order_id,
        status=record.status,
        total=record.total,
        items=record.items,
        created_at=NOT_YET,
        updated_at=NOT_YET,
        cart_id=record.cart_id,
        cart_revision=record.cart_revision,
        scope=record.scope,
        user_id=record.user_id,
        reason=record.reason,
        reason_detail=record.reason_detail,
        details=record.details,
        previous_order_id=record.previous_order_id,
    )


def _intended(record: RecordIntent, quiet_seconds: float) -> Operation:
    return Operation(
        operation_id=record.operation_id,
        kind=record.kind,
        leg=record.leg,
        attempt=record.attempt,
        provider=record.provider,
        account=record.account,
        key=record.key,
        reference=record.reference,
        amount=record.amount,
        request=record.request,
        token=record.token,
        state=OperationState.INTENDED,
        provider_reference="",
        moved_minor=0,
        code="",
        decline_kind=None,
        action_url="",
        age_seconds=0.0,
        pay_by_seconds=record.pay_by_seconds,
        resend_seconds=record.resend_seconds,
        quiet_seconds=quiet_seconds,
        watch_seconds=None,
    )


def _told(operation: Operation, told: RecordOutcome) -> Operation:
    if operation.operation_id != told.operation_id:
        return operation
    return evolve(
        operation,
        state=told.state,
        provider_reference=told.provider_reference,
        moved_minor=told.moved_minor,
        code=told.code,
        decline_kind=told.decline_kind,
        action_url=told.action_url,
        quiet_seconds=operation.quiet_seconds if told.quiet_seconds is None else told.quiet_seconds,
        watch_seconds=told.watch_seconds,
        token="" if told.erase_token else operation.token,
    )


def _change(state: CheckoutState, operation_id: str, *, quiet_seconds: float) -> CheckoutState:
    changed = (
        evolve(op, quiet_seconds=quiet_seconds) if op.operation_id == operation_id else op for op in state.operations
    )
    return evolve(state, operations=tuple(changed))
