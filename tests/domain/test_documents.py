"""JSON documents: what is dumped is parsed back equal, and what is wrong is named with its place."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkout_core.domain.buyer import Address, Contact
from checkout_core.domain.cart import Adjustment, AdjustmentKind, Cart, CartLine
from checkout_core.domain.money import Money
from checkout_core.domain.request import CheckoutRequest
from checkout_core.domain.value import dump, parse
from checkout_core.errors import InvalidRequestError
from tests.domain.examples import cart, request

CLEAN = st.characters(exclude_categories=["Cc", "Cs"])
NAMES = st.text(CLEAN, min_size=1, max_size=128)
TEXTS = st.text(CLEAN, max_size=200)
PRICES = st.integers(0, 10**9).map(lambda minor: Money(minor=minor, currency="KWD"))
PLACES = st.just("") | NAMES.map(lambda name: name[:64])
LINES = st.lists(
    st.builds(CartLine, item_id=NAMES, qty=st.integers(1, 1000), price=PRICES, location=PLACES), min_size=1, max_size=4
)
CHARGES = st.lists(st.builds(Adjustment, kind=st.just(AdjustmentKind.TAX), amount=PRICES, label=TEXTS), max_size=3)
CARTS = st.builds(
    Cart,
    cart_id=NAMES,
    currency=st.just("KWD"),
    lines=LINES,
    adjustments=CHARGES,
    revision=TEXTS.map(lambda t: t[:128]),
)
ADDRESSES = st.builds(Address, country=st.just("KW"), name=TEXTS, line1=TEXTS, city=TEXTS, postal_code=TEXTS)
CONTACTS = st.builds(Contact, email=TEXTS, phone=TEXTS, name=TEXTS, locale=st.sampled_from(["", "ar-KW"]))


@given(sold=CARTS, contact=st.none() | CONTACTS, address=st.none() | ADDRESSES, scope=st.sampled_from(["", "shop-2"]))
def test_a_request_survives_the_way_through_json(
    sold: Cart, contact: Contact | None, address: Address | None, scope: str
) -> None:
    asked = request(cart=sold, contact=contact, shipping_address=address, scope=scope, expected_total=sold.payable)
    assert parse(CheckoutRequest, dump(asked)) == asked
    assert parse(CheckoutRequest, dump(asked).encode()) == asked


def test_equal_values_have_equal_documents() -> None:
    assert dump(cart()) == dump(cart(revision="", adjustments=[]))


@pytest.mark.parametrize(
    ("path", "wrong", "location"),
    [
        (("cart", "lines", 0, "qty"), 1.0, "cart.lines.0.qty"),
        (("cart", "lines", 0, "qty"), "2", "cart.lines.0.qty"),
        (("cart", "lines", 0, "qty"), 0, "cart.lines.0.qty"),
        (("cart", "lines", 0, "price", "minor"), 19.9, "cart.lines.0.price.minor"),
        (("cart", "lines", 0, "price", "minor"), "1990", "cart.lines.0.price.minor"),
        (("cart", "lines", 0, "price"), "19.90", "cart.lines.0.price"),
        (("cart", "lines"), [], "cart.lines"),
        (("cart", "currency"), "USD", "cart"),
        (("payment_method", "token"), "", "payment_method.token"),
        (("expected_total",), {"minor": 1, "currency": "EUR"}, "request"),
    ],
)
def test_what_is_wrong_in_a_document_is_named_with_its_place(path: tuple[Any, ...], wrong: Any, location: str) -> None:
    document = json.loads(dump(request()))
    target = document
    for step in path[:-1]:
        target = target[step]
    target[path[-1]] = wrong
    with pytest.raises(InvalidRequestError) as refused:
        parse(CheckoutRequest, json.dumps(document))
    assert refused.value.problems[0].location == location


@pytest.mark.parametrize("document", ["", "{", "null", "[]", "7", '"text"', b"\xff\xfe", "{}", "NaN"])
def test_what_is_no_request_is_refused(document: str | bytes) -> None:
    with pytest.raises(InvalidRequestError):
        parse(CheckoutRequest, document)
