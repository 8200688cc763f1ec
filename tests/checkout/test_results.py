"""What the caller is told, for every status and reason of an order."""

from __future__ import annotations

from dataclasses import replace

import pytest

from checkout_core.checkout.results import order_view, result_of
from checkout_core.checkout.state import CheckoutState
from checkout_core.domain.order import FailureReason, OrderStatus
from checkout_core.domain.payment import PaymentStatus
from checkout_core.domain.result import (
    ActionRequired,
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
from checkout_core.errors import InvariantError
from checkout_core.ports.records import OperationKind, OperationState
from checkout_core.ports.store import Operation
from tests.checkout.desk import Desk, eur

SHORT = (Shortage(item_id="shirt", location="", wanted=2, available=1),)


def state(status: OrderStatus, reason: FailureReason | None = None, **charge: object) -> CheckoutState:
    """A checkout whose order has this status and whose charge was changed so."""
    desk = Desk()
    desk.buy()
    file = desk.file()
    assert file.order is not None
    order = replace(file.order, status=status, reason=reason, reason_detail="detail" if reason else "")
    operation = replace(file.operations[0], **charge)
    return CheckoutState(order_id=order.order_id, fingerprint="", order=order, operations=(operation,))


@pytest.mark.parametrize("status", [OrderStatus.CONFIRMED, OrderStatus.PARTIALLY_REFUNDED])
def test_a_sold_order_is_confirmed(status: OrderStatus) -> None:
    result = result_of(state(status), replayed=True)
    assert isinstance(result, Confirmed)
    assert (result.status, result.replayed, result.order.status) == (status, True, status)
    assert result.expect_confirmed() is result
    assert [payment.captured for payment in result.order.payments] == [eur(1990)]


@pytest.mark.parametrize("status", [OrderStatus.CANCELLED, OrderStatus.REFUNDED, OrderStatus.PAYMENT_LOST])
def test_a_closed_order_is_refused_as_closed(status: OrderStatus) -> None:
    result = result_of(state(status))
    assert isinstance(result, Refused)
    assert result.reason == OrderClosed(status=status)


def test_an_open_order_is_pending() -> None:
    result = result_of(state(OrderStatus.PENDING))
    assert isinstance(result, Pending)
    assert result.order_id


def test_an_order_that_needs_the_buyer_says_where() -> None:
    acting = state(OrderStatus.REQUIRES_ACTION, state=OperationState.ACTION_REQUIRED, action_url="https://bank/act")
    result = result_of(acting)
    assert isinstance(result, ActionRequired)
    assert result.action_url == "https://bank/act"


REASONS: dict[FailureReason, Reason] = {
    FailureReason.OUT_OF_STOCK: OutOfStock(lines=SHORT),
    FailureReason.PAYMENT_DECLINED: PaymentDeclined(code="detail", kind=DeclineKind.SOFT),
    FailureReason.PAYMENT_NOT_SENT: PaymentNotSent(detail="detail"),
    FailureReason.STEP_REFUSED: StepRefused(step="detail"),
    FailureReason.EXPIRED: Expired(),
    FailureReason.OPERATOR: PaymentNotSent(detail="detail"),
}


@pytest.mark.parametrize("reason", list(FailureReason))
def test_a_failed_order_says_why(reason: FailureReason) -> None:
    failed = state(OrderStatus.FAILED, reason, state=OperationState.DECLINED, decline_kind=DeclineKind.SOFT)
    result = result_of(failed, short=SHORT)
    assert isinstance(result, Refused)
    assert result.reason == REASONS[reason]


def test_every_status_has_a_result() -> None:
    for status in OrderStatus:
        assert result_of(state(status, FailureReason.EXPIRED)).status is status


def test_a_checkout_without_an_order_is_a_bug() -> None:
    with pytest.raises(InvariantError):
        result_of(CheckoutState(order_id="o", fingerprint=""))


SHOWN = {
    OperationState.INTENDED: PaymentStatus.PENDING,
    OperationState.PROCESSING: PaymentStatus.PENDING,
    OperationState.UNKNOWN: PaymentStatus.UNKNOWN,
    OperationState.ACTION_REQUIRED: PaymentStatus.REQUIRES_ACTION,
    OperationState.SUCCEEDED: PaymentStatus.CAPTURED,
    OperationState.DECLINED: PaymentStatus.DECLINED,
    OperationState.NOT_EXECUTED: PaymentStatus.NOT_SENT,
    OperationState.PRESUMED_NOT_EXECUTED: PaymentStatus.NOT_SENT,
}


@pytest.mark.parametrize("known", list(OperationState))
def test_a_payment_shows_what_is_known_of_its_charge(known: OperationState) -> None:
    shown = state(OrderStatus.PENDING, state=known)
    payment = order_view(shown.opened, shown.operations).payments[0]
    assert payment.status is SHOWN[known]
    assert payment.captured == (eur(1990) if known is OperationState.SUCCEEDED else eur(0))


@pytest.mark.parametrize(
    ("refunds", "refunded", "status"),
    [
        ([], 0, PaymentStatus.CAPTURED),
        ([(500, OperationState.SUCCEEDED)], 500, PaymentStatus.PARTIALLY_REFUNDED),
        ([(500, OperationState.SUCCEEDED), (1490, OperationState.SUCCEEDED)], 1990, PaymentStatus.REFUNDED),
        ([(500, OperationState.UNKNOWN), (500, OperationState.DECLINED)], 0, PaymentStatus.CAPTURED),
    ],
)
def test_a_payment_shows_what_was_given_back(
    refunds: list[tuple[int, OperationState]], refunded: int, status: PaymentStatus
) -> None:
    sold = state(OrderStatus.CONFIRMED)
    charge = sold.operations[0]
    given: list[Operation] = [
        replace(charge, operation_id=f"refund/0/{n}", kind=OperationKind.REFUND, state=known, moved_minor=minor)
        for n, (minor, known) in enumerate(refunds, 1)
    ]
    other_leg = replace(charge, operation_id="refund/1/1", kind=OperationKind.REFUND, leg=1, moved_minor=7)
    view = order_view(sold.opened, (charge, *given, other_leg))
    assert [(payment.refunded, payment.status) for payment in view.payments] == [(eur(refunded), status)]
