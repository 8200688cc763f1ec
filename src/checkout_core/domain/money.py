"""Money: integer minor units with the ISO 4217 exponent. No float ever (MONEY-7)."""

from __future__ import annotations

import re
from decimal import Context, Decimal, DecimalException, Inexact, InvalidOperation, Overflow
from typing import Annotated

from pydantic import Field, field_validator

from checkout_core.domain.currency import exponent_of
from checkout_core.domain.value import value
from checkout_core.errors import InvalidRequestError, Problem

MAX_MINOR = 10**15 - 1
"""Largest amount in minor units: fits every database's BIGINT and every sum of 500 lines in it."""

_PLAIN = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_EXACT = Context(prec=100, traps=[Inexact, InvalidOperation, Overflow])
"""Ours, since the host's own context may round."""


@value
class Money:
    """An amount in minor units of one currency: ``Money(minor=1990, currency="EUR")`` is EUR 19.90.

    ``minor`` may be negative (differences); prices, totals and charges are checked to be >= 0 where they are used.
    Arithmetic is exact and refuses mixed currencies with :class:`InvalidRequestError`.
    """

    minor: Annotated[int, Field(ge=-MAX_MINOR, le=MAX_MINOR)]
    currency: str

    @field_validator("currency")
    @classmethod
    def _known(cls, currency: str) -> str:
        if exponent_of(currency) is None:
            raise ValueError("expected an ISO 4217 currency code such as EUR")
        return currency

    @classmethod
    def of(cls, amount: str | int | Decimal, currency: str) -> Money:
        """``Money.of("19.90", "EUR")``. Floats are refused, and so are more decimals than the currency has.

        A string is digits with an optional minus sign and decimal point, nothing else.
        """
        exponent = exponent_of(currency)
        if exponent is None:
            raise InvalidRequestError([Problem("currency", "expected an ISO 4217 currency code such as EUR")])
        allowed = isinstance(amount, (str, int, Decimal))  # pyright: ignore[reportUnnecessaryIsInstance]
        if isinstance(amount, bool) or not allowed:
            raise InvalidRequestError(
                [Problem("amount", "expected a decimal string, an int or a Decimal, not a float")]
            )
        return cls(minor=_to_minor(amount, exponent), currency=currency)

    @classmethod
    def zero(cls, currency: str) -> Money:
        return cls(minor=0, currency=currency)

    def to_decimal(self) -> Decimal:
        return _EXACT.scaleb(Decimal(self.minor), -(exponent_of(self.currency) or 0))

    def __str__(self) -> str:
        exponent = exponent_of(self.currency) or 0
        return f"{self.currency} {self.to_decimal():.{exponent}f}"

    def __add__(self, other: Money) -> Money:
        return Money(minor=self.minor + self._same(other).minor, currency=self.currency)

    def __sub__(self, other: Money) -> Money:
        return Money(minor=self.minor - self._same(other).minor, currency=self.currency)

    def times(self, count: int) -> Money:
        return Money(minor=self.minor * count, currency=self.currency)

    def _same(self, other: Money) -> Money:
        if other.currency != self.currency:
            raise InvalidRequestError([Problem("currency", "expected one currency throughout, found two")])
        return other


def _to_minor(amount: str | int | Decimal, exponent: int) -> int:
    if isinstance(amount, str) and not _PLAIN.fullmatch(amount):
        raise InvalidRequestError([Problem("amount", "expected a plain decimal number such as 19.90")])
    number = Decimal(amount)
    if not number.is_finite():
        raise InvalidRequestError([Problem("amount", "expected a finite decimal number")])
    if number and number.adjusted() + exponent > 16:
        raise InvalidRequestError([Problem("amount", "the amount is too large")])
    try:
        minor = _EXACT.quantize(_EXACT.scaleb(number, exponent), Decimal(1))
    except DecimalException:
        minor = None
    if minor is None:
        raise InvalidRequestError([Problem("amount", f"the currency has {exponent} decimals, found more")])
    return int(minor)
