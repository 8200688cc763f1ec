"""A small shop to look at, and how somebody buys in it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import asdict, dataclass

from checkout_core.adapters.sandbox import SandboxBank
from checkout_core.adapters.sql import SqlStore
from checkout_core.domain.cart import Cart, CartLine
from checkout_core.domain.money import Money
from checkout_core.domain.payment import PaymentMethod
from checkout_core.domain.request import CheckoutRequest
from checkout_core.domain.result import CheckoutResult
from checkout_core.drivers.threads import Checkout


@dataclass(frozen=True)
class Shop:
    url: str
    store: SqlStore
    checkout: Checkout
    bank: SandboxBank

    def buy(self, key: str, *, token: str = "tok_approve", item: str = "MUG", qty: int = 1) -> CheckoutResult:
        return self.checkout.execute(a_request(key, token=token, item=item, qty=qty))

    def ledger(self) -> list[dict[str, object]]:
        """The bank's ledger, as its GET /ledger gives it."""
        return [asdict(each) for each in self.bank.ledger()]

    def tamper(self, statement: str) -> None:
        """What no code of ours does."""
        with closing(sqlite3.connect(self.url.removeprefix("sqlite:///"))) as connection, connection:
            assert connection.execute(statement).rowcount > 0


def a_request(key: str, *, token: str = "tok_approve", item: str = "MUG", qty: int = 1) -> CheckoutRequest:
    line = CartLine(item_id=item, qty=qty, price=Money.of("7.50", "EUR"))
    cart = Cart(cart_id=f"cart-{key}", currency="EUR", lines=(line,))
    return CheckoutRequest(idempotency_key=key, cart=cart, payment_method=PaymentMethod(kind="card", token=token))
