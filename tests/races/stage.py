"""One race: a stocked shop, callers at once, and the books afterwards."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

import pytest

from checkout_core import CheckoutRequest, Order
from tests.races.books import assert_settled
from tests.races.requests import CROWD_ITEMS, CROWD_UNITS, bystander
from tests.races.shops import FULL_BATCH, Answer, Shop


class Stage:
    """``stock``: units by item. ``crowded``: a crowd buys beside every race, and fills its batches."""

    def __init__(self, shop: Shop, stock: dict[str, int], *, crowded: bool) -> None:
        self.shop, self.crowded = shop, crowded
        self.stock = stock | dict.fromkeys(CROWD_ITEMS if crowded else (), CROWD_UNITS)
        shop.store.migrate()
        for item, units in self.stock.items():
            shop.store.inventory.set_available(item, units)

    def race(self, requests: Sequence[CheckoutRequest]) -> list[Answer]:
        """What each caller got. Where a crowd buys, the batches held :data:`FULL_BATCH` members in the mean."""
        answers = self.shop.at_once(requests, crowd=bystander if self.crowded else None)
        assert len(answers) == len(requests)
        if self.crowded:
            counted = self.shop.crowded
            assert counted.members / counted.batches >= FULL_BATCH, counted
        return answers

    def settled(self) -> list[Order]:
        """The orders of the race, without the crowd's, after everything was checked that must hold at rest."""
        orders = assert_settled(self.shop.store, self.shop.bank, self.stock)
        return [order for order in orders if not order.cart_id.startswith("cart of crowd ")]


ALONE = pytest.mark.parametrize("crowded", [False], ids=["alone"])
"""For what is told by the callers of the race itself, and needs no crowd."""

OpenStage: TypeAlias = Callable[[dict[str, int]], Stage]
