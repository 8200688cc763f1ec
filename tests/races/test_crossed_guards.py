"""Processes that take, hold, end and drop the guards of the same carts in full batches never deadlock, by the
databases' own counters (protocol 2.6, LIVE-4)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import count

import pytest

from checkout_core.adapters.sql import SqlStore
from checkout_core.ports.records import Applied, FreeGuard, GuardTaken, Record, TakeGuard, Transaction
from checkout_core.testing.till import Till
from checkout_core.testing.transactions import Purchase, saving
from tests.races.counters import deadlocks_during
from tests.races.shops import run_threads

CARTS = tuple(f"cart {number}" for number in range(6))
STORES = 4
BATCHES = 60
BYSTANDERS = 4
ROUNDS = 5
"""MariaDB counts for the whole server, on which other tests may make deadlocks of their own. One of ours would also be
met by us, which is never forgiven."""


def test_carts_that_are_taken_and_freed_by_several_stores_never_deadlock(server_url: str) -> None:
    for _ in range(ROUNDS):
        found = deadlocks_during(server_url, partial(_contend, server_url))
        assert found.met == 0
        if found.on_server == 0:
            return
    pytest.fail("the server counted deadlocks in every round")


def _contend(url: str) -> None:
    stores = [SqlStore(url) for _ in range(STORES)]
    stores[0].migrate()
    till = Till(stores[0])
    rivals = [Rival(store, till, number) for number, store in enumerate(stores)]
    try:
        run_threads([rival.run for rival in rivals])
    finally:
        for store in stores:
            store.close()
    assert all(rival.taken and rival.refused and rival.changed for rival in rivals)


class Rival:
    """Wants every cart in each of its batches, and frees those it has: an opening for each that it does not have."""

    def __init__(self, store: SqlStore, till: Till, number: int) -> None:
        self.taken = self.refused = self.changed = 0
        self._store = store
        self._till = till
        self._turns = count(number)
        self._mine: dict[str, tuple[Purchase, int]] = {}

    def run(self) -> None:
        for _ in range(BATCHES):
            tried = list(self._tries())
            for (cart, purchase, version), answer in zip(tried, self._commit(tried), strict=True):
                self._heed(cart, purchase, version, answer)

    def _tries(self) -> Iterator[tuple[str, Purchase, int]]:
        for cart in CARTS:
            yield cart, *self._mine.get(cart, (self._till.purchase(cart_id=cart), 0))
        for _ in range(BYSTANDERS):
            yield "", self._till.purchase(), 0

    def _commit(self, tried: list[tuple[str, Purchase, int]]) -> list[object]:
        return [*self._store.commit([self._transaction(purchase, version) for _, purchase, version in tried])]

    def _transaction(self, purchase: Purchase, version: int) -> Transaction:
        if version == 0:
            return self._till.opening(purchase)
        change = self._change(purchase, next(self._turns))
        return self._till.writing(purchase, change, saving(), version=version)

    def _change(self, purchase: Purchase, turn: int) -> Record:
        """Hold on, drop, and two ends, of which one will not be over before somebody else looks."""
        where = {"scope": purchase.scope, "cart_id": purchase.cart_id, "revision": ""}
        if turn % 4 == 0:
            return TakeGuard(**where, owner=purchase.owner)
        return FreeGuard(**where, after_seconds=(0.0, 0.0001, 0.002)[turn % 4 - 1])

    def _heed(self, cart: str, purchase: Purchase, version: int, answer: object) -> None:
        if version == 0:
            assert isinstance(answer, Applied | GuardTaken), answer
        if isinstance(answer, GuardTaken):
            self.refused += 1
            self._mine.pop(cart, None)
            return
        assert isinstance(answer, Applied), answer
        if version == 0:
            self.taken += bool(cart)
        else:
            self.changed += 1
        if not cart or version >= 2:
            self._mine.pop(cart, None)
        else:
            self._mine[cart] = (purchase, version + 1)
