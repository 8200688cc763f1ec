"""What the type checkers refuse. Each line is ignored by both, and both complain of an ignore that nothing needs."""

from __future__ import annotations

from typing import assert_never

from checkout_core import (
    AsyncCheckout,
    CartLine,
    Checkout,
    CheckoutRequest,
    CheckoutResult,
    Confirmed,
    Money,
    Pending,
    in_threads,
)
from checkout_core.adapters.sandbox import SandboxPayments
from checkout_core.ports.payment import CallLimits, ChargeRequest, Guarantees, PaymentAnswer, RefundRequest, Repeats
from checkout_core.ports.store import Store
from tests.typing.adapter import AcmePay, AsyncAcmePay


def colours(store: Store) -> None:
    AsyncCheckout(store, SandboxPayments())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    AsyncCheckout(store, {"card": SandboxPayments()})  # type: ignore[dict-item]  # pyright: ignore[reportArgumentType]
    Checkout(store, in_threads(SandboxPayments()))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def floats() -> None:
    Money.of(19.90, "EUR")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Money(minor=19.90, currency="EUR")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    CartLine(item_id="A", qty=1, price=19.90)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def ship(paid: Confirmed) -> str:
    return paid.order_id


def results(result: CheckoutResult) -> None:
    ship(result)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    if isinstance(result, Confirmed):
        result.replayed = True  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]


async def awaiting(checkout: AsyncCheckout, wanted: CheckoutRequest) -> None:
    checkout.execute(wanted)  # type: ignore[unused-coroutine]  # pyright: ignore[reportUnusedCoroutine]
    ship(await checkout.execute(wanted))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


class NoLookup:
    name = "acme"
    account = "shop-1"
    guarantees = Guarantees()

    def charge(self, request: ChargeRequest, limits: CallLimits) -> PaymentAnswer:
        raise NotImplementedError

    def refund(self, request: RefundRequest, limits: CallLimits) -> PaymentAnswer:
        raise NotImplementedError


class AnswersBool(AcmePay):
    def charge(self, request: ChargeRequest, limits: CallLimits) -> bool:  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]
        return True


def adapters(store: Store) -> None:
    Checkout(store, NoLookup())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Checkout(store, AnswersBool())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Checkout(store, AsyncAcmePay("shop-1"))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    AsyncCheckout(store, AcmePay())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    in_threads(AsyncAcmePay("shop-1"))  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    Guarantees(Repeats.REPLAY)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


def forgets_a_result(result: CheckoutResult) -> str:
    match result:
        case Confirmed(order_id=order_id) | Pending(order_id=order_id):
            return order_id
        case _:
            assert_never(result)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
