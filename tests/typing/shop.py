"""What a host writes, in both colours: it must satisfy mypy strict and pyright strict. It is checked, not run."""

from __future__ import annotations

from decimal import Decimal
from typing import assert_never, assert_type

from checkout_core import (
    ActionRequired,
    Adjustment,
    AdjustmentKind,
    AsyncCheckout,
    Cart,
    CartChanged,
    CartLine,
    CartTaken,
    Checkout,
    CheckoutRequest,
    CheckoutResult,
    Confirmed,
    Expired,
    Money,
    Order,
    OrderClosed,
    OutOfStock,
    PaymentDeclined,
    PaymentMethod,
    PaymentNotSent,
    Pending,
    ProviderUnavailable,
    Reason,
    RecoveryReport,
    Refused,
    Settings,
    StepRefused,
    Trace,
    in_threads,
)
from checkout_core.adapters.sandbox import SandboxPayments
from checkout_core.adapters.sql import SqlStore


def request(key: str) -> CheckoutRequest:
    return CheckoutRequest(
        idempotency_key=key,
        cart=Cart(
            cart_id="cart-1",
            currency="EUR",
            lines=[CartLine(item_id="TSHIRT-M", qty=2, price=Money.of("19.90", "EUR"))],
            adjustments=[Adjustment(kind=AdjustmentKind.SHIPPING, amount=Money.of(Decimal("4.90"), "EUR"))],
        ),
        payment_method=PaymentMethod(kind="card", token="tok_approve"),
        expected_total=Money(minor=4470, currency="EUR"),
    )


def sell(checkout: Checkout) -> str:
    result = checkout.execute(request("order-form-1"), timeout_seconds=5)
    assert_type(result, CheckoutResult)
    return page(result)


async def sell_async(checkout: AsyncCheckout) -> str:
    result = await checkout.execute(request("order-form-1"), timeout_seconds=5)
    assert_type(result, CheckoutResult)
    return page(result)


def page(result: CheckoutResult) -> str:
    """Every kind of result, and nothing else."""
    match result:
        case Confirmed(order=order):
            return f"thank you: {order.total}"
        case ActionRequired(action_url=url):
            return f"go to {url}"
        case Pending(order_id=order_id):
            return f"wait for {order_id}"
        case Refused(reason=reason):
            return why(reason)
        case _:
            assert_never(result)


def why(reason: Reason) -> str:
    """Every reason for a refusal, and nothing else."""
    match reason:
        case PaymentDeclined(code=code, kind=kind):
            return f"{kind}: {code}"
        case OutOfStock(lines=lines):
            return ", ".join(f"{line.item_id}: {line.available} of {line.wanted}" for line in lines)
        case CartChanged(cart=cart):
            return "gone" if cart is None else str(cart.payable)
        case CartTaken(order_id=order_id):
            return order_id
        case OrderClosed(status=status):
            return status
        case ProviderUnavailable(provider=provider):
            return provider
        case StepRefused(step=step):
            return step
        case PaymentNotSent(detail=detail):
            return detail
        case Expired():
            return "too late"
        case _:
            assert_never(reason)


def look(checkout: Checkout, order_id: str) -> None:
    assert_type(checkout.get_order(order_id), Order)
    assert_type(checkout.find_order("order-form-1"), Order | None)
    assert_type(checkout.trace(order_id), Trace)
    assert_type(checkout.recover(limit=10), RecoveryReport)


def compose() -> Checkout:
    store = SqlStore("sqlite:///shop.db")
    store.migrate()
    store.inventory.set_available("TSHIRT-M", 10)
    with Checkout(store, {"card": SandboxPayments()}, settings=Settings(lanes=2)) as by_kind:
        sell(by_kind)
    return Checkout(store, payments=SandboxPayments())


async def compose_async(store: SqlStore) -> None:
    async with AsyncCheckout(store, payments=in_threads(SandboxPayments())) as checkout:
        assert_type(await checkout.get_order("order-1"), Order)
        await sell_async(checkout)
