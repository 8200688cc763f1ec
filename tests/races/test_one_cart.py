"""One cart under many keys: one live order, whatever the keys (ORDER-3)."""

from __future__ import annotations

import pytest

from checkout_core import CartTaken, Confirmed, Refused
from tests.races.requests import request
from tests.races.stage import ALONE, OpenStage

KEYS = 32


@pytest.mark.parametrize("revision", ["", "7"], ids=["without a revision", "with a revision"])
def test_a_cart_under_thirty_two_keys_is_ordered_once(open_stage: OpenStage, revision: str) -> None:
    stage = open_stage({"shirt": 100})

    answers = stage.race(
        [
            request(f"key {number}", {"shirt": 1}, cart_id="the cart", revision=revision, token="tok_slow:0.05s")
            for number in range(KEYS)
        ]
    )

    (confirmed,) = (each for each in answers if isinstance(each, Confirmed))
    taken = [each for each in answers if isinstance(each, Refused)]
    assert len(taken) == KEYS - 1
    # The same buyer with the same lines may know which order has the cart.
    assert {each.reason for each in taken} == {CartTaken(order_id=confirmed.order_id)}
    assert [order.order_id for order in stage.settled()] == [confirmed.order_id]
    assert stage.shop.store.inventory.available("shirt") == 99


@ALONE
def test_a_cart_whose_order_was_declined_can_be_bought(open_stage: OpenStage) -> None:
    stage = open_stage({"shirt": 100})

    stage.race([request("first", {"shirt": 1}, cart_id="the cart", token="tok_decline")])
    answers = stage.race([request(f"key {number}", {"shirt": 1}, cart_id="the cart") for number in range(KEYS)])

    assert sum(isinstance(each, Confirmed) for each in answers) == 1
    assert len(stage.settled()) == 2


@ALONE
def test_whoever_loses_the_cart_to_another_buyer_does_not_learn_the_order(open_stage: OpenStage) -> None:
    stage = open_stage({"shirt": 100})

    answers = stage.race(
        [request(f"key {number}", {"shirt": number + 1}, cart_id="the cart") for number in range(KEYS)]
    )

    taken = [each for each in answers if isinstance(each, Refused)]
    assert len(taken) == KEYS - 1
    assert {each.reason for each in taken} == {CartTaken()}
