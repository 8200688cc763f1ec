"""One key from many callers at once: one order, one charge, and everybody gets that order (ORDER-1, ORDER-2)."""

from __future__ import annotations

from checkout_core import Confirmed, IdempotencyConflictError, PaymentDeclined, Refused
from tests.races.books import charges
from tests.races.requests import request
from tests.races.stage import ALONE, OpenStage

CALLERS = 32
SLOW = "tok_slow:0.05s"
"""The bank answers after 50 ms: everybody is there before the first has an answer."""


def test_thirty_two_callers_with_one_key_get_one_order(open_stage: OpenStage) -> None:
    stage = open_stage({"shirt": 100})

    answers = stage.race([request("the key", {"shirt": 1}, token=SLOW)] * CALLERS)

    confirmed = [each for each in answers if isinstance(each, Confirmed)]
    assert len(confirmed) == CALLERS, [each for each in answers if not isinstance(each, Confirmed)]
    (order,) = stage.settled()
    assert [each.order_id for each in confirmed] == [order.order_id] * CALLERS
    assert [each.order for each in confirmed] == [confirmed[0].order] * CALLERS
    assert sum(not each.replayed for each in confirmed) == 1
    assert charges(stage.shop.bank)[order.order_id] == 1
    assert stage.shop.bank.sends_of(stage.shop.bank.ledger()[0].key) == 1
    assert stage.shop.store.inventory.available("shirt") == 99


@ALONE
def test_a_decline_is_the_answer_of_every_caller(open_stage: OpenStage) -> None:
    stage = open_stage({"shirt": 100})

    answers = stage.race([request("the key", {"shirt": 1}, token="tok_decline")] * CALLERS)

    refused = [each for each in answers if isinstance(each, Refused)]
    assert len(refused) == CALLERS
    assert len({each.order_id for each in refused}) == 1
    assert all(isinstance(each.reason, PaymentDeclined) for each in refused)
    assert len(stage.settled()) == 1


@ALONE
def test_a_key_with_other_requests_serves_only_the_first_of_them(open_stage: OpenStage) -> None:
    stage = open_stage({"shirt": 100})

    answers = stage.race(
        [request("the key", {"shirt": number + 1}, cart_id=f"cart {number}") for number in range(CALLERS)]
    )

    assert sum(isinstance(each, Confirmed) for each in answers) == 1
    assert sum(isinstance(each, IdempotencyConflictError) for each in answers) == CALLERS - 1
    assert len(stage.settled()) == 1


def test_keys_compare_bytewise(open_stage: OpenStage) -> None:
    """'Abc', 'abc' and 'abc ' are three keys, and so are carts of these names three carts."""
    stage = open_stage({"shirt": 100})
    names = ["Abc", "abc", "abc ", " abc", "aBc", "abc  "]

    answers = stage.race([request(name, {"shirt": 1}, cart_id=name) for name in names for _ in range(4)])

    confirmed = [each for each in answers if isinstance(each, Confirmed)]
    assert len(confirmed) == len(answers)
    orders = stage.settled()
    assert sorted(order.cart_id for order in orders) == sorted(names)
    by_name = [{each.order_id for each in confirmed[4 * place : 4 * place + 4]} for place in range(len(names))]
    assert [len(ids) for ids in by_name] == [1] * len(names)
    assert len(set.union(*by_name)) == len(names)


@ALONE
def test_items_compare_bytewise(open_stage: OpenStage) -> None:
    stage = open_stage({"Abc": 1, "abc": 1, "abc ": 1})

    answers = stage.race([request(f"{item} {n}", {item: 1}) for item in stage.stock for n in range(4)])

    assert sum(isinstance(each, Confirmed) for each in answers) == 3
    stage.settled()
    assert [stage.shop.store.inventory.available(item) for item in stage.stock] == [0, 0, 0]
