"""The store port's contract on every database, and on PostgreSQL both ways of a batch."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from checkout_core.adapters.sql import SqlStore
from checkout_core.ports.store import Store
from checkout_core.testing.contracts.store import StoreContract


class TestSqlStore(StoreContract):
    @pytest.fixture
    def store(self, sql_url: str) -> Iterator[Store]:
        store = SqlStore(sql_url)
        store.migrate()
        yield store
        store.close()


class TestSqlStoreTheLongWay(StoreContract):
    """PostgreSQL without the one optimistic statement: what it falls back to must answer the same."""

    @pytest.fixture
    def store(self, postgres_url: str) -> Iterator[Store]:
        store = SqlStore(postgres_url)
        store._pool.dialect.fuses = False  # type: ignore[misc]
        store.migrate()
        yield store
        store.close()
