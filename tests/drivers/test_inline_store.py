"""A store that commits inline: the same checkout, in the caller's own thread."""

from __future__ import annotations

import threading

from checkout_core import Cart, CartLine, Checkout, CheckoutRequest, Money, PaymentMethod
from checkout_core.adapters.sandbox import SandboxPayments
from checkout_core.adapters.sql import SqlStore


class _Watched(SandboxPayments):
    """Notes in which thread it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.threads: set[int] = set()

    def charge(self, request, limits):  # type: ignore[no-untyped-def]
        self.threads.add(threading.get_ident())
        return super().charge(request, limits)


def test_an_inline_store_is_used_in_the_callers_thread_alone(sql_url: str) -> None:
    """STATE-5: and the order is the same as with a shared commit."""
    store = SqlStore(sql_url, inline=True)
    store.migrate()
    store.inventory.set_available("TSHIRT", 3)
    payments = _Watched()
    before = threading.active_count()
    with Checkout(store, payments) as checkout:
        line = CartLine(item_id="TSHIRT", qty=2, price=Money.of("5", "EUR"))
        request = CheckoutRequest(
            idempotency_key="inline",
            cart=Cart(cart_id="c", currency="EUR", lines=[line]),
            payment_method=PaymentMethod(kind="card", token="tok_approve"),
        )
        confirmed = checkout.execute(request).expect_confirmed()
        assert checkout.execute(request).expect_confirmed().order_id == confirmed.order_id
        assert threading.active_count() == before
        assert checkout.ops.audit().clean
    assert payments.threads == {threading.get_ident()}
    assert store.inventory.available("TSHIRT") == 1
    store.close()
