"""Two versions of the checkout: the library's, and a later one that greets the buyer before anything else."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

from checkout_core.checkout.recipe import RECIPES, checkout
from checkout_core.checkout.shop import Recipe, Shop
from checkout_core.checkout.state import CheckoutState
from checkout_core.saga.definition import Definition
from checkout_core.saga.step import Change, LocalStep

GREETING = "greet_buyer"


@lru_cache(maxsize=64)
def friendlier_checkout(shop: Shop) -> Definition[CheckoutState]:
    """Version 2: its new step stands before the payment, where orders of version 1 have passed already."""
    first = checkout(shop)
    opened, *others = first.steps
    greeting: LocalStep[CheckoutState] = LocalStep(GREETING, run=lambda _: Change())
    return replace(first, version=2, steps=(opened, greeting, *others))


OLD: tuple[Recipe, ...] = RECIPES
"""A process from before the deploy."""
NEW: tuple[Recipe, ...] = (friendlier_checkout, *RECIPES)
"""A process from after it: it opens version 2, and finishes version 1."""
