"""What the routes answer, as documents; nothing of the buyer's contact or address, and no token (SAFE-1)."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, assert_never

from pydantic import BaseModel

from checkout_core.domain.cart import Cart
from checkout_core.domain.money import Money
from checkout_core.domain.order import Order
from checkout_core.domain.result import (
    ActionRequired,
    CartChanged,
    CartTaken,
    CheckoutResult,
    Confirmed,
    Expired,
    OrderClosed,
    OutOfStock,
    PaymentDeclined,
    PaymentNotSent,
    Pending,
    ProviderUnavailable,
    Reason,
    Refused,
    StepRefused,
)


class MoneyView(BaseModel):
    """``minor``: minor units of ``currency``; ``text``: for people."""

    minor: int
    currency: str
    text: str


class ItemView(BaseModel):
    item_id: str
    location: str
    qty: int
    price: MoneyView


class PaymentView(BaseModel):
    payment_id: str
    status: str
    amount: MoneyView
    captured: MoneyView
    refunded: MoneyView


class OrderView(BaseModel):
    order_id: str
    status: str
    reason: str | None
    attention: str
    cart_id: str
    total: MoneyView
    items: list[ItemView]
    payments: list[PaymentView]
    created_at: datetime
    updated_at: datetime


class ShortageView(BaseModel):
    item_id: str
    location: str
    wanted: int
    available: int


class CartView(BaseModel):
    """The shop's cart as it is now; ``total`` is what the buyer would pay."""

    cart_id: str
    revision: str
    total: MoneyView
    items: list[ItemView]


class ReasonView(BaseModel):
    """``kind`` says which; the rest is given where it applies. ``order_id``: the order that has this very cart;
    ``cart``: what a changed cart is by now, missing where there is none."""

    kind: Literal[
        "payment_declined",
        "payment_not_sent",
        "out_of_stock",
        "cart_changed",
        "cart_taken",
        "step_refused",
        "expired",
        "provider_unavailable",
        "order_closed",
    ]
    code: str = ""
    decline_kind: str = ""
    lines: list[ShortageView] = []
    order_id: str = ""
    step: str = ""
    cart: CartView | None = None


class CheckoutView(BaseModel):
    """``result`` says which; ``order`` is there where it is confirmed, ``reason`` where it is refused."""

    result: Literal["confirmed", "action_required", "pending", "refused"]
    order_id: str
    status: str
    replayed: bool
    action_url: str = ""
    order: OrderView | None = None
    reason: ReasonView | None = None


def view_of(result: CheckoutResult) -> CheckoutView:
    match result:
        case Confirmed():
            view = _view("confirmed", result)
            view.order = order_view(result.order)
        case ActionRequired():
            view = _view("action_required", result)
            view.action_url = result.action_url
        case Pending():
            view = _view("pending", result)
        case Refused():
            view = _view("refused", result)
            view.reason = _reason(result.reason)
        case _:
            assert_never(result)
    return view


def order_view(order: Order) -> OrderView:
    return OrderView(
        order_id=order.order_id,
        status=order.status.value,
        reason=order.reason.value if order.reason is not None else None,
        attention=order.attention.value,
        cart_id=order.cart_id,
        total=_money(order.total),
        items=[
            ItemView(item_id=item.item_id, location=item.location, qty=item.qty, price=_money(item.price))
            for item in order.items
        ],
        payments=[
            PaymentView(
                payment_id=payment.payment_id,
                status=payment.status.value,
                amount=_money(payment.amount),
                captured=_money(payment.captured),
                refunded=_money(payment.refunded),
            )
            for payment in order.payments
        ],
        created_at=order.created_at,
        updated_at=order.updated_at,
    )


def _view(kind: Literal["confirmed", "action_required", "pending", "refused"], result: CheckoutResult) -> CheckoutView:
    return CheckoutView(result=kind, order_id=result.order_id, status=result.status.value, replayed=result.replayed)


def _reason(reason: Reason) -> ReasonView:
    match reason:
        case PaymentDeclined():
            return ReasonView(kind="payment_declined", code=reason.code, decline_kind=reason.kind.value)
        case PaymentNotSent():
            return ReasonView(kind="payment_not_sent")
        case OutOfStock():
            lines = [
                ShortageView(item_id=line.item_id, location=line.location, wanted=line.wanted, available=line.available)
                for line in reason.lines
            ]
            return ReasonView(kind="out_of_stock", lines=lines)
        case CartChanged():
            return ReasonView(kind="cart_changed", cart=None if reason.cart is None else _cart(reason.cart))
        case CartTaken():
            return ReasonView(kind="cart_taken", order_id=reason.order_id)
        case StepRefused():
            return ReasonView(kind="step_refused", step=reason.step)
        case Expired():
            return ReasonView(kind="expired")
        case ProviderUnavailable():
            return ReasonView(kind="provider_unavailable")
        case OrderClosed():
            return ReasonView(kind="order_closed", code=reason.status.value)
        case _:
            assert_never(reason)


def _cart(cart: Cart) -> CartView:
    items = [
        ItemView(item_id=line.item_id, location=line.location, qty=line.qty, price=_money(line.price))
        for line in cart.lines
    ]
    return CartView(cart_id=cart.cart_id, revision=cart.revision, total=_money(cart.payable), items=items)


def _money(money: Money) -> MoneyView:
    return MoneyView(minor=money.minor, currency=money.currency, text=str(money))
