"""How a database gets its tables, and which databases this version works with (protocol 7.3)."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import create_engine, inspect, text
from sqlalchemy.pool import NullPool

from checkout_core.adapters.sql import SqlStore, schema, tables
from checkout_core.errors import SchemaVersionError
from checkout_core.testing.till import Till

USES: list[Callable[[Till], object]] = [
    lambda till: till.store.commit([till.opening(till.purchase())]),
    lambda till: till.store.load(till.names.saga(1)),
    lambda till: till.store.claim_due(token="t", lease_seconds=1.0, limit=1),
    lambda till: till.item(1),
]


@pytest.mark.parametrize("use", USES)
def test_a_database_without_tables_is_refused_and_says_what_to_do(sql_url: str, use: Callable[[Till], object]) -> None:
    store = SqlStore(sql_url)
    with pytest.raises(SchemaVersionError, match=r"found none: call store\.migrate\(\)"):
        use(Till(store))
    store.close()


@pytest.mark.parametrize(
    ("version", "advice"), [(schema.OLDEST - 1, "migrate"), (schema.NEWEST + 1, "upgrade checkout-core")]
)
def test_a_schema_outside_the_range_is_refused(sql_url: str, version: int, advice: str) -> None:
    store = SqlStore(sql_url)
    store.migrate()
    engine = create_engine(sql_url, poolclass=NullPool)
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM checkout_schema"))
        connection.execute(text("INSERT INTO checkout_schema (version) VALUES (:version)"), {"version": version})
    with pytest.raises(SchemaVersionError, match=advice):
        store.load(Till(store).names.saga(1))
    store.close()


def test_migrating_again_changes_nothing(sql_url: str) -> None:
    store = SqlStore(sql_url)
    assert [store.migrate(), store.migrate()] == [schema.NEWEST] * 2
    till = Till(store)
    purchase = till.opened()
    assert store.migrate() == schema.NEWEST
    assert store.load(purchase.saga_id) is not None
    store.close()


def test_many_may_migrate_at_once(sql_url: str) -> None:
    stores = [SqlStore(sql_url) for _ in range(4)]
    with ThreadPoolExecutor(len(stores)) as threads:
        assert list(threads.map(SqlStore.migrate, stores)) == [schema.NEWEST] * len(stores)
    for store in stores:
        store.close()


def test_nothing_is_created_before_it_is_asked_for(sql_url: str) -> None:
    store = SqlStore(sql_url)
    with pytest.raises(SchemaVersionError):
        store.load(Till(store).names.saga(1))
    engine = create_engine(sql_url, poolclass=NullPool)
    assert inspect(engine).get_table_names() == []
    store.close()


def test_the_migrated_tables_have_the_columns_that_the_code_names(sql_url: str) -> None:
    store = SqlStore(sql_url)
    store.migrate()
    engine = create_engine(sql_url, poolclass=NullPool)
    columns = {name: {each["name"] for each in inspect(engine).get_columns(name)} for name in tables.metadata.tables}
    named = {name: set(table.c.keys()) for name, table in tables.metadata.tables.items()}
    assert {name: named[name] - columns[name] for name in named} == {name: set() for name in named}
    assert all(name.startswith("checkout_") for name in inspect(engine).get_table_names())
    store.close()


def test_the_database_itself_refuses_to_sell_what_is_not_there(sql_url: str) -> None:
    """STOCK-1 as a constraint: whoever writes."""
    store = SqlStore(sql_url)
    store.migrate()
    item, location = Till(store).item(1)
    engine = create_engine(sql_url, poolclass=NullPool)
    oversell = text("UPDATE checkout_stock SET available_qty = -1 WHERE item_id = :item AND location = :location")
    with pytest.raises(Exception, match=r"(?i)check|constraint"), engine.begin() as connection:
        connection.execute(oversell, {"item": item, "location": location})
    store.close()
