"""What ``Checkout.execute`` answers: a closed union. A business refusal is a value, never an exception."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from checkout_core.domain.cart import Cart
from checkout_core.domain.order import Order, OrderStatus
from checkout_core.errors import NotConfirmedError


class DeclineKind(StrEnum):
    """What the buyer can do about a decline."""

    HARD = "hard"
    SOFT = "soft"
    FIX_INPUT = "fix_input"
    FRAUD = "fraud"


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentDeclined:
    """No money moved. ``code`` is the provider's own; a new try is a new key."""

    code: str
    kind: DeclineKind


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentNotSent:
    """The provider was never reached, or refused to act; no money moved and none will."""

    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shortage:
    item_id: str
    location: str
    wanted: int
    available: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OutOfStock:
    """The order is stored as FAILED and holds nothing."""

    lines: tuple[Shortage, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CartTaken:
    """Another live order has this cart. ``order_id`` is given only if it is the same buyer's and the same cart's."""

    order_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CartChanged:
    """The shop's cart is not what the buyer saw. Nothing was stored; the same key may be used again.

    ``cart``: the cart as it is now, to be shown to the buyer; None where there is none any more.
    """

    cart: Cart | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRefused:
    step: str
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expired:
    """The buyer did not act in time; the provider's session was closed first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderUnavailable:
    """The provider's circuit is open. Nothing was stored; the same key may be used again."""

    provider: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderClosed:
    """The key's order was confirmed once and has since been cancelled, refunded or lost its payment."""

    status: OrderStatus


Reason: TypeAlias = (
    PaymentDeclined
    | PaymentNotSent
    | OutOfStock
    | CartChanged
    | CartTaken
    | StepRefused
    | Expired
    | ProviderUnavailable
    | OrderClosed
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmed:
    """Paid and reserved for good: ship it. ``replayed`` says that an earlier call with the key did the work."""

    order_id: str
    status: OrderStatus
    order: Order
    replayed: bool = False

    def expect_confirmed(self) -> Confirmed:
        """This result. On every other kind of result the same call raises :class:`NotConfirmedError`."""
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class _NotConfirmed:
    order_id: str
    status: OrderStatus
    replayed: bool = False

    def expect_confirmed(self) -> Confirmed:
        """Raises :class:`NotConfirmedError`: code that ignores the result must not ship unpaid goods."""
        raise NotConfirmedError(f"order {self.order_id or '(none)'} is {self.status}: {type(self).__name__}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionRequired(_NotConfirmed):
    """The buyer must act (3-D Secure, redirect), then call ``resume``."""

    action_url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending(_NotConfirmed):
    """Not decided yet: the provider decides later, its answer is unknown, or another call is at work. Ask again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused(_NotConfirmed):
    """Not sold, and nothing is owed. ``order_id`` is '' where nothing was stored."""

    reason: Reason


CheckoutResult: TypeAlias = Confirmed | ActionRequired | Pending | Refused
