"""Fingerprint, keys and references: what may never change between deploys."""

from __future__ import annotations

import string
from dataclasses import replace
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkout_core.checkout.plan import (
    fingerprint_of,
    open_order,
    operation_id,
    owner_of,
    provider_key,
    provider_reference,
)
from checkout_core.checkout.state import CheckoutState, apply, stock_lines
from checkout_core.domain.buyer import Address, Contact
from checkout_core.domain.cart import Adjustment, AdjustmentKind, Cart, CartLine, CartReference
from checkout_core.domain.money import Money
from checkout_core.domain.payment import PaymentMethod
from checkout_core.domain.request import CheckoutRequest
from checkout_core.ports.records import OperationKind


def eur(minor: int) -> Money:
    return Money(minor=minor, currency="EUR")


LINE = CartLine(item_id="shirt", qty=2, price=eur(1990))
CART = Cart(cart_id="cart-1", currency="EUR", lines=(LINE,))
FULL_CART = Cart(
    cart_id="cart-1",
    currency="EUR",
    lines=(LINE, CartLine(item_id="mug", qty=1, price=eur(500), location="north")),
    adjustments=(Adjustment(kind=AdjustmentKind.SHIPPING, amount=eur(490), label="parcel"),),
    revision="7",
)
FULL = CheckoutRequest(
    idempotency_key="key-1",
    cart=FULL_CART,
    payment_method=PaymentMethod(kind="card", token="tok_1"),
    scope="shop-a",
    user_id="ann",
    contact=Contact(email="ann@example.org"),
    shipping_address=Address(country="DE", city="Bonn"),
    billing_address=Address(country="DE"),
    expected_total=eur(4970),
    previous_order_id="before",
    return_url="https://shop.example/back",
)
PLAIN = CheckoutRequest(idempotency_key="k", cart=CART, payment_method=PaymentMethod(kind="card", token="tok_1"))


def with_cart(**changes: object) -> CheckoutRequest:
    return replace(FULL, expected_total=None, cart=replace(FULL_CART, **changes))


def line(**changes: object) -> tuple[CartLine, ...]:
    return (replace(LINE, **changes), *FULL_CART.lines[1:])


MATTERS = {
    "cart_id": with_cart(cart_id="cart-2"),
    "revision": with_cart(revision="8"),
    "no revision": with_cart(revision=""),
    "item": with_cart(lines=line(item_id="shoes")),
    "qty": with_cart(lines=line(qty=3)),
    "price": with_cart(lines=line(price=eur(1991))),
    "location": with_cart(lines=line(location="south")),
    "order of lines": with_cart(lines=tuple(reversed(FULL_CART.lines))),
    "adjustment kind": with_cart(adjustments=(Adjustment(kind=AdjustmentKind.TAX, amount=eur(490), label="parcel"),)),
    "adjustment amount": with_cart(adjustments=(replace(FULL_CART.adjustments[0], amount=eur(491)),)),
    "adjustment label": with_cart(adjustments=(replace(FULL_CART.adjustments[0], label="letter"),)),
    "no adjustments": with_cart(adjustments=()),
    "method kind": replace(FULL, payment_method=PaymentMethod(kind="sepa", token="tok_1")),
    "method token": replace(FULL, payment_method=PaymentMethod(kind="card", token="tok_2")),
    "address": replace(FULL, shipping_address=Address(country="DE", city="Berlin")),
    "no address": replace(FULL, shipping_address=None),
    "no expected_total": replace(FULL, expected_total=None),
    "user": replace(FULL, user_id="bob"),
    "guest": replace(FULL, user_id=""),
}


def test_everything_that_matters_is_told_apart() -> None:
    fingerprints = {name: fingerprint_of(request) for name, request in {**MATTERS, "itself": FULL}.items()}
    without_total = fingerprint_of(replace(FULL, expected_total=None))
    assert len(set(fingerprints.values())) == len(fingerprints)
    same = [name for name, found in fingerprints.items() if found == without_total]
    assert same == ["no expected_total"]


@pytest.mark.parametrize(
    "request_",
    [
        replace(FULL, idempotency_key="other"),
        replace(FULL, scope="shop-b"),
        replace(FULL, contact=None),
        replace(FULL, billing_address=None),
        replace(FULL, previous_order_id=""),
        replace(FULL, return_url=""),
        replace(FULL, cart=replace(FULL_CART, total=eur(4970))),
    ],
    ids=["key", "scope", "contact", "billing", "previous", "return_url", "stated total"],
)
def test_the_rest_does_not_matter(request_: CheckoutRequest) -> None:
    assert fingerprint_of(request_) == fingerprint_of(FULL)


def test_a_zero_total_that_was_shown_is_not_one_that_was_not() -> None:
    free = Cart(cart_id="c", currency="EUR", lines=(CartLine(item_id="flyer", qty=1, price=eur(0)),))
    silent = CheckoutRequest(idempotency_key="k", cart=free)
    assert fingerprint_of(replace(silent, expected_total=eur(0))) != fingerprint_of(silent)


def test_the_total_that_was_shown_of_a_named_cart_has_a_currency() -> None:
    """ORDER-2: of a cart with prices the lines say it; a named cart's are not in the request."""
    euros = CheckoutRequest(idempotency_key="k", cart=CartReference(cart_id="c"), expected_total=eur(1500))
    dollars = replace(euros, expected_total=Money(minor=1500, currency="USD"))
    assert fingerprint_of(euros) != fingerprint_of(dollars)


def test_a_fingerprint_never_changes() -> None:
    """Golden: a request that comes again after a deploy is still the same request."""
    assert fingerprint_of(PLAIN) == "1:cafa4655506e79c0bc2b9c50ce19cb9f5b738892b28bd3624b9247af9732df80"
    assert fingerprint_of(FULL) == "1:a4a070c7e7708c3fe29e244de26329c21c00919df0c207ccf99c2f52de42d235"


def test_defaults_are_left_out_of_the_fingerprint() -> None:
    """A field that is added later with a default must not change the fingerprint of a request in flight."""
    bare = replace(PLAIN, shipping_address=Address(country="DE"))
    said = (
        '{"cart":"cart-1","currency":"EUR","lines":[["shirt","",2,1990]],"method":["card","tok_1"],'
        '"address":"{\\"country\\":\\"DE\\"}"}'
    )
    assert fingerprint_of(bare) == f"1:{sha256(said.encode()).hexdigest()}"


@given(st.text(alphabet=string.ascii_letters, min_size=1, max_size=8), st.integers(1, 9), st.integers(0, 9999))
def test_equal_requests_have_one_fingerprint(item: str, qty: int, minor: int) -> None:
    def request() -> CheckoutRequest:
        cart = Cart(cart_id="c", currency="EUR", lines=(CartLine(item_id=item, qty=qty, price=eur(minor)),))
        return CheckoutRequest(idempotency_key="k", cart=cart, payment_method=PLAIN.payment_method)

    assert fingerprint_of(request()) == fingerprint_of(request())


@given(
    st.lists(
        st.tuples(st.text("ab", min_size=1, max_size=3), st.integers(1, 3), st.integers(0, 30)),
        min_size=1,
        max_size=3,
    ),
    st.lists(
        st.tuples(st.text("ab", min_size=1, max_size=3), st.integers(1, 3), st.integers(0, 30)),
        min_size=1,
        max_size=3,
    ),
)
def test_other_lines_have_another_fingerprint(
    one: list[tuple[str, int, int]], other: list[tuple[str, int, int]]
) -> None:
    def request(lines: list[tuple[str, int, int]]) -> CheckoutRequest:
        made = tuple(CartLine(item_id=item, qty=qty, price=eur(minor)) for item, qty, minor in lines)
        cart = Cart(cart_id="c", currency="EUR", lines=made)
        return CheckoutRequest(idempotency_key="k", cart=cart, payment_method=PLAIN.payment_method)

    assert (fingerprint_of(request(one)) == fingerprint_of(request(other))) == (one == other)


def test_the_owner_is_the_user_with_the_same_lines() -> None:
    assert owner_of(FULL) == owner_of(replace(FULL, idempotency_key="other", payment_method=PLAIN.payment_method))
    assert owner_of(FULL) != owner_of(replace(FULL, user_id="bob"))
    assert owner_of(FULL) != owner_of(MATTERS["qty"])


ORDER = "018f0000-0000-7000-8000-000000000001"


def test_a_provider_key_never_changes() -> None:
    assert provider_key(ORDER, "charge/0/1") == "co1_568c567194877f481693de28b6fa6f194cb4c011"
    assert provider_key(ORDER, "refund/0/2") == "co1_b2ae54864aa43e98b5fff100b91eceda18bcdd5e"


def test_a_provider_reference_never_changes_and_is_short_enough() -> None:
    assert provider_reference(ORDER, "charge/0/1") == f"co_{ORDER}_charge-0-1"
    assert len(provider_reference(ORDER, "charge/0/1")) <= 50


@given(st.uuids(), st.sampled_from(OperationKind), st.integers(0, 9), st.integers(1, 99))
def test_a_provider_key_has_44_safe_characters(order: object, kind: OperationKind, leg: int, attempt: int) -> None:
    key = provider_key(str(order), operation_id(kind, leg, attempt))
    assert len(key) == 44
    assert key.startswith("co1_")
    assert set(key[4:]) <= set(string.digits + "abcdef")


@given(
    st.lists(st.tuples(st.uuids(), st.sampled_from(OperationKind), st.integers(0, 99), st.integers(1, 99)), unique=True)
)
def test_each_operation_has_a_key_and_a_reference_of_its_own(
    operations: list[tuple[object, OperationKind, int, int]],
) -> None:
    named = [(str(order), operation_id(kind, leg, attempt)) for order, kind, leg, attempt in operations]
    assert len({provider_key(*each) for each in named}) == len(named)
    assert len({provider_reference(*each) for each in named}) == len(named)


def test_lines_are_added_up_per_item_and_location_for_stock_only() -> None:
    cart = replace(CART, lines=(LINE, CartLine(item_id="mug", qty=1, price=eur(5)), replace(LINE, qty=3, price=eur(1))))
    order = apply(CheckoutState(order_id=ORDER, fingerprint=""), (open_order(replace(PLAIN, cart=cart)),)).opened
    assert [(item.item_id, item.qty, item.price.minor) for item in order.items] == [
        ("shirt", 2, 1990),
        ("mug", 1, 5),
        ("shirt", 3, 1),
    ]
    assert [(each.item_id, each.qty) for each in stock_lines(order)] == [("mug", 1), ("shirt", 5)]
