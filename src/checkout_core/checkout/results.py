"""From a checkout's state to what the caller is told."""

from __future__ import annotations

from checkout_core.checkout.state import CheckoutState
from checkout_core.domain.order import FailureReason, Order, OrderStatus
from checkout_core.domain.payment import Payment, PaymentStatus
from checkout_core.domain.result import (
    ActionRequired,
    CheckoutResult,
    Confirmed,
    DeclineKind,
    Expired,
    OrderClosed,
    OutOfStock,
    PaymentDeclined,
    PaymentNotSent,
    Pending,
    Reason,
    Refused,
    Shortage,
    StepRefused,
)
from checkout_core.domain.value import evolve
from checkout_core.ports.records import OperationKind, OperationState
from checkout_core.ports.store import Operation

_STATUS = {
    OperationState.INTENDED: PaymentStatus.PENDING,
    OperationState.PROCESSING: PaymentStatus.PENDING,
    OperationState.UNKNOWN: PaymentStatus.UNKNOWN,
    OperationState.ACTION_REQUIRED: PaymentStatus.REQUIRES_ACTION,
    OperationState.SUCCEEDED: PaymentStatus.CAPTURED,
    OperationState.DECLINED: PaymentStatus.DECLINED,
    OperationState.NOT_EXECUTED: PaymentStatus.NOT_SENT,
    OperationState.PRESUMED_NOT_EXECUTED: PaymentStatus.NOT_SENT,
}


def order_view(order: Order, operations: tuple[Operation, ...]) -> Order:
    """The order with its payments, as hosts see it."""
    charges = [op for op in operations if op.kind is OperationKind.CHARGE]
    return evolve(order, payments=tuple(_payment(order.order_id, charge, operations) for charge in charges))


def result_of(state: CheckoutState, *, replayed: bool = False, short: tuple[Shortage, ...] = ()) -> CheckoutResult:
    """The result that the order's present status means. ``short`` is known to the first caller only."""
    order = state.opened
    match order.status:
        case OrderStatus.CONFIRMED | OrderStatus.PARTIALLY_REFUNDED:
            view = order_view(order, state.operations)
            return Confirmed(order_id=order.order_id, status=order.status, order=view, replayed=replayed)
        case OrderStatus.REQUIRES_ACTION:
            url = next((op.action_url for op in state.operations if op.state is OperationState.ACTION_REQUIRED), "")
            return ActionRequired(order_id=order.order_id, status=order.status, replayed=replayed, action_url=url)
        case OrderStatus.PENDING:
            return Pending(order_id=order.order_id, status=order.status, replayed=replayed)
        case OrderStatus.FAILED:
            reason = _reason(state, short)
            return Refused(order_id=order.order_id, status=order.status, replayed=replayed, reason=reason)
        case _:
            closed = OrderClosed(status=order.status)
            return Refused(order_id=order.order_id, status=order.status, replayed=replayed, reason=closed)


def _reason(state: CheckoutState, short: tuple[Shortage, ...]) -> Reason:
    order = state.opened
    match order.reason:
        case FailureReason.OUT_OF_STOCK:
            return OutOfStock(lines=short)
        case FailureReason.PAYMENT_DECLINED:
            declined = next((op for op in state.operations if op.state is OperationState.DECLINED), None)
            kind = declined.decline_kind if declined is not None else None
            return PaymentDeclined(code=order.reason_detail, kind=kind or DeclineKind.HARD)
        case FailureReason.STEP_REFUSED:
            return StepRefused(step=order.reason_detail)
        case FailureReason.EXPIRED:
            return Expired()
        case _:
            return PaymentNotSent(detail=order.reason_detail)


def _payment(order_id: str, charge: Operation, operations: tuple[Operation, ...]) -> Payment:
    captured = charge.moved_minor if charge.state is OperationState.SUCCEEDED else 0
    refunded = sum(
        op.moved_minor
        for op in operations
        if op.kind is OperationKind.REFUND and op.leg == charge.leg and op.state is OperationState.SUCCEEDED
    )
    status = _STATUS[charge.state]
    if refunded and status is PaymentStatus.CAPTURED:
        status = PaymentStatus.REFUNDED if refunded >= captured else PaymentStatus.PARTIALLY_REFUNDED
    return Payment(
        payment_id=f"{order_id}/{charge.operation_id}",
        amount=charge.amount,
        status=status,
        provider=charge.provider,
        captured=evolve(charge.amount, minor=captured),
        refunded=evolve(charge.amount, minor=refunded),
        provider_reference=charge.provider_reference,
        decline_code=charge.code,
    )
