"""The outbox's contract on every database, and on PostgreSQL both ways of a batch."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from checkout_core.adapters.sql import SqlStore
from checkout_core.testing.contracts.outbox import OutboxContract
from checkout_core.testing.till import Till
from checkout_core.testing.transactions import Ending
from tests.servers import databases


@pytest.fixture(scope="module", params=["postgres", "mariadb", "sqlite"])
def shared_store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqlStore]:
    """One database of each kind for all clauses: their names differ."""
    if request.param == "sqlite":
        yield from _migrated(f"sqlite:///{tmp_path_factory.mktemp('outbox') / 'shop.db'}")
    else:
        with databases.own_database(request.getfixturevalue(f"{request.param}_server")) as url:
            yield from _migrated(url)


@pytest.fixture(scope="module")
def long_way_store(postgres_server: str) -> Iterator[SqlStore]:
    """PostgreSQL without the one optimistic statement."""
    with databases.own_database(postgres_server) as url:
        for store in _migrated(url):
            store._pool.dialect.fuses = False  # type: ignore[misc]
            yield store


def _migrated(url: str) -> Iterator[SqlStore]:
    store = SqlStore(url)
    store.migrate()
    yield store
    store.close()


class TestSqlOutbox(OutboxContract):
    @pytest.fixture
    def store(self, shared_store: SqlStore) -> SqlStore:
        return shared_store


class TestSqlOutboxTheLongWay(OutboxContract):
    @pytest.fixture
    def store(self, long_way_store: SqlStore) -> SqlStore:
        return long_way_store


def test_without_a_sink_an_event_is_one_row(sql_url: str) -> None:
    """EVENT-1: nothing is paid for deliveries that nobody asked for."""
    for store in _migrated(sql_url):
        till = Till(store)
        till.stored(till.ending(till.opened(), Ending.CONFIRM))
        with create_engine(sql_url, poolclass=NullPool).connect() as connection:
            count = "SELECT (SELECT count(*) FROM checkout_outbox), (SELECT count(*) FROM checkout_deliveries)"
            assert tuple(connection.execute(text(count)).one()) == (1, 0)
