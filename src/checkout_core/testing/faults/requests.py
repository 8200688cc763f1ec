"""The checkouts of the worker processes: the n-th of a worker is the same request whoever makes it."""

from __future__ import annotations

from collections.abc import Sequence

from checkout_core.domain.cart import Cart, CartLine
from checkout_core.domain.money import Money
from checkout_core.domain.payment import PaymentMethod
from checkout_core.domain.request import CheckoutRequest

TOKENS = (
    "tok_approve",
    "tok_approve",
    "tok_decide_later:3",
    "tok_approve",
    "tok_decline",
    "tok_approve",
    "tok_500_with_effect",
    "tok_approve",
    "tok_wrong_amount",
    "tok_approve",
)
"""Most are approved; the others undo, wait, are unknown for a while, or end with an operator."""

PRICE = Money(minor=1000, currency="EUR")


def nth_request(worker: str, number: int, items: Sequence[str]) -> CheckoutRequest:
    """Two lines of two items, or of one twice where the shop has one only."""
    chosen = (items[number % len(items)], items[(number + 1) % len(items)])
    lines = tuple(CartLine(item_id=item, qty=1, price=PRICE) for item in chosen)
    return CheckoutRequest(
        idempotency_key=f"{worker}/{number}",
        cart=Cart(cart_id=f"{worker}/{number}", currency="EUR", lines=lines, revision="1"),
        payment_method=PaymentMethod(kind="card", token=TOKENS[number % len(TOKENS)]),
    )
