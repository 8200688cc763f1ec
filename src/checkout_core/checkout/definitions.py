"""Which versions of the checkout this process knows. One opens new orders; each goes on with the orders it opened."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from checkout_core.checkout.recipe import RECIPES
from checkout_core.checkout.shop import Shop
from checkout_core.checkout.state import CheckoutState
from checkout_core.errors import ConfigurationError
from checkout_core.ports.store import SagaRow
from checkout_core.saga.definition import Definition


@lru_cache(maxsize=8)
def definitions(shop: Shop) -> Mapping[tuple[str, int], Definition[CheckoutState]]:
    """By name and version, the one that opens first. Two under one name and version: :class:`ConfigurationError`."""
    known: dict[tuple[str, int], Definition[CheckoutState]] = {}
    for recipe in shop.recipes or RECIPES:
        made = recipe(shop)
        if known.setdefault((made.name, made.version), made) is not made:
            raise ConfigurationError(f"expected one {made.name} of version {made.version}, found two")
    return known


def newest(shop: Shop) -> Definition[CheckoutState]:
    """What opens a new order."""
    return next(iter(definitions(shop).values()))


def definition_of(shop: Shop, saga: SagaRow) -> Definition[CheckoutState] | None:
    """What opened the saga, and alone may run it; None: this process must leave it alone (protocol 3.6)."""
    return definitions(shop).get((saga.definition, saga.definition_version))
