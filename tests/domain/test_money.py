"""Money is exact (MONEY-7): integer minor units, the currency's own exponent, one currency, never a float."""

from __future__ import annotations

from decimal import Decimal, localcontext
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkout_core.domain.currency import currency_codes, exponent_of
from checkout_core.domain.money import MAX_MINOR, Money
from checkout_core.errors import InvalidRequestError

CURRENCIES = st.sampled_from(sorted(currency_codes()))
MINOR = st.integers(-MAX_MINOR, MAX_MINOR)
SMALL = st.integers(-(10**12), 10**12)


@given(minor=MINOR, currency=CURRENCIES)
def test_an_amount_survives_the_way_through_its_decimal(minor: int, currency: str) -> None:
    money = Money(minor=minor, currency=currency)
    assert Money.of(money.to_decimal(), currency) == money
    assert Money.of(str(money).removeprefix(f"{currency} "), currency) == money


@given(minor=MINOR, currency=CURRENCIES)
def test_one_minor_unit_is_the_last_printed_digit(minor: int, currency: str) -> None:
    exponent = exponent_of(currency) or 0
    shown = str(Money(minor=minor, currency=currency))
    assert int(shown.removeprefix(f"{currency} ").replace(".", "")) == minor
    assert len(shown.partition(".")[2]) == exponent


@given(a=SMALL, b=SMALL, count=st.integers(0, 500), currency=CURRENCIES)
def test_arithmetic_is_that_of_integers(a: int, b: int, count: int, currency: str) -> None:
    x, y = Money(minor=a, currency=currency), Money(minor=b, currency=currency)
    assert (x + y).minor == a + b
    assert (x - y).minor == a - b
    assert x + y - y == x
    assert x.times(count).minor == a * count
    assert (x + y).currency == x.times(count).currency == currency


@pytest.mark.parametrize(
    ("minor", "currency", "shown"), [(1990, "EUR", "19.90"), (5, "JPY", "5"), (-1, "KWD", "-0.001")]
)
def test_amounts_print_with_the_exponent_of_their_currency(minor: int, currency: str, shown: str) -> None:
    assert str(Money(minor=minor, currency=currency)) == f"{currency} {shown}"


@given(amount=st.floats(allow_nan=True, allow_infinity=True))
def test_a_float_is_refused(amount: Any) -> None:
    with pytest.raises(InvalidRequestError, match="float"):
        Money.of(amount, "EUR")
    with pytest.raises(InvalidRequestError, match="minor"):
        Money(minor=amount, currency="EUR")


@pytest.mark.parametrize("minor", [True, "1990", Decimal(1990), None, MAX_MINOR + 1, -MAX_MINOR - 1])
def test_minor_units_are_a_bounded_int(minor: Any) -> None:
    with pytest.raises(InvalidRequestError, match="^minor: "):
        Money(minor=minor, currency="EUR")


@pytest.mark.parametrize("amount", [True, None, b"1", 1 + 0j])
def test_what_is_no_number_is_refused(amount: Any) -> None:
    with pytest.raises(InvalidRequestError, match="^amount: "):
        Money.of(amount, "EUR")


@pytest.mark.parametrize(
    "text",
    ["", " ", "abc", "NaN", "sNaN", "Infinity", "-Infinity", "0x10", "1,50", "1_9.90", " 19.90", "19.90\n", "１９.９０",
     "1e2", "+5", ".5", "5.", "--5", "1.2.3"],
)  # fmt: skip
def test_text_that_is_not_a_plain_decimal_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequestError, match="^amount: "):
        Money.of(text, "EUR")


@given(minor=SMALL, extra=st.integers(1, 60), digit=st.sampled_from("123456789"))
def test_more_decimals_than_the_currency_has_are_refused_however_many(minor: int, extra: int, digit: str) -> None:
    text = f"{Money(minor=minor, currency='EUR').to_decimal():f}" + "0" * (extra - 1) + digit
    for amount in (text, Decimal(text)):
        with pytest.raises(InvalidRequestError, match="2 decimals"):
            Money.of(amount, "EUR")


def test_zeros_behind_the_last_decimal_are_no_decimals() -> None:
    assert Money.of("19.9000", "EUR") == Money(minor=1990, currency="EUR")
    assert Money.of("5.0", "JPY") == Money(minor=5, currency="JPY")
    assert Money.of(Decimal("1E+2"), "EUR") == Money(minor=10000, currency="EUR")


@pytest.mark.parametrize(
    "amount",
    [
        "9" * 20,
        "1" * 5000,
        10**30,
        pytest.param(10**5000, id="10**5000"),
        Decimal("1e999999"),
        Decimal("-1e400000"),
        Decimal("1e999999999999"),
    ],
)
def test_an_amount_beyond_every_database_is_refused(amount: str | int | Decimal) -> None:
    with pytest.raises(InvalidRequestError, match="^amount: the amount is too large|^minor: "):
        Money.of(amount, "EUR")


def test_arithmetic_beyond_the_bounds_is_refused() -> None:
    most = Money(minor=MAX_MINOR, currency="EUR")
    with pytest.raises(InvalidRequestError):
        most + Money(minor=1, currency="EUR")
    with pytest.raises(InvalidRequestError):
        most.times(2)


@given(minor=MINOR)
def test_the_hosts_decimal_context_changes_nothing(minor: int) -> None:
    exact = f"{Decimal(minor) / 100:.2f}"
    with localcontext(prec=3):
        assert Money.of(exact, "EUR").minor == minor
        assert str(Money(minor=minor, currency="EUR")) == f"EUR {exact}"


@given(currency=CURRENCIES, other=CURRENCIES)
def test_mixed_currencies_are_refused(currency: str, other: str) -> None:
    a, b = Money(minor=1, currency=currency), Money(minor=1, currency=other)
    if currency == other:
        assert (a + b).minor == 2
        return
    with pytest.raises(InvalidRequestError, match="^currency: "):
        a + b
    with pytest.raises(InvalidRequestError, match="^currency: "):
        a - b


@pytest.mark.parametrize("currency", ["", "eur", "EURO", "XXX", "XTS", "XAU", "EU\n", "€", "ABC"])
def test_what_is_no_currency_is_refused(currency: str) -> None:
    with pytest.raises(InvalidRequestError, match="^currency: "):
        Money.of("1", currency)
    with pytest.raises(InvalidRequestError, match="^currency: "):
        Money(minor=1, currency=currency)


def test_amounts_are_values() -> None:
    money = Money(minor=1, currency="EUR")
    assert hash(money) == hash(Money(minor=1, currency="EUR"))
    assert money != Money(minor=1, currency="USD")
    with pytest.raises(AttributeError):
        money.minor = 2  # type: ignore[misc]
    assert money.minor == 1
