"""What a request must say, and which keys are keys (ORDER-1, SAFE-2)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkout_core.domain.cart import Adjustment, AdjustmentKind, CartReference
from checkout_core.domain.money import Money
from checkout_core.domain.payment import PaymentMethod
from checkout_core.domain.request import MAX_KEY, CheckoutRequest
from checkout_core.domain.value import dump, parse
from checkout_core.errors import InvalidRequestError
from tests.domain.examples import cart, euros, request

PRINTABLE = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E, exclude_characters="0123456789"), min_size=1)


@given(key=PRINTABLE.filter(lambda key: key.strip() != "").map(lambda key: key[:MAX_KEY]).filter(str.strip))
def test_a_key_of_printable_ascii_is_kept_byte_for_byte(key: str) -> None:
    assert request(idempotency_key=key).idempotency_key == key


def test_a_key_may_have_255_characters_and_no_more() -> None:
    assert request(idempotency_key="k" * 255).idempotency_key == "k" * 255
    with pytest.raises(InvalidRequestError, match="^idempotency_key: "):
        request(idempotency_key="k" * 256)


@pytest.mark.parametrize("key", ["", " ", "   ", "a\n", "a\x00", "clé", "a\tb", "\u200b", "k" * 10**6, 7, None, b"key"])
def test_a_malformed_key_is_refused(key: Any) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        request(idempotency_key=key)
    assert [problem.location for problem in refused.value.problems] == ["idempotency_key"]
    assert len(str(refused.value)) < 200


def test_keys_that_differ_in_case_or_spaces_are_three_keys() -> None:
    assert len({request(idempotency_key=key).idempotency_key for key in ("Abc", "abc", "abc ")}) == 3


@pytest.mark.parametrize("scope", ["s" * 65, "a\n", "é", None])
def test_a_malformed_scope_is_refused(scope: Any) -> None:
    with pytest.raises(InvalidRequestError, match="^scope: "):
        request(scope=scope)


@pytest.mark.parametrize("shown", [euros("39.79"), euros("39.81"), euros("0"), Money.of("39.80", "USD")])
def test_another_total_than_the_buyer_was_shown_is_refused(shown: Money) -> None:
    with pytest.raises(InvalidRequestError, match="expected_total differs"):
        request(expected_total=shown)


def test_the_total_that_the_buyer_was_shown_is_accepted() -> None:
    assert request(expected_total=euros("39.80")).cart.payable == euros("39.80")


def test_only_a_cart_that_costs_nothing_needs_no_payment_method() -> None:
    gift = Adjustment(kind=AdjustmentKind.DISCOUNT, amount=euros("39.80"))
    assert request(payment_method=None, cart=cart(adjustments=[gift])).payment_method is None
    with pytest.raises(InvalidRequestError, match="payment_method is needed"):
        request(payment_method=None)


@pytest.mark.parametrize("token", ["", "two words", "tab\t", "end\n", "t" * 501, "é", 4242, None, b"tok"])
def test_a_malformed_token_is_refused(token: Any) -> None:
    with pytest.raises(InvalidRequestError, match="^token: "):
        PaymentMethod(kind="card", token=token)


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "ftp://shop", "https://shop/a b", "https://shop\n", "//shop", "https://shop/\x00"]
)
def test_a_return_url_is_http_or_nothing(url: str) -> None:
    with pytest.raises(InvalidRequestError, match="^return_url: "):
        request(return_url=url)


@pytest.mark.parametrize("order_id", ["\x00", "a\n", "a" * 65])
def test_an_earlier_order_that_no_database_can_keep_is_refused(order_id: str) -> None:
    """SAFE-2: PostgreSQL keeps no text with a null character; refused by it, a whole batch would be tried again."""
    with pytest.raises(InvalidRequestError, match="^previous_order_id: "):
        request(previous_order_id=order_id)


def test_a_request_never_changes() -> None:
    with pytest.raises(AttributeError):
        request().scope = "other"  # type: ignore[misc]


def test_a_cart_by_its_id_is_told_from_a_cart_by_its_fields() -> None:
    """An error names the field that is wrong, whichever of the two was meant."""
    named = parse(CheckoutRequest, '{"idempotency_key": "1", "cart": {"cart_id": "c", "revision": "7"}}')
    assert named.cart == CartReference(cart_id="c", revision="7")
    assert parse(CheckoutRequest, dump(named)) == named
    with pytest.raises(InvalidRequestError, match=r"^cart\.cart_id: string too short"):
        parse(CheckoutRequest, '{"idempotency_key": "1", "cart": {"cart_id": ""}}')
    with pytest.raises(InvalidRequestError, match=r"cart\.lines: missing"):
        parse(CheckoutRequest, '{"idempotency_key": "1", "cart": {"cart_id": "c", "currency": "EUR"}}')
