"""The table of exponents is ISO 4217's."""

from __future__ import annotations

from iso4217 import Currency

from checkout_core.domain.currency import currency_codes, exponent_of


def test_every_exponent_is_that_of_the_standard() -> None:
    standard = {currency.code: currency.exponent for currency in Currency}
    assert {code: exponent_of(code) for code in currency_codes()} == {code: standard[code] for code in currency_codes()}


def test_every_currency_with_a_minor_unit_is_payable() -> None:
    """What the standard gives no exponent is metal, a bond unit or a code for tests."""
    payable = {currency.code for currency in Currency if currency.exponent is not None}
    assert payable - currency_codes() == set()


def test_an_unknown_code_has_no_exponent() -> None:
    assert exponent_of("ZZZ") is None
    assert exponent_of("eur") is None
