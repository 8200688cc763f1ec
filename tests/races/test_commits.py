"""Commits per checkout, one at a time, by PostgreSQL's own count: two, and one where nothing is charged."""

from __future__ import annotations

import pytest

from checkout_core import Adjustment, AdjustmentKind, Cart, CartLine, Checkout, CheckoutRequest, PaymentMethod
from checkout_core.adapters.sandbox import SandboxPayments
from checkout_core.adapters.sql import SqlStore
from tests.races.counters import commits_on, rollbacks_on
from tests.races.requests import PRICE

FEW, MANY = 5, 25
RUNS = 2


@pytest.mark.parametrize(
    ("discounted", "token", "commits"),
    [(False, "tok_approve", 2.0), (False, "tok_decline", 2.0), (True, "tok_approve", 1.0)],
    ids=["confirmed", "declined", "zero total"],
)
def test_commits_per_checkout(postgres_url: str, discounted: bool, token: str, commits: float) -> None:
    """Two sessions that differ in nothing but the number of checkouts: connecting and looking around cancel out. The
    server's own housekeeping can only add, so that the lowest count of several is the session's own."""
    setup = SqlStore(postgres_url)
    setup.migrate()
    setup.inventory.set_available("shirt", 1000)
    setup.close()

    def session(checkouts: int, name: str) -> tuple[int, int]:
        before = commits_on(postgres_url), rollbacks_on(postgres_url)
        store = SqlStore(postgres_url)
        with Checkout(store, SandboxPayments()) as checkout:
            for number in range(checkouts):
                result = checkout.execute(_request(f"{name} {number}", discounted, token))
                assert result.status == ("FAILED" if token == "tok_decline" else "CONFIRMED")
        store.close()
        return commits_on(postgres_url) - before[0], rollbacks_on(postgres_url) - before[1]

    few = [session(FEW, f"few {run}") for run in range(RUNS)]
    many = [session(MANY, f"many {run}") for run in range(RUNS)]
    committed, rolled_back = (
        (min(each[which] for each in many) - min(each[which] for each in few)) / (MANY - FEW) for which in (0, 1)
    )
    assert committed == commits
    assert rolled_back == 0


def _request(key: str, discounted: bool, token: str) -> CheckoutRequest:
    gift = (Adjustment(kind=AdjustmentKind.DISCOUNT, amount=PRICE),) if discounted else ()
    cart = Cart(cart_id=key, currency="EUR", lines=(CartLine(item_id="shirt", qty=1, price=PRICE),), adjustments=gift)
    return CheckoutRequest(idempotency_key=key, cart=cart, payment_method=PaymentMethod(kind="card", token=token))
