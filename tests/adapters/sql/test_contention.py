"""Rows that somebody else holds: the batch is repeated, then split, and answered in time (protocol 2.7, LIVE-4)."""

from __future__ import annotations

import threading
from typing import Self

import pytest
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.pool import NullPool

from checkout_core.adapters.sql import SqlStore, Timeouts
from checkout_core.errors import StorageUnavailableError
from checkout_core.ports.records import Applied
from checkout_core.testing.till import Place, Till

IMPATIENT = Timeouts(lock_seconds=1.0)


class Holder:
    """Somebody else, who has a stock row locked until :meth:`let_go`."""

    def __init__(self, url: str, place: Place) -> None:
        self._engine = create_engine(url, poolclass=NullPool)
        self._connection = self._engine.connect()
        row = text("SELECT 1 FROM checkout_stock WHERE item_id = :item AND location = :location FOR UPDATE")
        self._connection.execute(row, {"item": place[0], "location": place[1]}).one()

    def let_go(self) -> None:
        self._connection.rollback()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._connection.close()
        self._engine.dispose()


def test_members_that_nobody_stands_in_the_way_of_do_not_wait(server_url: str) -> None:
    """The batch is split: its first half is stored while the second still waits for the held row."""
    store, other = SqlStore(server_url, timeouts=IMPATIENT), SqlStore(server_url)
    store.migrate()
    till = Till(other)
    free, wanted = till.item(8), till.item(8)
    purchases = [till.purchase({wanted if number == 2 else free: 1}) for number in range(4)]
    openings = [till.opening(each) for each in purchases]
    stored: list[list[bool]] = []
    commit = store._pool.dialect.commit

    def commit_and_look(connection: Connection) -> None:
        commit(connection)
        if not stored:
            stored.append([other.load(each.saga_id) is not None for each in purchases])
            holder.let_go()

    store._pool.dialect.commit = commit_and_look  # type: ignore[method-assign]
    with Holder(server_url, wanted) as holder:
        assert [type(answer) for answer in store.commit(openings)] == [Applied] * 4
    assert stored == [[True, True, False, False]]
    assert (till.balance(free).held, till.balance(wanted).held) == (3, 1)
    store.close()
    other.close()


def test_a_batch_of_which_nothing_could_be_stored_in_time_raises(server_url: str) -> None:
    store = SqlStore(server_url, timeouts=IMPATIENT, commit_deadline_seconds=1.0)
    store.migrate()
    till = Till(store)
    wanted = till.item(8)
    with Holder(server_url, wanted), pytest.raises(StorageUnavailableError) as raised:
        store.commit([till.opening(till.purchase({wanted: 1})) for _ in range(2)])
    assert raised.value.applied == "no"
    assert till.balance(wanted).held == 0
    store.close()


def test_a_batch_waits_for_a_sqlite_file_that_another_writes(sqlite_url: str) -> None:
    """Longer than one busy timeout: it is repeated whole."""
    store = SqlStore(sqlite_url, timeouts=Timeouts(lock_seconds=0.05))
    store.migrate()
    till = Till(store)
    item = till.item(4)
    engine = create_engine(sqlite_url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    answers: list[object] = []
    batch = [till.opening(till.purchase({item: 1})) for _ in range(4)]
    tried = threading.Event()
    begin = store._pool.dialect.begin

    def begin_and_tell(connection: object) -> None:
        try:
            begin(connection)  # type: ignore[arg-type]
        except Exception:
            tried.set()
            raise

    store._pool.dialect.begin = begin_and_tell  # type: ignore[method-assign]
    with engine.connect() as writer:
        writer.exec_driver_sql("BEGIN IMMEDIATE")
        committing = threading.Thread(target=lambda: answers.extend(store.commit(batch)))
        committing.start()
        assert tried.wait(30)
        assert answers == []
        writer.exec_driver_sql("ROLLBACK")
    committing.join(30)
    assert [type(answer) for answer in answers] == [Applied] * 4
    store.close()
    engine.dispose()
