"""The cart source: where the shop keeps its carts. With one, a cart can be named by its id, and is priced as of now.

Contract, for every adapter:

1. ``load`` gives the cart as the shop would sell it at this moment, or :class:`NoCart`. The cart bears the asked
   ``cart_id``, and its ``revision`` where the shop has revisions.
2. It changes nothing, and may be asked any number of times.
3. It gives up before ``limits.timeout_seconds`` have passed. Whatever it raises means "not known now": nothing is
   stored, and the buyer may try again with the same key.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from checkout_core.domain.cart import Cart
from checkout_core.ports.payment import CallLimits


@dataclass(frozen=True, slots=True, kw_only=True)
class CartQuery:
    """Whose cart is asked for; ``user_id`` '' is a guest."""

    cart_id: str
    user_id: str
    scope: str


@dataclass(frozen=True, slots=True)
class NoCart:
    """There is no cart with this id that this user may buy."""


@runtime_checkable
class CartSource(Protocol):
    """For :class:`Checkout`."""

    def load(self, query: CartQuery, limits: CallLimits) -> Cart | NoCart: ...


class AsyncCartSource(Protocol):
    """For :class:`AsyncCheckout`."""

    async def load(self, query: CartQuery, limits: CallLimits) -> Cart | NoCart: ...
