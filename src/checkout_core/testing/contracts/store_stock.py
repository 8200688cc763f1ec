"""Stock in the store: each unit is counted once (STOCK-1 to STOCK-4), and the warehouse's ledger."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import cast

import pytest

from checkout_core.domain.order import OrderStatus, StockState
from checkout_core.errors import InvalidRequestError
from checkout_core.ports.records import Applied, CommitStock, Phase, ReleaseStock, Short
from checkout_core.testing.till import Place, Till
from checkout_core.testing.transactions import Ending, Purchase, saving


class StockClauses:
    """Part of ``StoreContract``."""

    def test_each_unit_is_available_held_or_committed(self, till: Till) -> None:
        """STOCK-1, STOCK-3: along opening, confirming and undoing."""
        item = till.item(5)
        kept, undone = till.opened({item: 2}), till.opened({item: 1})
        assert _balance(till, item) == (2, 5, 3, 0)
        till.stored(till.ending(kept, Ending.CONFIRM))
        till.stored(till.ending(undone, Ending.DECLINE))
        assert _balance(till, item) == (3, 5, 0, 2)
        assert (_stock(till, kept), _stock(till, undone)) == (StockState.COMMITTED, StockState.RELEASED)

    def test_a_second_release_adds_nothing(self, till: Till) -> None:
        """STOCK-3: released stock stays released."""
        item = till.item(3)
        bought = till.opened({item: 2})
        release = ReleaseStock(lines=bought.lines)
        for version in (1, 2, 3):
            till.stored(till.writing(bought, release, saving(), version=version))
        assert _balance(till, item) == (3, 3, 0, 0)

    def test_committed_stock_is_not_released_and_released_stock_not_committed(self, till: Till) -> None:
        """STOCK-3: each hold is committed or released exactly once."""
        item = till.item(3)
        kept, undone = till.opened({item: 2}), till.opened({item: 1})
        till.stored(till.writing(kept, CommitStock(), saving()))
        till.stored(till.writing(kept, ReleaseStock(lines=kept.lines), saving(), version=2))
        till.stored(till.writing(undone, ReleaseStock(lines=undone.lines), saving()))
        till.stored(till.writing(undone, CommitStock(), saving(), version=2))
        assert _balance(till, item) == (1, 3, 0, 2)
        assert (_stock(till, kept), _stock(till, undone)) == (StockState.COMMITTED, StockState.RELEASED)

    def test_an_order_that_never_held_stock_has_none_to_give(self, till: Till) -> None:
        """STOCK-3."""
        bought = till.opened()
        till.stored(till.writing(bought, ReleaseStock(lines=()), CommitStock(), saving()))
        assert _stock(till, bought) is StockState.NONE

    def test_a_late_success_takes_guard_and_stock_again_in_one_commit(self, till: Till) -> None:
        """Protocol 4.8, STOCK-1."""
        item = till.item(2)
        bought = till.opened({item: 2})
        till.stored(till.ending(bought, Ending.PRESUME))
        till.stored(till.ending(bought, Ending.LATE, version=2, token=till.claim(bought)))
        assert _balance(till, item) == (0, 2, 0, 2)
        assert _status(till, bought) is OrderStatus.CONFIRMED
        rival = till.commit(till.opening(till.purchase(cart_id=bought.cart_id)))
        assert not isinstance(rival, Applied)

    def test_a_late_success_without_stock_takes_neither(self, till: Till) -> None:
        """Protocol 4.8: the alternative is stored; others keep the units and may have the cart."""
        item = till.item(2)
        bought = till.opened({item: 2})
        till.stored(till.ending(bought, Ending.PRESUME))
        till.opened({item: 1})
        answer = till.short(till.ending(bought, Ending.LATE, version=2, token=till.claim(bought)))
        assert [line.available for line in answer.lines] == [1]
        assert _balance(till, item) == (1, 2, 1, 0)
        assert _stock(till, bought) is StockState.RELEASED
        assert [each.operation_id for each in till.file(bought).operations] == ["charge-1", "refund-2"]
        assert till.file(bought).saga.phase is Phase.RUNNING
        till.stored(till.opening(till.purchase(cart_id=bought.cart_id)))

    def test_buyers_at_once_get_exactly_what_there_is(self, till: Till) -> None:
        """STOCK-2, LIVE-4: from eight threads, over crossed items."""
        items = [till.item(7), till.item(9), till.item(8)]
        wants = [{items[n % 3]: 1, items[(n + 1 + n % 2) % 3]: 1} for n in range(32)]
        batches = [[till.opening(till.purchase(want)) for want in wants[n : n + 2]] for n in range(0, 32, 2)]
        with ThreadPoolExecutor(8) as pool:
            answers = [answer for given in pool.map(till.store.commit, batches) for answer in given]
        assert {type(answer) for answer in answers} == {Applied, Short}
        balances = [till.balance(item) for item in items]
        assert sum(balance.held for balance in balances) == 2 * sum(isinstance(each, Applied) for each in answers)
        assert all(balance.available == balance.received - balance.held >= 0 for balance in balances)
        assert sum(balance.available == 0 for balance in balances) >= 2

    def test_the_last_units_go_to_as_many_buyers_as_there_are_units(self, till: Till) -> None:
        """STOCK-2: 32 single-unit buyers in 8 threads for 10 units."""
        item = till.item(10)
        openings = [till.opening(till.purchase({item: 1})) for _ in range(32)]
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(till.commit, openings))
        assert sum(isinstance(answer, Applied) for answer in answers) == 10
        assert sum(isinstance(answer, Short) for answer in answers) == 22
        assert _balance(till, item) == (0, 10, 10, 0)

    def test_the_free_quantity_is_set_beside_what_is_held(self, till: Till) -> None:
        """Protocol 7.5, STOCK-1: one ledger entry of the difference."""
        item = till.item(5)
        till.opened({item: 2})
        till.store.inventory.set_available(item[0], 10, location=item[1])
        assert _balance(till, item) == (10, 12, 2, 0)
        till.store.inventory.set_available(item[0], 0, location=item[1])
        assert _balance(till, item) == (0, 2, 2, 0)

    def test_units_are_added_and_taken_away(self, till: Till) -> None:
        """Protocol 7.5: also to an item that the store has not known."""
        item = till.unknown_item()
        inventory = till.store.inventory
        assert inventory.available(item[0], location=item[1]) is None
        inventory.adjust(item[0], 5, location=item[1])
        inventory.adjust(item[0], -2, location=item[1])
        assert inventory.available(item[0], location=item[1]) == 3
        assert inventory.available(item[0], location="elsewhere") is None
        assert _balance(till, item) == (3, 3, 0, 0)

    def test_no_more_is_taken_away_than_is_available(self, till: Till) -> None:
        """STOCK-1: held units cannot be taken; a refusal changes nothing."""
        item = till.item(5)
        till.opened({item: 2})
        for delta in (-4, -1000):
            with pytest.raises(InvalidRequestError):
                till.store.inventory.adjust(item[0], delta, location=item[1])
        with pytest.raises(InvalidRequestError):
            till.store.inventory.set_available(item[0], -1, location=item[1])
        unknown = till.unknown_item()
        with pytest.raises(InvalidRequestError):
            till.store.inventory.adjust(unknown[0], -1, location=unknown[1])
        assert _balance(till, item) == (3, 5, 2, 0)
        assert till.store.inventory.available(unknown[0], location=unknown[1]) is None

    def test_an_adjustment_is_entered_once(self, till: Till) -> None:
        """Protocol 7.5: a repeat under the same id changes nothing."""
        item = till.item(5)
        inventory = till.store.inventory
        one, two = till.token(), till.token()
        for _ in range(2):
            inventory.adjust(item[0], 3, location=item[1], adjustment_id=one)
        assert inventory.available(item[0], location=item[1]) == 8
        inventory.set_available(item[0], 1, location=item[1], adjustment_id=two)
        inventory.adjust(item[0], 1, location=item[1])
        inventory.set_available(item[0], 1, location=item[1], adjustment_id=two)
        assert _balance(till, item) == (2, 2, 0, 0)

    @pytest.mark.parametrize("units", [2.5, 0.5, True, "3", None, 10**13])
    def test_units_of_stock_are_whole(self, till: Till, units: object) -> None:
        """STOCK-1, SAFE-2: half a unit is refused, and nothing is rounded."""
        item = till.item(5)
        with pytest.raises(InvalidRequestError):
            till.store.inventory.set_available(item[0], cast("int", units), location=item[1])
        with pytest.raises(InvalidRequestError):
            till.store.inventory.adjust(item[0], cast("int", units), location=item[1])
        assert _balance(till, item) == (5, 5, 0, 0)

    def test_an_adjustment_id_is_not_used_for_two_items(self, till: Till) -> None:
        """Protocol 7.5: one delivery note for many lines would lose all lines but the first."""
        one, other, note = till.item(1), till.item(1), till.token()
        till.store.inventory.adjust(one[0], 3, location=one[1], adjustment_id=note)
        with pytest.raises(InvalidRequestError, match="another item"):
            till.store.inventory.adjust(other[0], 3, location=other[1], adjustment_id=note)
        assert (_balance(till, one), _balance(till, other)) == ((4, 4, 0, 0), (1, 1, 0, 0))

    def test_balances_come_in_order_of_item_and_location(self, till: Till) -> None:
        """Compared bytewise."""
        places = [(f"{till.names.scope}{name}", where) for name in ("b", "B", "a", "b ") for where in ("x", "")]
        for item_id, location in places:
            till.store.inventory.set_available(item_id, 1, location=location)
        found = [(row.item_id, row.location) for row in till.store.stock_balances()]
        assert [place for place in found if place in places] == sorted(places)


def _balance(till: Till, place: Place) -> tuple[int, int, int, int]:
    """(available, received, held, committed)"""
    row = till.balance(place)
    return row.available, row.received, row.held, row.committed


def _stock(till: Till, bought: Purchase) -> StockState | None:
    order = till.file(bought).order
    return None if order is None else order.stock


def _status(till: Till, bought: Purchase) -> OrderStatus | None:
    order = till.file(bought).order
    return None if order is None else order.status
