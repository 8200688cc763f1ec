"""Before an order is opened: the shop's own cart, as it is now, is what is sold (ORDER-4)."""

from __future__ import annotations

from enum import Enum, auto
from typing import TypeAlias

from checkout_core.checkout.shop import Shop
from checkout_core.domain.cart import Cart, CartReference
from checkout_core.domain.request import CheckoutRequest
from checkout_core.domain.result import CartChanged
from checkout_core.domain.value import evolve
from checkout_core.errors import InvalidRequestError, Problem
from checkout_core.ports.cart_source import CartQuery, NoCart
from checkout_core.saga.effects import Call

CART_SOURCE = "carts"
"""The driver's name for the port."""


class Unpriced(Enum):
    """The cart source could not say."""

    NOW = auto()


Priced: TypeAlias = CheckoutRequest | CartChanged | Unpriced


async def price(shop: Shop, request: CheckoutRequest) -> Priced:
    """The request with the cart that is sold; or why there is none.

    Raises :class:`InvalidRequestError` for a cart that is named by its id where no source is configured.
    """
    if not shop.has_carts:
        if isinstance(request.cart, CartReference):
            said = "a cart by its id needs a checkout with a CartSource"
            raise InvalidRequestError([Problem("cart", said, well_formed=True)])
        return request
    query = CartQuery(cart_id=request.cart.cart_id, user_id=request.user_id, scope=request.scope)
    timeout = shop.settings.call_timeout_seconds
    found = await Call(CART_SOURCE, "load", query, timeout, float("inf"))
    if isinstance(found, NoCart):
        return CartChanged(cart=None)
    if not isinstance(found, Cart) or found.cart_id != request.cart.cart_id:
        return Unpriced.NOW
    return _as_offered(request, found)


def _as_offered(request: CheckoutRequest, found: Cart) -> CheckoutRequest | CartChanged:
    """What the buyer saw must be what is sold: the cart itself, or the named cart's revision and total."""
    seen = request.cart
    if isinstance(seen, Cart):
        same = seen.same_offer(found) and seen.revision in ("", found.revision)
    else:
        same = seen.revision in ("", found.revision) and request.expected_total in (None, found.payable)
    if not same:
        return CartChanged(cart=found)
    if found.payable.minor > 0 and request.payment_method is None:
        said = "payment_method is needed where the total is not zero"
        raise InvalidRequestError([Problem("payment_method", said, well_formed=True)])
    return evolve(request, cart=found)
