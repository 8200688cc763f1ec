"""Workers that write the same sagas in full batches never deadlock, whoever has them, by the databases' own counters
(protocol 2.6, 3.2, LIVE-4)."""

from __future__ import annotations

from functools import partial

import pytest

from checkout_core.adapters.sql import SqlStore
from checkout_core.ports.records import Applied, VersionConflict
from checkout_core.testing.till import Till
from checkout_core.testing.transactions import Ending, Purchase
from tests.races.counters import deadlocks_during
from tests.races.shops import run_threads

SAGAS = 64
STORES = 5
BATCHES = 60
ROUNDS = 5
"""MariaDB counts for the whole server, on which other tests may make deadlocks of their own. One of ours would also be
met by us, which is never forgiven."""


def test_workers_that_have_lost_their_sagas_never_deadlock(server_url: str) -> None:
    """Half of them repeat what the provider said, half announce that they send again: two changes of one table."""
    for _ in range(ROUNDS):
        found = deadlocks_during(server_url, partial(_contend, server_url))
        assert found.met == 0
        if found.on_server == 0:
            return
    pytest.fail("the server counted deadlocks in every round")


def _contend(url: str) -> None:
    stores = [SqlStore(url) for _ in range(STORES)]
    try:
        stores[0].migrate()
        till = Till(stores[0])
        purchases = [till.opened(lease_seconds=0.0) for _ in range(SAGAS)]
        owners = [till.claim(each) for each in purchases]
        stale = [partial(_write_stale, store, till, purchases, turn) for turn, store in enumerate(stores[1:])]
        run_threads([partial(_write, stores[0], till, purchases, owners), *stale])
    finally:
        for store in stores:
            store.close()


def _write_stale(store: SqlStore, till: Till, purchases: list[Purchase], turn: int) -> None:
    for number in range(turn, turn + BATCHES):
        kinds = [(Ending.UNKNOWN, Ending.RESEND)[(number + place) % 2] for place in range(len(purchases))]
        batch = [till.ending(each, kind) for each, kind in zip(purchases, kinds, strict=True)]
        assert {*map(type, store.commit(batch))} == {VersionConflict}


def _write(store: SqlStore, till: Till, purchases: list[Purchase], owners: list[str]) -> None:
    for version in range(1, BATCHES):
        mine = [(each, token) for each, token in zip(purchases, owners, strict=True)]
        batch = [till.ending(each, Ending.UNKNOWN, version=version, token=token) for each, token in mine]
        assert {*map(type, store.commit(batch))} == {Applied}
