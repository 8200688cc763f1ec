"""SQLite has no clock of its own: the host's may jump back, ours may not (protocol 3.3)."""

from __future__ import annotations

import logging

import pytest

from checkout_core.adapters.sql import SqlStore
from checkout_core.adapters.sql.dialects.sqlite import SQLite
from checkout_core.adapters.sql.dialects.steady_clock import SteadyClock
from checkout_core.testing.till import Till


class Wall:
    def __init__(self) -> None:
        self.seconds = 1_800_000_000.0

    def __call__(self) -> float:
        return self.seconds


def store_by(wall: Wall, url: str) -> SqlStore:
    store = SqlStore(url)
    dialect = store._pool.dialect
    assert isinstance(dialect, SQLite)
    dialect._clock = SteadyClock(wall)
    store.migrate()
    return store


def test_a_lease_does_not_grow_when_the_clock_jumps_back(sqlite_url: str, caplog: pytest.LogCaptureFixture) -> None:
    wall = Wall()
    store = store_by(wall, sqlite_url)
    till = Till(store)
    purchase = till.opened(lease_seconds=60.0)
    wall.seconds += 50.0
    till.opened()  # another process writes at that time
    wall.seconds -= 3600.0
    with caplog.at_level(logging.WARNING, logger="checkout_core.sql"):
        till.opened()
    assert "the host's clock is 3600.0 s behind" in caplog.text
    assert till.file(purchase).saga.lease_seconds == pytest.approx(10.0)
    assert not store.claim_one(purchase.saga_id, token="t", lease_seconds=1.0)
    wall.seconds += 11.0
    assert store.claim_one(purchase.saga_id, token="t", lease_seconds=1.0)
    store.close()


def test_leases_end_although_the_clock_had_been_a_day_ahead(sqlite_url: str) -> None:
    """LIVE-1: set right again, it does not keep a dead worker's saga for a day."""
    wall = Wall()
    store = store_by(wall, sqlite_url)
    till = Till(store)
    wall.seconds += 86_400.0
    till.opened()
    wall.seconds -= 86_400.0
    purchase = till.opened(lease_seconds=60.0)
    wall.seconds += 59.0
    assert not store.claim_one(purchase.saga_id, token="t", lease_seconds=1.0)
    wall.seconds += 6.0
    assert store.claim_one(purchase.saga_id, token="t", lease_seconds=1.0)
    store.close()


def test_another_process_goes_on_from_what_was_stored_too(sqlite_url: str) -> None:
    wall = Wall()
    wall.seconds += 86_400.0
    first = store_by(wall, sqlite_url)
    purchase = Till(first).opened(lease_seconds=60.0)
    wall.seconds -= 86_400.0
    first.close()
    second = store_by(wall, sqlite_url)
    assert not second.claim_one(purchase.saga_id, token="t", lease_seconds=1.0)
    wall.seconds += 65.0
    assert second.claim_one(purchase.saga_id, token="t", lease_seconds=1.0)
    second.close()


def test_time_comes_back_to_the_hosts_clock(sqlite_url: str) -> None:
    wall = Wall()
    store = store_by(wall, sqlite_url)
    till = Till(store)
    wall.seconds += 60.0
    till.opened()
    wall.seconds -= 60.0
    stored = [till.file(till.opened()).journal[0].at.timestamp() for _ in range(2)]
    assert stored == [wall.seconds + 60.0] * 2
    wall.seconds += 16 * 60.0
    assert till.file(till.opened()).journal[0].at.timestamp() == wall.seconds
    store.close()


def test_what_one_process_has_written_binds_another_whose_clock_is_behind(sqlite_url: str) -> None:
    ahead, behind = Wall(), Wall()
    ahead.seconds += 100.0
    first, second = store_by(ahead, sqlite_url), store_by(behind, sqlite_url)
    purchase = Till(first).opened(lease_seconds=0.0)
    assert second.claim_one(purchase.saga_id, token="t", lease_seconds=1.0)
    rows = [each.journal[0].at.timestamp() for each in (Till(second).file(purchase),)]
    assert rows == [ahead.seconds]
    first.close()
    second.close()
