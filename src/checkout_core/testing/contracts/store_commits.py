"""Clause 1 of the store port: batches, the order of decisions, and refusals that store nothing."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings

from checkout_core.domain.order import FailureReason, OrderStatus, StockState
from checkout_core.domain.result import Shortage
from checkout_core.ports.records import (
    Applied,
    DuplicateKey,
    GuardTaken,
    Phase,
    Short,
    UnknownItems,
    VersionConflict,
)
from checkout_core.ports.store import Store
from checkout_core.testing.contracts.differential import assert_same_as_memory
from checkout_core.testing.names import ALIKE
from checkout_core.testing.stories import Story
from checkout_core.testing.strategies import stories
from checkout_core.testing.till import Till
from checkout_core.testing.transactions import Ending


class CommitClauses:
    """Part of ``StoreContract``. ``stories_told``: examples of the differential test."""

    stories_told = 30

    def test_batches_tell_the_same_story_as_the_memory_store_member_by_member(self, store: Store) -> None:
        """Clause 1, STATE-5: answers and content equal, for generated batches of 1 to 64."""

        @settings(
            max_examples=self.stories_told, deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
        )
        @given(stories())
        def tell(story: Story) -> None:
            assert_same_as_memory(store, story)

        tell()

    def test_two_members_of_one_saga_apply_one_after_the_other(self, till: Till) -> None:
        """Clause 1, STATE-5: the second sees the first; what the first has outdated is a conflict."""
        item = till.item(1)
        bought = till.purchase({item: 1})
        first, second = till.ending(bought, Ending.CONFIRM), till.ending(bought, Ending.DECLINE)
        answers = till.store.commit([till.opening(bought), first, second])
        assert [type(answer) for answer in answers] == [Applied, Applied, VersionConflict]
        order = till.file(bought).order
        assert order is not None
        assert order.status is OrderStatus.CONFIRMED
        assert (till.balance(item).available, till.balance(item).committed) == (0, 1)

    def test_of_one_key_in_a_batch_the_first_member_gets_it(self, till: Till) -> None:
        """Clause 1, ORDER-1: the others learn its order and fingerprint."""
        first = till.purchase()
        rivals = [till.purchase(key=first.key) for _ in range(3)]
        answers = till.store.commit([till.opening(each) for each in (first, *rivals)])
        assert isinstance(answers[0], Applied)
        assert answers[1:] == [DuplicateKey(order_id=first.saga_id, fingerprint=first.fingerprint)] * 3
        assert till.file(first).key == first.key
        assert [till.store.load(each.saga_id) for each in rivals] == [None] * 3

    def test_of_one_cart_in_a_batch_the_first_member_gets_it(self, till: Till) -> None:
        """Clause 1, ORDER-3: the others learn its order and owner."""
        first = till.purchase()
        rivals = [till.purchase(cart_id=first.cart_id) for _ in range(3)]
        answers = till.store.commit([till.opening(each) for each in (first, *rivals)])
        assert isinstance(answers[0], Applied)
        assert answers[1:] == [GuardTaken(order_id=first.saga_id, owner=first.owner)] * 3
        assert till.file(first).saga.version == 1
        assert [till.store.load(each.saga_id) for each in rivals] == [None] * 3

    def test_what_the_first_of_a_cart_gives_back_the_next_in_the_batch_may_take(self, till: Till) -> None:
        """Clause 1: a member that fell short keeps no cart; one that was undone has given it up."""
        item = till.item(1)
        too_much = till.purchase({item: 2})
        fits = till.purchase({item: 1}, cart_id=too_much.cart_id)
        after = till.purchase({item: 1}, cart_id=too_much.cart_id)
        undone = till.ending(fits, Ending.DECLINE)
        batch = [till.opening(too_much), till.opening(fits), undone, till.opening(after)]
        assert [type(answer) for answer in till.store.commit(batch)] == [Short, Applied, Applied, Applied]

    def test_a_refused_cart_takes_no_stock_from_later_members(self, till: Till) -> None:
        """Clause 1, STOCK-2: units are given in order of arrival, all lines or none."""
        item, other = till.item(3), till.item(1)
        wants = [{item: 2, other: 2}, {item: 2}, {item: 2}, {item: 1, other: 1}, {item: 1}]
        answers = till.store.commit([till.opening(till.purchase(each)) for each in wants])
        assert [type(answer) for answer in answers] == [Short, Applied, Short, Applied, Short]
        assert (till.balance(item).available, till.balance(other).available) == (0, 0)

    def test_decisions_are_made_in_the_order_key_guard_unknown_items_shortage(self, till: Till) -> None:
        """Clause 1: the first thing that is wrong is the answer."""
        item, unknown = till.item(1), till.unknown_item()
        holder = till.opened({item: 1})
        all_wrong = till.purchase({item: 1, unknown: 1}, key=holder.key, cart_id=holder.cart_id)
        own_key = till.purchase({item: 1, unknown: 1}, cart_id=holder.cart_id)
        own_cart = till.purchase({item: 1, unknown: 1})
        known = till.purchase({item: 1})
        answers = till.store.commit([till.opening(each) for each in (all_wrong, own_key, own_cart, known)])
        assert answers[0] == DuplicateKey(order_id=holder.saga_id, fingerprint=holder.fingerprint)
        assert answers[1] == GuardTaken(order_id=holder.saga_id, owner=holder.owner)
        assert answers[2] == UnknownItems(items=(unknown,))
        assert isinstance(answers[3], Short)

    def test_a_refusal_stores_nothing(self, till: Till) -> None:
        """Clause 1, SAFE-2: the same opening works once the cause is gone."""
        item, unknown = till.item(2), till.unknown_item()
        refused = till.opening(till.purchase({item: 1, unknown: 1}))
        assert till.commit(refused) == UnknownItems(items=(unknown,))
        assert till.store.load(refused.saga_id) is None
        assert till.balance(item).available == 2
        till.store.inventory.set_available(unknown[0], 1, location=unknown[1])
        till.stored(refused)
        assert till.balance(item).available == 1

    def test_every_unknown_item_is_named(self, till: Till) -> None:
        """Clause 1: an item that is known at another location only is unknown here."""
        known, one, two = till.item(0), till.unknown_item(), till.unknown_item()
        elsewhere = (known[0], "elsewhere")
        answer = till.commit(till.opening(till.purchase({known: 1, one: 1, two: 1, elsewhere: 1})))
        assert isinstance(answer, UnknownItems)
        assert sorted(answer.items) == sorted([one, two, elsewhere])

    def test_a_shortage_names_every_short_line_and_takes_none(self, till: Till) -> None:
        """STOCK-4: all lines or none; each short line with what there is."""
        plenty, few, none = till.item(9), till.item(2), till.item(0)
        answer = till.short(till.opening(till.purchase({plenty: 1, few: 3, none: 1})))
        expected = [
            Shortage(item_id=few[0], location=few[1], wanted=3, available=2),
            Shortage(item_id=none[0], location=none[1], wanted=1, available=0),
        ]
        assert sorted(answer.lines, key=repr) == sorted(expected, key=repr)
        assert [till.balance(each).available for each in (plenty, few, none)] == [9, 2, 0]

    def test_a_shortage_stores_the_alternative_and_nothing_else(self, till: Till) -> None:
        """Clause 1: the order stands as FAILED with its key and its event; cart and stock are free."""
        bought = till.purchase({till.item(0): 1})
        answer = till.short(till.opening(bought))
        file = till.file(bought)
        assert (file.saga.version, file.saga.phase, file.saga.due_in_seconds) == (1, Phase.DONE, None)
        assert (file.key, file.fingerprint) == (bought.key, bought.fingerprint)
        assert file.order is not None
        assert (file.order.status, file.order.reason) == (OrderStatus.FAILED, FailureReason.OUT_OF_STOCK)
        assert file.order.stock is StockState.NONE
        assert file.operations == ()
        assert [row.entries for row in file.journal] == ['["short"]']
        assert [event.type for event in till.store.outbox_of(bought.saga_id)] == ["order.failed.v1"]
        assert answer.at == file.journal[0].at
        till.stored(till.opening(till.purchase(cart_id=bought.cart_id)))

    def test_a_key_belongs_to_its_order_for_ever(self, till: Till) -> None:
        """ORDER-1: also when the order has failed."""
        bought = till.opened()
        till.stored(till.ending(bought, Ending.DECLINE))
        again = till.commit(till.opening(till.purchase(key=bought.key)))
        assert again == DuplicateKey(order_id=bought.saga_id, fingerprint=bought.fingerprint)

    def test_keys_carts_and_items_that_differ_in_bytes_are_different(self, till: Till) -> None:
        """ORDER-1, ORDER-3, protocol 2.6: 'Abc', 'abc' and 'abc ' are three keys, three carts and three items."""
        alike = [name for name in ALIKE if name.isascii()]
        for units, name in enumerate(alike, start=1):
            till.store.inventory.set_available(f"{till.names.scope}{name}", units)
        wants = [(f"{till.names.scope}{name}", "") for name in alike]
        named = [till.purchase({place: 1}, key=name, cart_id=name) for place, name in zip(wants, alike, strict=True)]
        answers = till.store.commit([till.opening(each) for each in named])
        assert [type(answer) for answer in answers] == [Applied] * len(alike)
        assert [till.balance(place).available for place in wants] == list(range(len(alike)))
        for each in named:
            found = till.store.find(each.scope, each.key)
            assert found is not None
            assert found.saga.saga_id == each.saga_id

    def test_a_guard_that_was_given_up_may_be_taken(self, till: Till) -> None:
        """ORDER-3, LIVE-2: after a decline the cart can be checked out again."""
        bought = till.opened()
        till.stored(till.ending(bought, Ending.DECLINE))
        till.stored(till.opening(till.purchase(cart_id=bought.cart_id)))

    def test_a_guard_that_will_be_free_later_is_taken_until_then(self, till: Till) -> None:
        """ORDER-3, protocol 5.2."""
        bought = till.opened()
        till.stored(till.ending(bought, Ending.CONFIRM))
        answer = till.commit(till.opening(till.purchase(cart_id=bought.cart_id)))
        assert answer == GuardTaken(order_id=bought.saga_id, owner=bought.owner)

    def test_nobody_frees_the_guard_of_another_order(self, till: Till) -> None:
        """ORDER-3: an order that lost its cart long ago does not take it from the next."""
        first = till.opened(lease_seconds=0.0)
        till.stored(till.ending(first, Ending.PRESUME))
        second = till.purchase(cart_id=first.cart_id)
        till.stored(till.opening(second))
        till.stored(till.ending(first, Ending.DECLINE, version=2, token=till.claim(first)))
        answer = till.commit(till.opening(till.purchase(cart_id=first.cart_id)))
        assert answer == GuardTaken(order_id=second.saga_id, owner=second.owner)
