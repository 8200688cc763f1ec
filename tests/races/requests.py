"""Requests for races: carts over a few items, and a crowd that buys beside them."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import cycle, islice

from checkout_core import Cart, CartLine, CheckoutRequest, Money, PaymentMethod

PRICE = Money.of("10.00", "EUR")
CROWD_ITEMS = tuple(f"crowd-{number}" for number in range(10))
CROWD_UNITS = 100_000
_CROWD_TOKENS = ("tok_approve", "tok_approve", "tok_approve", "tok_decline")


def request(
    key: str, items: Mapping[str, int], *, cart_id: str = "", revision: str = "", token: str = "tok_approve"
) -> CheckoutRequest:
    """One unit price, lines in the given order, a cart of its own unless one is named."""
    lines = [CartLine(item_id=item, qty=qty, price=PRICE) for item, qty in items.items()]
    return CheckoutRequest(
        idempotency_key=key,
        cart=Cart(cart_id=cart_id or f"cart of {key}", currency="EUR", lines=tuple(lines), revision=revision),
        payment_method=PaymentMethod(kind="card", token=token) if items else None,
        user_id="buyer",
    )


def bystander(number: int) -> CheckoutRequest:
    """The n-th checkout of the crowd: three items, always enough of them, every fourth payment declined."""
    first = number % len(CROWD_ITEMS)
    chosen = islice(cycle(CROWD_ITEMS), first, first + 3)
    return request(f"crowd {number}", dict.fromkeys(chosen, 1), token=_CROWD_TOKENS[number % len(_CROWD_TOKENS)])
