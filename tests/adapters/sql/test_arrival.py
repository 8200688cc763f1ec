"""Stock within one batch: what counts is the order in which the members came (STATE-5)."""

from __future__ import annotations

from checkout_core.ports.records import Applied, Short
from checkout_core.testing.till import Till
from checkout_core.testing.transactions import Ending


def test_what_a_later_member_gives_back_is_not_there_for_an_earlier_one(till: Till) -> None:
    item = till.item(1)
    holder = till.opened({item: 1})
    batch = [till.opening(till.purchase({item: 1})), till.ending(holder, Ending.DECLINE)]
    assert [type(answer) for answer in till.store.commit(batch)] == [Short, Applied]
    assert (till.balance(item).available, till.balance(item).held) == (1, 0)


def test_a_large_cart_that_falls_short_leaves_all_to_smaller_ones_behind_it(till: Till) -> None:
    scarce, plenty = till.item(2), till.item(100)
    large = till.purchase({scarce: 3, plenty: 50})
    small = [till.purchase({scarce: 1, plenty: 40}) for _ in range(3)]
    answers = till.store.commit([till.opening(each) for each in (large, *small)])
    assert [type(answer) for answer in answers] == [Short, Applied, Applied, Short]
    assert (till.balance(scarce).available, till.balance(plenty).available) == (0, 20)


def test_the_last_unit_is_sold_over_and_over_as_it_comes_back(till: Till) -> None:
    item = till.item(1)
    holder = till.opened({item: 1})
    for _ in range(5):
        next_holder = till.purchase({item: 1})
        batch = [till.ending(holder, Ending.DECLINE), till.opening(next_holder), till.opening(till.purchase({item: 1}))]
        assert [type(answer) for answer in till.store.commit(batch)] == [Applied, Applied, Short]
        holder = next_holder
