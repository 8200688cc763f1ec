"""In which order a batch takes its locks: the servers' planners would be free to choose (protocol 2.6)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, create_engine, event, text
from sqlalchemy.pool import NullPool

from checkout_core.adapters.sql import SqlStore
from checkout_core.adapters.sql.groups import LOCK_ORDER, STOCK_TAKES
from checkout_core.ports.records import Applied
from checkout_core.testing.till import Till
from checkout_core.testing.transactions import Ending

RECORDING = """
CREATE SEQUENCE turn;
CREATE TABLE touched (turn bigint DEFAULT nextval('turn'), name text, item text);
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN INSERT INTO touched (name, item) VALUES (TG_TABLE_NAME, TG_ARGV[0]); RETURN NEW; END $$;
CREATE FUNCTION note_item() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN INSERT INTO touched (name, item) VALUES (TG_TABLE_NAME, NEW.item_id); RETURN NEW; END $$
"""
BATCH = 16
OPENING = ["keys", "guards", "sagas", "orders", "order_items", "operations", "journal", "stock"]
"""Nobody knows a new saga's id, so that its row is no lock that anybody could wait for."""
CLOSING = ["sagas", "guards", "orders", "operations", "journal", "outbox", "stock"]


@pytest.fixture
def watched(postgres_url: str) -> Iterator[Engine]:
    """A migrated database in which every touched row leaves a note."""
    store = SqlStore(postgres_url)
    store.migrate()
    store.close()
    engine = create_engine(postgres_url, poolclass=NullPool)
    with engine.begin() as connection:
        connection.exec_driver_sql(RECORDING)
        for table in sorted({group.table for group in LOCK_ORDER}):
            function = "note_item" if table == STOCK_TAKES.table else "note"
            connection.exec_driver_sql(
                f"CREATE TRIGGER noting AFTER INSERT OR UPDATE ON checkout_{table}"
                f" FOR EACH ROW EXECUTE FUNCTION {function}('')"
            )
    yield engine
    engine.dispose()


@pytest.mark.parametrize("fuses", [True, False], ids=["short way", "long way"])
def test_tables_are_locked_in_one_order_stock_last(postgres_url: str, watched: Engine, fuses: bool) -> None:
    store = SqlStore(postgres_url)
    store._pool.dialect.fuses = fuses  # type: ignore[misc]
    till = Till(store)
    items = [till.item(1000) for _ in range(5)]
    purchases = [till.purchase({items[n % 5]: 1, items[(n + 3) % 5]: 2}) for n in range(BATCH)]
    endings = [Ending.DECLINE if n % 3 else Ending.CONFIRM for n in range(BATCH)]
    openings = [till.opening(each) for each in purchases]
    closings = [till.ending(each, ending) for each, ending in zip(purchases, endings, strict=True)]
    for batch, order in ((openings, OPENING), (closings, CLOSING)):
        _forget(watched)
        answers = store.commit(batch)
        assert all(isinstance(answer, Applied) for answer in answers)
        assert _tables(watched) == [f"checkout_{name}" for name in order]
        touched = _stock_items(watched)
        assert touched == sorted(touched)
        assert len(touched) == len(items)
    store.close()


@pytest.mark.parametrize("rows", [3, 5000], ids=["tiny tables", "large tables"])
def test_on_postgresql_rows_are_always_joined_in_the_order_given(postgres_url: str, rows: int) -> None:
    """No plan may hash, merge or scan: such a plan locks in physical order."""
    store = SqlStore(postgres_url)
    store.migrate()
    till = Till(store)
    _fill(postgres_url, rows)
    items = [till.item(1000) for _ in range(5)]
    purchases = [till.opened({items[n % 5]: 1}) for n in range(BATCH)]
    plans: list[str] = []

    @event.listens_for(store._pool._engine, "before_cursor_execute", retval=True)
    def explained(conn: object, cursor: object, statement: str, parameters: object, *_: object) -> tuple[str, object]:
        if statement.startswith("WITH"):
            cursor.execute(f"EXPLAIN {statement}", parameters)  # type: ignore[attr-defined]
            plans.append("\n".join(row[0] for row in cursor.fetchall()))  # type: ignore[attr-defined]
        return statement, parameters

    store.commit([till.ending(each, Ending.DECLINE) for each in purchases])
    store.commit([till.opening(till.purchase({items[n % 5]: 1})) for n in range(BATCH)])
    assert len(plans) == 2
    assert all(plan.count("Nested Loop") >= 1 for plan in plans)
    for forbidden in ("Hash", "Merge", "Seq Scan", "Bitmap"):
        assert not any(forbidden in plan for plan in plans), plans
    store.close()


def test_on_mariadb_rows_are_always_joined_in_the_order_given(mariadb_url: str) -> None:
    """The given rows first, each looked up by the primary key, however few rows the table has."""
    store = SqlStore(mariadb_url)
    store.migrate()
    till = Till(store)
    items = [till.item(1000) for _ in range(3)]
    purchases = [till.opened({items[n % 3]: 1}) for n in range(BATCH)]
    plans: dict[str, list[tuple[object, ...]]] = {}

    @event.listens_for(store._pool._engine, "before_cursor_execute", retval=True)
    def explained(conn: object, cursor: object, statement: str, parameters: object, *_: object) -> tuple[str, object]:
        if "STRAIGHT_JOIN" in statement:
            cursor.execute(f"EXPLAIN {statement}", parameters)  # type: ignore[attr-defined]
            plans[statement[:60]] = [row[2:6:3] for row in cursor.fetchall()]  # type: ignore[attr-defined]
        return statement, parameters

    store.commit([till.ending(each, Ending.DECLINE) for each in purchases])
    store.commit([till.opening(till.purchase({items[n % 3]: 1})) for n in range(BATCH)])
    assert len(plans) >= 6
    assert all(plan == [("x", None), ("t", "PRIMARY")] for plan in plans.values()), plans
    store.close()


def _forget(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("TRUNCATE touched"))


def _tables(engine: Engine) -> list[str]:
    """The tables by when their first row was touched."""
    with engine.connect() as connection:
        first = text("SELECT name FROM touched GROUP BY name ORDER BY min(turn)")
        return list(connection.execute(first).scalars())


def _stock_items(engine: Engine) -> list[str]:
    with engine.connect() as connection:
        rows = text("SELECT item FROM touched WHERE name = 'checkout_stock' ORDER BY turn")
        return [item.encode() for item in connection.execute(rows).scalars()]


def _fill(url: str, rows: int) -> None:
    engine = create_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(
            text(
                "INSERT INTO checkout_stock (item_id, location, available_qty, received_qty)"
                " SELECT 'x' || n, '', 1, 1 FROM generate_series(1, :rows) AS n"
            ),
            {"rows": rows},
        )
        connection.execute(text("VACUUM ANALYZE"))
    engine.dispose()
