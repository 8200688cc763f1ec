"""The buyer's payment method, and a payment as the order shows it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from pydantic import Field, field_validator

from checkout_core.domain.money import Money
from checkout_core.domain.value import Name, value

# Random keys and tokens must never be taken for a card by chance: digits inside a word or a UUID do not count.
_SOLID = re.compile(r"(?<![0-9A-Za-z])[0-9]{13,19}(?![0-9A-Za-z])")
_GROUPED = re.compile(r"(?<![0-9A-Za-z.\-])[0-9]{2,8}(?:[ .\-][0-9]{2,8}){1,5}(?![0-9A-Za-z.\-])")
_ISSUED = re.compile(r"4(?:[0-9]{12}|[0-9]{15}|[0-9]{18})|3[0-9]{13,18}|[56][0-9]{12,18}|2[2-7][0-9]{14}")


def holds_card_number(text: str) -> bool:
    """Whether ``text`` contains a number, solid or in groups, as card networks issue them (ISO/IEC 7812) with a right
    check digit: a card number in all likelihood."""
    found = (*_SOLID.findall(text), *_GROUPED.findall(text))
    runs = ("".join(filter(str.isdigit, each)) for each in found)
    return any(_ISSUED.fullmatch(run) and _luhn(run) for run in runs)


def _luhn(digits: str) -> bool:
    doubled = [int(d) * (2 if i % 2 else 1) for i, d in enumerate(reversed(digits))]
    return sum(n - 9 if n > 9 else n for n in doubled) % 10 == 0


@value
class PaymentMethod:
    """A reference to the buyer's means of payment at the provider: never a card number.

    ``kind`` selects the provider when several are configured. ``token`` is a secret: it is hidden from every repr,
    stored in a column of its own and erased when the order reaches a terminal state.
    """

    kind: Name
    token: Annotated[str, Field(min_length=1, max_length=500, pattern=r"^[\x21-\x7e]+$")] = Field(repr=False)

    @field_validator("token")
    @classmethod
    def _no_card_number(cls, token: str) -> str:
        if holds_card_number(token):
            raise ValueError("expected a provider's token, found what looks like a card number")
        return token


class PaymentStatus(StrEnum):
    PENDING = "PENDING"
    REQUIRES_ACTION = "REQUIRES_ACTION"
    AUTHORIZED = "AUTHORIZED"
    CAPTURED = "CAPTURED"
    DECLINED = "DECLINED"
    NOT_SENT = "NOT_SENT"
    UNKNOWN = "UNKNOWN"
    PARTIALLY_REFUNDED = "PARTIALLY_REFUNDED"
    REFUNDED = "REFUNDED"
    VOIDED = "VOIDED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """One payment attempt of an order: what was asked and what the provider is known to have done."""

    payment_id: str
    amount: Money
    status: PaymentStatus
    provider: str
    captured: Money
    refunded: Money
    provider_reference: str = ""
    decline_code: str = ""
