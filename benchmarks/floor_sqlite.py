"""The floor on a SQLite file: one writer, durable commits, whatever waits goes into one transaction. Tasks only."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, asynccontextmanager, closing
from typing import Any, TypeAlias

from benchmarks.contender import Sell, SellAsync, Tally
from benchmarks.workload import HOT_ITEM, Bank, Order, Outcome, Workload

SCHEMA = """
CREATE TABLE stock (item INTEGER PRIMARY KEY, available INTEGER NOT NULL CHECK (available >= 0));
CREATE TABLE orders (id INTEGER PRIMARY KEY, status TEXT NOT NULL, total INTEGER NOT NULL,
    created_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP);
CREATE TABLE order_lines (order_id INTEGER, item INTEGER, qty INTEGER, price INTEGER, PRIMARY KEY (order_id, item))
    WITHOUT ROWID;
CREATE TABLE payments (order_id INTEGER PRIMARY KEY, charge TEXT, amount INTEGER NOT NULL, status TEXT NOT NULL);
CREATE TABLE outbox (id INTEGER PRIMARY KEY, order_id INTEGER NOT NULL, topic TEXT NOT NULL, payload TEXT NOT NULL);
CREATE TABLE keys (key TEXT PRIMARY KEY, order_id INTEGER NOT NULL) WITHOUT ROWID;
"""

Finished: TypeAlias = tuple[int, Order, str | None]
_MARKS = ", ".join("?" * Workload().lines)


class SqliteFloor:
    """See :class:`benchmarks.contender.Contender`. Everything happens in the event loop's thread."""

    def prepare(self, dsn: str, workload: Workload) -> None:
        with closing(_connection(dsn)) as connection:
            connection.executescript(SCHEMA)
            stock = [(item, workload.stock_of(item)) for item in range(1, workload.items + 1)]
            connection.execute("BEGIN")
            connection.executemany("INSERT INTO stock VALUES (?, ?)", stock)
            connection.execute("COMMIT")

    def set_hot_stock(self, dsn: str, units: int) -> None:
        with closing(_connection(dsn)) as connection:
            connection.execute("UPDATE stock SET available = ? WHERE item = ?", (units, HOT_ITEM))

    def threads(self, dsn: str, bank: Bank) -> AbstractContextManager[Sell]:
        raise ValueError("the SQLite floor has tasks only")

    @asynccontextmanager
    async def tasks(self, dsn: str, bank: Bank) -> AsyncIterator[SellAsync]:
        with closing(_connection(dsn)) as connection:
            opener = _Gathered(connection, _open)
            finisher = _Gathered(connection, _finish)

            async def sell(order: Order) -> Outcome:
                order_id = await opener.done(order)
                if order_id is None:
                    return Outcome.NO_STOCK
                charge = bank.charge(order.key)
                await finisher.done((order_id, order, charge))
                return Outcome.DECLINED if charge is None else Outcome.CONFIRMED

            yield sell

    def verify(self, dsn: str, workload: Workload, tally: Tally, bank: Bank) -> dict[str, bool]:
        with closing(_connection(dsn)) as connection:
            stock: dict[int, int] = dict(connection.execute("SELECT item, available FROM stock").fetchall())
            statuses: dict[str, int] = dict(
                connection.execute("SELECT status, count(*) FROM orders GROUP BY 1").fetchall()
            )
        confirmed = tally.outcomes[Outcome.CONFIRMED]
        return {
            "stock is conserved": all(stock[item] + tally.sold[item] == workload.stock_of(item) for item in stock),
            "each confirmed order is charged once": bank.charges.total() == len(bank.charges) == confirmed,
            "orders are what buyers were told": statuses.get("CONFIRMED", 0) == confirmed,
            "nothing is half done": statuses.keys() <= {"CONFIRMED", "FAILED"},
        }


class _Gathered:
    """What was asked for in one turn of the event loop is one transaction."""

    def __init__(self, connection: sqlite3.Connection, work: Callable[[sqlite3.Connection, Any], Any]) -> None:
        self._connection = connection
        self._work = work
        self._waiting: list[tuple[Any, asyncio.Future[Any]]] = []

    def done(self, request: object) -> asyncio.Future[Any]:
        loop = asyncio.get_running_loop()
        if not self._waiting:
            loop.call_soon(self._commit)
        answer: asyncio.Future[Any] = loop.create_future()
        self._waiting.append((request, answer))
        return answer

    def _commit(self) -> None:
        batch, self._waiting = self._waiting, []
        self._connection.execute("BEGIN IMMEDIATE")
        answers = [self._work(self._connection, request) for request, _ in batch]
        self._connection.execute("COMMIT")
        for (_, waiting), answer in zip(batch, answers, strict=True):
            waiting.set_result(answer)


def _open(connection: sqlite3.Connection, order: Order) -> int | None:
    units = connection.execute(f"SELECT min(available) FROM stock WHERE item IN ({_MARKS})", order.items).fetchone()[0]
    if units < 1:
        return None
    connection.execute(f"UPDATE stock SET available = available - 1 WHERE item IN ({_MARKS})", order.items)
    placed = connection.execute("INSERT INTO orders (status, total) VALUES ('RESERVED', ?)", (order.total,))
    order_id = placed.lastrowid
    connection.execute("INSERT INTO keys VALUES (?, ?)", (order.key, order_id))
    lines = [(order_id, item, price) for item, price in zip(order.items, order.prices, strict=True)]
    connection.executemany("INSERT INTO order_lines VALUES (?, ?, 1, ?)", lines)
    return order_id


def _finish(connection: sqlite3.Connection, finished: Finished) -> None:
    order_id, order, charge = finished
    status, payment = ("FAILED", "DECLINED") if charge is None else ("CONFIRMED", "CAPTURED")
    connection.execute("UPDATE orders SET status = ? WHERE id = ? AND status = 'RESERVED'", (status, order_id))
    connection.execute("INSERT INTO payments VALUES (?, ?, ?, ?)", (order_id, charge, order.total, payment))
    if charge is None:
        back = [(item,) for item in order.items]
        connection.executemany("UPDATE stock SET available = available + 1 WHERE item = ?", back)
    else:
        connection.execute(
            "INSERT INTO outbox (order_id, topic, payload) VALUES (?, 'order.confirmed', json_object('total', ?))",
            (order_id, order.total),
        )


def _connection(dsn: str) -> sqlite3.Connection:
    connection = sqlite3.connect(dsn.removeprefix("sqlite:///"), isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    return connection
