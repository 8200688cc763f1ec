"""Whose connections the store works on, and what it leaves behind on them."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Callable

import pymysql
import pytest
from sqlalchemy import Connection, create_engine, make_url, text
from sqlalchemy.pool import NullPool, QueuePool, StaticPool

from checkout_core.adapters.sql import SqlStore, Timeouts
from checkout_core.errors import ConfigurationError, InsideTransactionError
from checkout_core.testing.till import Till

SETTINGS = {
    "postgresql": (
        "SELECT current_setting('transaction_isolation'), current_setting('lock_timeout'),"
        " current_setting('idle_in_transaction_session_timeout'), current_setting('plan_cache_mode'),"
        " current_setting('enable_hashjoin'), current_setting('enable_seqscan')"
    ),
    "mysql": "SELECT @@tx_isolation, @@innodb_lock_wait_timeout, @@idle_transaction_timeout, @@sql_mode, @@time_zone",
    "sqlite": "SELECT * FROM pragma_busy_timeout, pragma_synchronous",
}


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "sqlite:///file:shop?mode=memory&uri=true"])
def test_a_database_in_memory_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match="expected a SQLite file"):
        SqlStore(url)
    with pytest.raises(ConfigurationError, match="expected a SQLite file"):
        SqlStore(create_engine(url, poolclass=NullPool))


def test_a_database_of_another_kind_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="expected one of mariadb, mysql, postgresql, sqlite, found oracle"):
        SqlStore("oracle+oracledb://user@host/shop")


def test_an_engine_over_one_shared_connection_is_refused(sqlite_url: str) -> None:
    with pytest.raises(ConfigurationError, match="shares a single one"):
        SqlStore(create_engine(sqlite_url, poolclass=StaticPool))


def test_mariadb_connections_that_do_not_count_found_rows_are_refused(mariadb_url: str) -> None:
    """An outcome that is written a second time changes nothing: it would look as if its row were missing."""
    place = make_url(mariadb_url)
    where = {"host": place.host, "port": place.port or 3306, "user": place.username, "database": place.database}

    def plain() -> object:
        return pymysql.connect(**where)

    engine = create_engine(mariadb_url, creator=plain)
    store = SqlStore(engine)
    with pytest.raises(ConfigurationError, match="FOUND_ROWS"):
        store.migrate()
    store.close()
    engine.dispose()


def test_a_hosts_engine_is_used_through_connections_of_the_stores_own(sql_url: str) -> None:
    """The host's pool of one is checked out all the time: the store never waits for it."""
    engine = create_engine(sql_url, poolclass=QueuePool, pool_size=1, max_overflow=0, pool_timeout=0.1)
    store = SqlStore(engine)
    store.migrate()
    with engine.connect() as connection:
        connection.rollback()
        till = Till(store)
        till.opened({till.item(1): 1})
    store.close()
    engine.dispose()


def test_settings_never_leak_into_a_hosts_pool(sql_url: str) -> None:
    engine = create_engine(sql_url, pool_size=1, max_overflow=0)
    before = _settings(engine.connect)
    store = SqlStore(engine, timeouts=Timeouts(lock_seconds=3.0, idle_seconds=7.0))
    store.migrate()
    till = Till(store)
    till.opened({till.item(1): 1})
    assert _settings(engine.connect) == before
    store.close()
    engine.dispose()


def test_on_postgresql_settings_end_with_the_transaction(postgres_url: str) -> None:
    """Not even a pool between the store and the server hands them on."""
    seen: list[object] = []
    engine = create_engine(postgres_url, poolclass=NullPool)
    plain = _settings(engine.connect)
    store = SqlStore(postgres_url)
    store.migrate()
    till = Till(store)
    till.opened({till.item(1): 1})
    pool = store._pool
    with pool.connection() as connection:
        seen.append(tuple(connection.execute(text(SETTINGS["postgresql"])).one()))
    assert seen == [plain]
    store.close()


@pytest.mark.parametrize("kind", ["postgres", "mariadb"])
def test_a_transaction_runs_with_the_stores_own_settings(kind: str, request: pytest.FixtureRequest) -> None:
    """READ COMMITTED, a lock timeout and an idle timeout, whatever the server's defaults (protocol 2.5, 2.9)."""
    store = SqlStore(request.getfixturevalue(f"{kind}_url"), timeouts=Timeouts(lock_seconds=3.0, idle_seconds=7.0))
    pool = store._pool
    with pool.connection() as connection:
        pool.dialect.begin(connection)
        found = " ".join(map(str, connection.execute(text(SETTINGS[connection.dialect.name])).one()))
        pool.dialect.rollback(connection)
    expected = "read committed 3s 7s" if kind == "postgres" else "READ-COMMITTED 3 7 STRICT_ALL_TABLES"
    assert found.startswith(expected)
    store.close()


def test_sqlite_is_durable_at_every_commit(sqlite_url: str) -> None:
    store = SqlStore(sqlite_url, timeouts=Timeouts(lock_seconds=3.0))
    with store._pool.connection() as connection:
        assert tuple(connection.execute(text(SETTINGS["sqlite"])).one()) == (3000, 2)
        assert connection.execute(text("PRAGMA journal_mode")).scalar_one() == "wal"
    store.close()


def test_a_connection_on_which_the_host_has_a_transaction_open_is_refused(sqlite_url: str) -> None:
    """What the host has written and not committed is not committed by the store."""
    shared = sqlite3.connect(make_url(sqlite_url).database or "", isolation_level=None, check_same_thread=False)
    engine = create_engine("sqlite://", creator=lambda: shared, poolclass=QueuePool)
    engine.url = make_url(sqlite_url)  # type: ignore[misc]
    store = SqlStore(engine)
    shared.execute("CREATE TABLE mine (n integer)")
    shared.execute("BEGIN")
    shared.execute("INSERT INTO mine VALUES (1)")
    with pytest.raises(InsideTransactionError):
        store.migrate()
    shared.close()
    again = sqlite3.connect(make_url(sqlite_url).database or "")
    assert again.execute("SELECT name FROM sqlite_master").fetchall() == [("mine",)]
    assert again.execute("SELECT n FROM mine").fetchall() == []
    again.close()


def test_a_connection_to_what_is_no_primary_any_more_is_replaced(postgres_url: str) -> None:
    """After a failover a pooled connection may still lead to the old primary, which only reads."""
    store = SqlStore(postgres_url)
    store.migrate()
    store.close()
    engine = create_engine(postgres_url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    only_reads = f'ALTER DATABASE "{make_url(postgres_url).database}" SET default_transaction_read_only ='
    till = Till(store)
    with engine.connect() as connection:
        connection.exec_driver_sql(f"{only_reads} on")
        assert store.load(till.names.saga(1)) is None  # now a connection that only reads is in the pool
        connection.exec_driver_sql("SET default_transaction_read_only = off")
        connection.exec_driver_sql(f"{only_reads} off")
    till.opened({till.item(1): 1})
    store.close()


FORKING = """
import os, sys
from checkout_core.adapters.sql import SqlStore
from checkout_core.testing.till import Till

store = SqlStore(sys.argv[1])
store.migrate()
till = Till(store)
purchase = till.opened()
child = os.fork()
mine = [till.opened() for _ in range(20)]
if child == 0:
    os._exit(0 if all(store.load(each.saga_id) for each in [purchase, *mine]) else 1)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
assert all(store.load(each.saga_id) for each in [purchase, *mine])
store.close()
"""


def test_a_forked_child_uses_connections_of_its_own(sql_url: str) -> None:
    """Parent and child write at the same time through what was one store."""
    forking = FORKING.replace("mine = [", "till = Till(store)\nmine = [")
    done = subprocess.run([sys.executable, "-c", forking, sql_url], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def _settings(connect: Callable[[], Connection]) -> tuple[object, ...]:
    with connect() as connection:
        return tuple(connection.execute(text(SETTINGS[connection.dialect.name])).one())


def test_a_process_that_stopped_in_a_transaction_is_told_that_its_connection_is_gone(server_url: str) -> None:
    """The server has ended the transaction (protocol 2.9). That is no defect: what was begun is begun again."""
    store = SqlStore(server_url, timeouts=Timeouts(idle_seconds=1.0))
    store.migrate()
    tries: list[int] = []

    def stopped_once(connection: Connection) -> int:
        tries.append(connection.execute(text("SELECT 1")).scalar_one())
        if len(tries) == 1:
            _await_end_of(server_url, _session(connection))
        return int(connection.execute(text("SELECT 2")).scalar_one())

    assert store._write(stopped_once) == 2
    assert tries == [1, 1]
    store.close()


def _session(connection: Connection) -> int:
    number = {"postgresql": "SELECT pg_backend_pid()", "mysql": "SELECT connection_id()"}[connection.dialect.name]
    return int(connection.execute(text(number)).scalar_one())


def _await_end_of(url: str, session: int) -> None:
    """Until the server itself has ended the session, which is idle in a transaction."""
    engine = create_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    living = {
        "postgresql": "SELECT count(*) FROM pg_stat_activity WHERE pid = :session",
        "mysql": "SELECT count(*) FROM information_schema.processlist WHERE id = :session",
    }[engine.dialect.name]
    with engine.connect() as connection:
        while connection.execute(text(living), {"session": session}).scalar_one():
            connection.execute(text("SELECT pg_sleep(0.05)" if "pg_" in living else "SELECT SLEEP(0.05)"))
    engine.dispose()
