"""Carts that the shop keeps: what is sold is the cart as it is now, at its prices, or nothing (ORDER-4, SAFE-2)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from checkout_core import (
    AsyncCheckout,
    Cart,
    CartChanged,
    CartLine,
    CartReference,
    Checkout,
    CheckoutRequest,
    CheckoutResult,
    ConfigurationError,
    Confirmed,
    IdempotencyConflictError,
    InvalidRequestError,
    Money,
    OrderStatus,
    PaymentMethod,
    Refused,
    StorageUnavailableError,
    in_threads,
)
from checkout_core.adapters.memory import MemoryStore
from checkout_core.adapters.sandbox import SandboxBank, SandboxPayments
from checkout_core.errors import NotSentError
from checkout_core.ports.cart_source import CartQuery, NoCart
from checkout_core.ports.payment import CallLimits

CARD = PaymentMethod(kind="card", token="tok_approve")


def a_cart(*, price: str = "7.50", qty: int = 2, revision: str = "1") -> Cart:
    line = CartLine(item_id="MUG", qty=qty, price=Money.of(price, "EUR"))
    return Cart(cart_id="cart-1", currency="EUR", lines=(line,), revision=revision)


class ShopCarts:
    """The shop's carts. ``answer``: an exception is raised."""

    def __init__(self) -> None:
        self.answer: Any = a_cart()
        self.asked: list[CartQuery] = []

    def load(self, query: CartQuery, limits: CallLimits) -> Cart | NoCart:
        self.asked.append(query)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


class Desk:
    def __init__(self, colour: str) -> None:
        self.store, self.bank, self.carts = MemoryStore(), SandboxBank(), ShopCarts()
        self.store.inventory.set_available("MUG", 10)
        payments = SandboxPayments(self.bank)
        self._loop = asyncio.new_event_loop()
        self.checkout: Checkout | AsyncCheckout
        if colour == "threads":
            self.checkout = Checkout(self.store, payments, carts=self.carts)
        else:
            self.checkout = AsyncCheckout(self.store, in_threads(payments), carts=in_threads(self.carts))

    def buy(self, key: str, cart: Cart | CartReference | None = None, **more: Any) -> CheckoutResult:
        wanted = cart or CartReference(cart_id="cart-1")
        request = CheckoutRequest(idempotency_key=key, cart=wanted, user_id="anna", **{"payment_method": CARD, **more})
        if isinstance(self.checkout, Checkout):
            return self.checkout.execute(request)
        return self._loop.run_until_complete(self.checkout.execute(request))

    def close(self) -> None:
        if isinstance(self.checkout, Checkout):
            self.checkout.close()
        else:
            self._loop.run_until_complete(self.checkout.close())
        self._loop.close()

    def nothing_happened(self) -> bool:
        return self.store.files_after("", limit=1) == () and self.bank.ledger() == ()


@pytest.fixture(params=["threads", "tasks"])
def desk(request: pytest.FixtureRequest) -> Iterator[Desk]:
    made = Desk(request.param)
    yield made
    made.close()


def test_a_cart_is_bought_by_its_id_at_the_prices_of_now(desk: Desk) -> None:
    desk.carts.answer = a_cart(price="8.00")
    result = desk.buy("1")
    assert isinstance(result, Confirmed)
    assert (result.order.total, result.order.cart_revision) == (Money.of("16.00", "EUR"), "1")
    assert [each.amount for each in desk.bank.ledger()] == [Money.of("16.00", "EUR")]
    assert desk.carts.asked == [CartQuery(cart_id="cart-1", user_id="anna", scope="")]


def test_the_same_key_gives_the_same_order_when_the_cart_is_long_empty(desk: Desk) -> None:
    first = desk.buy("1")
    for answer in (NoCart(), a_cart(price="9.00", revision="2"), NotSentError("the shop is down")):
        desk.carts.answer = answer
        again = desk.buy("1")
        assert (again.order_id, again.replayed, again.status) == (first.order_id, True, OrderStatus.CONFIRMED)
    assert len(desk.bank.ledger()) == 1


def test_the_same_key_gives_its_order_although_the_cart_could_not_be_sold_now(desk: Desk) -> None:
    """ORDER-1: what was free costs something by now, and the request names no payment method."""
    desk.carts.answer = a_cart(price="0")
    first = desk.buy("1", payment_method=None)
    desk.carts.answer = a_cart(revision="2")
    again = desk.buy("1", payment_method=None)
    assert (again.order_id, again.replayed, again.status) == (first.order_id, True, OrderStatus.CONFIRMED)


@pytest.mark.parametrize("cart", [a_cart(), CartReference(cart_id="cart-1")], ids=["priced", "named"])
def test_the_same_key_gives_its_order_where_nothing_like_it_is_sold_any_more(cart: Cart | CartReference) -> None:
    """ORDER-1: the process that is asked again has no cart source and no provider for the payment method."""
    store, payments, carts = MemoryStore(), SandboxPayments(SandboxBank()), ShopCarts()
    store.inventory.set_available("MUG", 10)
    request = CheckoutRequest(idempotency_key="1", cart=cart, payment_method=CARD)
    with Checkout(store, payments, carts=carts) as checkout:
        first = checkout.execute(request)
    with Checkout(store, {"voucher": payments}) as checkout:
        again = checkout.execute(request)
        assert (again.order_id, again.replayed) == (first.order_id, True)
        with pytest.raises(InvalidRequestError):
            checkout.execute(replace(request, idempotency_key="2"))


def test_the_same_key_for_another_cart_is_refused(desk: Desk) -> None:
    desk.buy("1")
    desk.carts.answer = NoCart()
    with pytest.raises(IdempotencyConflictError):
        desk.buy("1", CartReference(cart_id="cart-2"))


@pytest.mark.parametrize(
    ("seen", "more"),
    [
        (a_cart(price="7.00"), {}),
        (a_cart(qty=1), {}),
        (a_cart(revision="0"), {}),
        (CartReference(cart_id="cart-1", revision="0"), {}),
        (CartReference(cart_id="cart-1"), {"expected_total": Money.of("14.99", "EUR")}),
    ],
    ids=["price", "quantity", "revision", "named revision", "named total"],
)
def test_a_cart_that_differs_from_what_the_buyer_saw_is_not_sold(
    desk: Desk, seen: Cart | CartReference, more: dict[str, Any]
) -> None:
    result = desk.buy("1", seen, **more)
    assert isinstance(result, Refused)
    assert result.reason == CartChanged(cart=a_cart())
    assert desk.nothing_happened()
    assert isinstance(desk.buy("1", a_cart()), Confirmed)  # the key is free


def test_what_the_buyer_saw_and_is_still_so_is_sold(desk: Desk) -> None:
    assert isinstance(desk.buy("1", a_cart(), expected_total=Money.of("15.00", "EUR")), Confirmed)


def test_a_cart_that_is_not_there(desk: Desk) -> None:
    desk.carts.answer = NoCart()
    result = desk.buy("1")
    assert isinstance(result, Refused)
    assert result.reason == CartChanged(cart=None)
    assert desk.nothing_happened()


@pytest.mark.parametrize(
    "answer",
    [NotSentError("down"), ValueError("bug"), "no cart", replace(a_cart(), cart_id="cart-2")],
    ids=["not sent", "bug", "no answer of the port", "another cart"],
)
def test_a_source_that_cannot_say_stores_nothing(desk: Desk, answer: Any) -> None:
    desk.carts.answer = answer
    with pytest.raises(StorageUnavailableError) as raised:
        desk.buy("1")
    assert raised.value.applied == "no"
    assert desk.nothing_happened()


def test_what_costs_something_needs_a_payment_method(desk: Desk) -> None:
    with pytest.raises(InvalidRequestError, match="payment_method is needed"):
        desk.buy("1", payment_method=None)
    desk.carts.answer = a_cart(price="0")
    assert isinstance(desk.buy("1", payment_method=None), Confirmed)


def test_without_a_source_no_cart_has_a_name() -> None:
    with Checkout(MemoryStore(), SandboxPayments(SandboxBank())) as checkout:
        request = CheckoutRequest(idempotency_key="1", cart=CartReference(cart_id="c"), payment_method=CARD)
        with pytest.raises(InvalidRequestError, match="needs a checkout with a CartSource"):
            checkout.execute(request)


def test_a_source_of_the_other_colour_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"ShopCarts\.load is no coroutine function"):
        AsyncCheckout(MemoryStore(), in_threads(SandboxPayments(SandboxBank())), carts=ShopCarts())  # type: ignore[arg-type]
