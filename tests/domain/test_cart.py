"""A cart adds up exactly (MONEY-7), or is refused before anything happens (SAFE-2)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkout_core.domain.cart import MAX_LINES, MAX_QTY, Adjustment, AdjustmentKind, Cart, CartLine
from checkout_core.domain.money import MAX_MINOR, Money
from checkout_core.errors import InvalidRequestError
from tests.domain.examples import cart, euros, line

PRICES = st.integers(0, 10**8).map(lambda minor: Money(minor=minor, currency="EUR"))
LINES = st.lists(
    st.builds(CartLine, item_id=st.just("A"), qty=st.integers(1, 1000), price=PRICES), min_size=1, max_size=9
)
CHARGES = st.lists(
    st.builds(Adjustment, kind=st.sampled_from([AdjustmentKind.TAX, AdjustmentKind.SHIPPING]), amount=PRICES),
    max_size=5,
)


@given(lines=LINES, charges=CHARGES, share=st.fractions(0, 1))
def test_the_buyer_pays_lines_and_tax_and_shipping_less_discounts(
    lines: list[CartLine], charges: list[Adjustment], share: Any
) -> None:
    before = sum(each.price.minor * each.qty for each in lines) + sum(each.amount.minor for each in charges)
    off = Money(minor=int(before * share), currency="EUR")
    discount = Adjustment(kind=AdjustmentKind.DISCOUNT, amount=off)
    assert cart(lines=lines, adjustments=[*charges, discount]).payable.minor == before - off.minor


@given(lines=LINES, wrong_by=st.integers(-5, 5))
def test_a_stated_total_is_right_to_the_last_unit_or_refused(lines: list[CartLine], wrong_by: int) -> None:
    total = Money(minor=sum(each.price.minor * each.qty for each in lines) + wrong_by, currency="EUR")
    if wrong_by == 0:
        assert cart(lines=lines, total=total).payable == total
        return
    with pytest.raises(InvalidRequestError, match="total must equal"):
        cart(lines=lines, total=total)


@given(qty=st.integers(1, MAX_QTY), price=PRICES)
def test_a_lines_subtotal_is_price_times_quantity(qty: int, price: Money) -> None:
    assert line(qty=qty, price=price).subtotal.minor == qty * price.minor


@pytest.mark.parametrize("qty", [0, -1, MAX_QTY + 1, 1.0, 1.5, "1", True, None])
def test_a_quantity_is_a_positive_bounded_int(qty: Any) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        line(qty=qty)
    assert [problem.location for problem in refused.value.problems] == ["qty"]


def test_a_price_is_not_negative() -> None:
    with pytest.raises(InvalidRequestError, match="price must not be negative"):
        line(price=euros("-0.01"))
    assert line(price=euros("0")).subtotal == euros("0")


@pytest.mark.parametrize("kind", list(AdjustmentKind))
def test_an_adjustment_is_not_negative(kind: AdjustmentKind) -> None:
    with pytest.raises(InvalidRequestError, match="the kind gives the sign"):
        Adjustment(kind=kind, amount=euros("-0.01"))


def test_discounts_beyond_the_cart_are_refused() -> None:
    exactly = Adjustment(kind=AdjustmentKind.DISCOUNT, amount=euros("39.80"))
    cent = Adjustment(kind=AdjustmentKind.DISCOUNT, amount=euros("0.01"))
    assert cart(adjustments=[exactly]).payable == euros("0")
    with pytest.raises(InvalidRequestError, match="between 0 and"):
        cart(adjustments=[exactly, cent])


def test_a_cart_beyond_the_largest_amount_is_refused() -> None:
    dear = line(qty=1, price=Money(minor=MAX_MINOR, currency="EUR"))
    assert cart(lines=[dear]).payable.minor == MAX_MINOR
    with pytest.raises(InvalidRequestError, match="between 0 and"):
        cart(lines=[dear, line(qty=1, price=euros("0.01"))])


def test_a_cart_has_one_to_five_hundred_lines() -> None:
    assert len(cart(lines=[line()] * MAX_LINES).lines) == 500
    for lines in ([], [line()] * 501):
        with pytest.raises(InvalidRequestError) as refused:
            cart(lines=lines)
        assert [problem.location for problem in refused.value.problems] == ["lines"]


@pytest.mark.parametrize(
    "changes",
    [
        {"currency": "USD"},
        {"lines": [line(), line(price=Money.of("1", "USD"))]},
        {"adjustments": [Adjustment(kind=AdjustmentKind.TAX, amount=Money.of("1", "USD"))]},
        {"total": Money.of("39.80", "USD")},
    ],
)
def test_mixed_currencies_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequestError, match="in the cart's currency"):
        cart(**changes)


@pytest.mark.parametrize("name", ["", "x" * 129, "a\x00b", "a\nb", "tab\t", "end\n", "\x7f", 7, None])
def test_item_and_cart_ids_are_printable_and_bounded(name: Any) -> None:
    with pytest.raises(InvalidRequestError, match="^item_id: "):
        line(item_id=name)
    with pytest.raises(InvalidRequestError, match="^cart_id: "):
        cart(cart_id=name)


def test_every_problem_is_named_with_its_place() -> None:
    with pytest.raises(InvalidRequestError) as refused:
        Cart(cart_id="", currency="EUR", lines=[], revision="\x00")  # type: ignore[arg-type]
    assert [problem.location for problem in refused.value.problems] == ["cart_id", "lines", "revision"]


def test_an_unknown_field_is_refused() -> None:
    with pytest.raises(InvalidRequestError, match="discount"):
        cart(discount=5)


def test_lines_stay_as_given() -> None:
    twice = [line(qty=1), line(qty=3), line(item_id="MUG", qty=1)]
    assert list(cart(lines=twice).lines) == twice
