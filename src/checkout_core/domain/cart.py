"""What the buyer wants to buy: a cart of lines and adjustments that add up exactly (MONEY-7, ORDER-4)."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, TypeAlias

from pydantic import Field, model_validator

from checkout_core.domain.money import MAX_MINOR, Money
from checkout_core.domain.value import Name, Sequenced, Text, value

MAX_LINES = 500
MAX_QTY = 1_000_000


@value
class CartLine:
    """``qty`` units of ``item_id`` at ``price`` each. ``location`` names the stock location, '' where there is one."""

    item_id: Name
    qty: Annotated[int, Field(ge=1, le=MAX_QTY)]
    price: Money
    location: Annotated[str, Field(max_length=64, pattern=r"^[^\x00-\x1f\x7f]*$")] = ""

    @model_validator(mode="after")
    def _not_negative(self) -> CartLine:
        if self.price.minor < 0:
            raise ValueError("price must not be negative; use a discount adjustment")
        return self

    @property
    def subtotal(self) -> Money:
        return self.price.times(self.qty)


class AdjustmentKind(StrEnum):
    TAX = "tax"
    SHIPPING = "shipping"
    DISCOUNT = "discount"


@value
class Adjustment:
    """Tax or shipping that is added to the lines, or a discount that is taken off; ``amount`` is never negative."""

    kind: AdjustmentKind
    amount: Money
    label: Text = ""

    @model_validator(mode="after")
    def _not_negative(self) -> Adjustment:
        if self.amount.minor < 0:
            raise ValueError("amount must not be negative; the kind gives the sign")
        return self

    @property
    def signed_minor(self) -> int:
        return -self.amount.minor if self.kind is AdjustmentKind.DISCOUNT else self.amount.minor


if TYPE_CHECKING:  # a list is accepted; what is kept is a tuple
    Lines: TypeAlias = Sequence[CartLine]
    Adjustments: TypeAlias = Sequence[Adjustment]
else:
    Lines = Annotated[tuple[CartLine, ...], Field(min_length=1, max_length=MAX_LINES), Sequenced]
    Adjustments = Annotated[tuple[Adjustment, ...], Field(max_length=100), Sequenced]


@value
class Cart:
    """A cart as the shop priced it: 1 to 500 lines in one currency.

    ``revision`` is the cart's own version, where the shop has one: at most one live order exists per
    (scope, cart_id, revision), for the life of the order (ORDER-3, protocol 5.2). Without it the guard holds while the
    order is open and for ``Settings.cart_guard_seconds`` after confirmation.
    ``total``, where given, must equal lines + tax + shipping - discounts to the last minor unit.
    """

    cart_id: Name
    currency: str
    lines: Lines
    adjustments: Adjustments = ()
    revision: Annotated[str, Field(max_length=128, pattern=r"^[^\x00-\x1f\x7f]*$")] = ""
    total: Money | None = None

    @model_validator(mode="after")
    def _adds_up(self) -> Cart:
        if any(m.currency != self.currency for m in self._amounts()):
            raise ValueError("every amount must be in the cart's currency")
        payable = self._payable_minor()
        if not 0 <= payable <= MAX_MINOR:
            raise ValueError("lines + tax + shipping - discounts must be between 0 and the largest amount")
        if self.total is not None and self.total.minor != payable:
            raise ValueError("total must equal lines + tax + shipping - discounts")
        return self

    @property
    def payable(self) -> Money:
        """What the buyer pays: lines + tax + shipping - discounts."""
        return Money(minor=self._payable_minor(), currency=self.currency)

    def same_offer(self, other: Cart) -> bool:
        """Whether both sell the same things at the same prices: the buyer loses nothing by the one for the other."""
        mine, theirs = ((each.cart_id, each.currency, each.lines, each.adjustments) for each in (self, other))
        return mine == theirs

    def _amounts(self) -> list[Money]:
        stated = [] if self.total is None else [self.total]
        return [line.price for line in self.lines] + [each.amount for each in self.adjustments] + stated

    def _payable_minor(self) -> int:
        lines = sum(line.price.minor * line.qty for line in self.lines)
        return lines + sum(each.signed_minor for each in self.adjustments)


@value
class CartReference:
    """A cart that the shop keeps under ``cart_id``: the checkout's ``CartSource`` gives its lines and prices of now.

    ``revision``, where given, is the one that the buyer has seen: a cart that has another by now is refused.
    """

    cart_id: Name
    revision: Annotated[str, Field(max_length=128, pattern=r"^[^\x00-\x1f\x7f]*$")] = ""
