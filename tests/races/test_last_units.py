"""The last units: as many buyers as fit are confirmed, the others are refused and charged nothing (STOCK-2)."""

from __future__ import annotations

from collections import Counter

from checkout_core import Confirmed, OrderStatus, OutOfStock, Refused
from tests.races.books import charges
from tests.races.requests import request
from tests.races.stage import ALONE, OpenStage

BUYERS = 64
UNITS = 10


def test_sixty_four_buyers_for_ten_units(open_stage: OpenStage) -> None:
    stage = open_stage({"last": UNITS})

    answers = stage.race([request(f"buyer {number}", {"last": 1}) for number in range(BUYERS)])

    confirmed = [each for each in answers if isinstance(each, Confirmed)]
    refused = [each for each in answers if isinstance(each, Refused)]
    assert (len(confirmed), len(refused)) == (UNITS, BUYERS - UNITS)
    assert all(isinstance(each.reason, OutOfStock) for each in refused)
    orders = stage.settled()
    assert Counter(order.status for order in orders) == {
        OrderStatus.CONFIRMED: UNITS,
        OrderStatus.FAILED: BUYERS - UNITS,
    }
    assert stage.shop.store.inventory.available("last") == 0
    taken = charges(stage.shop.bank)
    assert all(taken[each.order_id] == 1 for each in confirmed)
    assert not any(each.order_id in taken for each in refused)


@ALONE
def test_units_that_declined_buyers_give_back_are_sold_to_others(open_stage: OpenStage) -> None:
    """Two waves: the first buyers hold everything and are declined; whoever comes then gets all of it."""
    stage = open_stage({"last": UNITS})

    declined = stage.race([request(f"poor {number}", {"last": 1}, token="tok_decline") for number in range(BUYERS)])
    bought = stage.race([request(f"rich {number}", {"last": 1}) for number in range(BUYERS)])

    assert not any(isinstance(each, Confirmed) for each in declined)
    assert sum(isinstance(each, Confirmed) for each in bought) == UNITS
    stage.settled()
    assert stage.shop.store.inventory.available("last") == 0


@ALONE
def test_a_cart_takes_all_its_lines_or_none(open_stage: OpenStage) -> None:
    """Every cart needs three units of each of two items, of which the second runs out first (STOCK-4)."""
    stage = open_stage({"plenty": 1000, "scarce": 10})
    lines = {"plenty": 3, "scarce": 3}

    answers = stage.race([request(f"buyer {number}", lines) for number in range(BUYERS)])

    assert sum(isinstance(each, Confirmed) for each in answers) == 3
    inventory = stage.shop.store.inventory
    assert (inventory.available("plenty"), inventory.available("scarce")) == (991, 1)
