"""A host's part that goes on after an error of the database: nothing is answered as stored that is not (LIVE-4)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from checkout_core.adapters.sql import SqlStore
from checkout_core.adapters.sql.inventory import JoinedInventory
from checkout_core.adapters.sql.movements import MOVED, Movement, StockAnswer
from checkout_core.adapters.sql.parts import Parts
from checkout_core.adapters.sql.work import Work
from checkout_core.errors import InvariantError
from checkout_core.ports.records import Applied
from checkout_core.testing.till import Till


class Careless(JoinedInventory):
    """Stock elsewhere. Swallows an error of the database, after which ``after`` is done with the transaction."""

    def __init__(self, after: str = "") -> None:
        self._after = after

    def apply(self, work: Work, movements: Sequence[Movement]) -> list[StockAnswer]:
        with suppress(DBAPIError):
            work.connection.execute(text("SELECT * FROM nowhere"))
        if self._after:
            work.connection.exec_driver_sql(self._after)
        return [MOVED for _ in movements]


@contextmanager
def careless(url: str, after: str) -> Iterator[Till]:
    store = SqlStore(url, parts=Parts(inventory=Careless(after)))
    store.migrate()
    yield Till(store)
    store.close()


@pytest.mark.parametrize("stock_first", [False, True])
def test_a_commit_that_the_server_turns_into_a_rollback_is_not_answered_as_stored(
    postgres_url: str, stock_first: bool
) -> None:
    """PostgreSQL answers the COMMIT of a transaction that has failed with ROLLBACK, and with no error."""
    with careless(postgres_url, "") as till:
        assert isinstance(till.store, SqlStore)
        till.store._pool.dialect.fuses = stock_first  # type: ignore[misc]
        purchase = till.purchase({till.unknown_item(): 1})
        (answer,) = till.store.commit([till.opening(purchase)])
        assert isinstance(answer, InvariantError)
        assert till.store.load(purchase.saga_id) is None


def test_nothing_is_stored_once_the_database_has_ended_the_transaction(sql_url: str) -> None:
    """As MariaDB does after a deadlock: what follows would be stored statement by statement."""
    with careless(sql_url, "ROLLBACK") as till:
        purchase = till.purchase({till.unknown_item(): 1})
        (answer,) = till.store.commit([till.opening(purchase)])
        assert isinstance(answer, InvariantError)
        engine = create_engine(sql_url, poolclass=NullPool)
        with engine.connect() as connection:
            for table in ("sagas", "keys", "guards", "orders", "journal"):
                assert connection.execute(text(f"SELECT count(*) FROM checkout_{table}")).scalar_one() == 0
        engine.dispose()


def test_an_error_that_the_database_forgives_does_no_harm(mariadb_url: str) -> None:
    """On MariaDB only the statement fails."""
    with careless(mariadb_url, "") as till:
        purchase = till.purchase({till.unknown_item(): 1})
        assert isinstance(till.commit(till.opening(purchase)), Applied)
        assert till.store.load(purchase.saga_id) is not None
