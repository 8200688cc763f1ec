"""A cart and a request that are right, with what each test changes."""

from __future__ import annotations

from typing import Any

from checkout_core.domain.cart import Cart, CartLine
from checkout_core.domain.money import Money
from checkout_core.domain.payment import PaymentMethod
from checkout_core.domain.request import CheckoutRequest


def euros(amount: str) -> Money:
    return Money.of(amount, "EUR")


def line(**changes: Any) -> CartLine:
    return CartLine(**{"item_id": "TSHIRT-M", "qty": 2, "price": euros("19.90"), **changes})


def cart(**changes: Any) -> Cart:
    return Cart(**{"cart_id": "cart-1", "currency": "EUR", "lines": [line()], **changes})


def request(**changes: Any) -> CheckoutRequest:
    method = PaymentMethod(kind="card", token="tok_approve")
    return CheckoutRequest(**{"idempotency_key": "key-1", "cart": cart(), "payment_method": method, **changes})
