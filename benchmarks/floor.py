"""The floor: what hand-written group commit reaches with psycopg, without any of the library's promises.

One committer thread for opening and one for finishing, each with a connection and one set-oriented statement per
batch. No second process, no recovery, no replay of a key, no journal.
"""

from __future__ import annotations

import asyncio
import itertools
import queue
import threading
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import dataclass
from typing import Any, Generic, TypeAlias, TypeVar

import psycopg

from benchmarks.contender import Sell, SellAsync, Tally
from benchmarks.workload import HOT_ITEM, Bank, Order, Outcome, Workload

BATCH_MOST = 64

SCHEMA = """
CREATE TABLE stock (item int PRIMARY KEY, available int NOT NULL CHECK (available >= 0)) WITH (fillfactor = 50);
CREATE TABLE orders (id bigint PRIMARY KEY, status text NOT NULL, total int NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()) WITH (fillfactor = 80);
CREATE TABLE order_lines (order_id bigint, item int, qty int NOT NULL, price int NOT NULL,
    PRIMARY KEY (order_id, item));
CREATE TABLE payments (order_id bigint PRIMARY KEY, charge text, amount int NOT NULL, status text NOT NULL);
CREATE TABLE outbox (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, order_id bigint NOT NULL,
    topic text NOT NULL, payload jsonb NOT NULL, created_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE keys (key text PRIMARY KEY, order_id bigint NOT NULL, created_at timestamptz NOT NULL DEFAULT now());
"""

OPEN = """
WITH opened AS (INSERT INTO orders (id, status, total)
        SELECT id, 'RESERVED', total FROM unnest(%(ids)s::bigint[], %(totals)s::int[]) AS new (id, total)),
    keyed AS (INSERT INTO keys (key, order_id) SELECT * FROM unnest(%(keys)s::text[], %(ids)s::bigint[])),
    lined AS (INSERT INTO order_lines (order_id, item, qty, price)
        SELECT id, item, 1, price
        FROM unnest(%(owners)s::bigint[], %(items)s::int[], %(prices)s::int[]) AS new (id, item, price)),
    taken AS (UPDATE stock SET available = available - wanted.n
        FROM unnest(%(wanted)s::int[], %(counts)s::int[]) AS wanted (item, n)
        WHERE stock.item = wanted.item AND stock.available >= wanted.n RETURNING 1)
SELECT 1 / ((SELECT count(*) FROM taken) = cardinality(%(wanted)s::int[]))::int
"""

FINISH = """
WITH known AS (SELECT * FROM unnest(%(ids)s::bigint[], %(charges)s::text[]) AS known (id, charge)),
    moved AS (UPDATE orders SET status = CASE WHEN charge IS NULL THEN 'FAILED' ELSE 'CONFIRMED' END
        FROM known WHERE orders.id = known.id AND status = 'RESERVED' RETURNING orders.id, total, charge),
    paid AS (INSERT INTO payments
        SELECT id, charge, total, CASE WHEN charge IS NULL THEN 'DECLINED' ELSE 'CAPTURED' END FROM moved),
    returned AS (UPDATE stock SET available = available + back.n
        FROM unnest(%(back)s::int[], %(counts)s::int[]) AS back (item, n) WHERE stock.item = back.item)
INSERT INTO outbox (order_id, topic, payload)
SELECT id, 'order.confirmed', jsonb_build_object('order_id', id, 'total', total) FROM moved WHERE charge IS NOT NULL
"""

# Through the index, in the order of the array: locks are taken in one order whatever the estimates say.
SESSION = """
SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off;
SET enable_hashjoin = off; SET enable_mergejoin = off
"""

Finished: TypeAlias = tuple[int, Order, str | None]
Connection: TypeAlias = "psycopg.Connection[tuple[Any, ...]]"
A = TypeVar("A")
B = TypeVar("B")


class Floor:
    """See :class:`benchmarks.contender.Contender`."""

    def prepare(self, dsn: str, workload: Workload) -> None:
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute(SCHEMA)
            items = range(1, workload.items + 1)
            stock = [workload.stock_of(item) for item in items]
            connection.execute("INSERT INTO stock SELECT * FROM unnest(%s::int[], %s::int[])", [list(items), stock])

    def set_hot_stock(self, dsn: str, units: int) -> None:
        with psycopg.connect(dsn) as connection:
            connection.execute("UPDATE stock SET available = %s WHERE item = %s", [units, HOT_ITEM])

    @contextmanager
    def threads(self, dsn: str, bank: Bank) -> Iterator[Sell]:
        with _connection(dsn) as opening, _connection(dsn) as finishing:
            opener = Batcher(_Opener(opening), _answer_threads)
            finisher = Batcher(_Finisher(finishing), _answer_threads)

            def sell(order: Order) -> Outcome:
                order_id = _wait(opener, order)
                if order_id is None:
                    return Outcome.NO_STOCK
                charge = bank.charge(order.key)
                _wait(finisher, (order_id, order, charge))
                return Outcome.DECLINED if charge is None else Outcome.CONFIRMED

            with closing(opener), closing(finisher):
                yield sell

    @asynccontextmanager
    async def tasks(self, dsn: str, bank: Bank) -> AsyncIterator[SellAsync]:
        loop = asyncio.get_running_loop()

        def answer(answers: Sequence[tuple[asyncio.Future[Any], Any]]) -> None:
            loop.call_soon_threadsafe(_answer_futures, answers)

        with _connection(dsn) as opening, _connection(dsn) as finishing:
            opener = Batcher(_Opener(opening), answer)
            finisher = Batcher(_Finisher(finishing), answer)

            async def sell(order: Order) -> Outcome:
                opened: asyncio.Future[int | None] = loop.create_future()
                opener.submit(order, opened)
                order_id = await opened
                if order_id is None:
                    return Outcome.NO_STOCK
                charge = bank.charge(order.key)
                finished: asyncio.Future[None] = loop.create_future()
                finisher.submit((order_id, order, charge), finished)
                await finished
                return Outcome.DECLINED if charge is None else Outcome.CONFIRMED

            with closing(opener), closing(finisher):
                yield sell

    def verify(self, dsn: str, workload: Workload, tally: Tally, bank: Bank) -> dict[str, bool]:
        with psycopg.connect(dsn) as connection:
            statuses: dict[str, int] = dict(
                connection.execute("SELECT status, count(*) FROM orders GROUP BY 1").fetchall()
            )
            stock: dict[int, int] = dict(connection.execute("SELECT item, available FROM stock").fetchall())
            events = connection.execute("SELECT count(*) FROM outbox").fetchall()[0][0]
        confirmed = tally.outcomes[Outcome.CONFIRMED]
        return {
            "stock is conserved": all(stock[item] + tally.sold[item] == workload.stock_of(item) for item in stock),
            "each confirmed order is charged once": bank.charges.total() == len(bank.charges) == confirmed,
            "orders are what buyers were told": statuses.get("CONFIRMED", 0) == confirmed
            and statuses.get("FAILED", 0) == tally.outcomes[Outcome.DECLINED],
            "nothing is half done": statuses.keys() <= {"CONFIRMED", "FAILED"},
            "one event per confirmed order": events == confirmed,
        }


@dataclass(slots=True)
class _Signal:
    """A lock is the cheapest thing that one thread can wait for once."""

    lock: threading.Lock
    answer: Any = None


class Batcher(Generic[A, B]):
    """A thread that takes whatever waits, at most ``BATCH_MOST``, and hands every caller its answer."""

    def __init__(self, work: Callable[[list[A]], Sequence[B]], answer: Callable[[list[tuple[Any, Any]]], None]) -> None:
        self._work = work
        self._answer = answer
        self._waiting: queue.SimpleQueue[tuple[A, Any] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def submit(self, request: A, waiter: object) -> None:
        self._waiting.put((request, waiter))

    def close(self) -> None:
        self._waiting.put(None)
        self._thread.join()

    def _run(self) -> None:
        while batch := self._gathered():
            try:
                answers: Sequence[B | Exception] = self._work([request for request, _ in batch])
            except Exception as error:  # noqa: BLE001 - it belongs to the callers
                answers = [error] * len(batch)
            self._answer([(waiter, answer) for (_, waiter), answer in zip(batch, answers, strict=True)])

    def _gathered(self) -> list[tuple[A, Any]]:
        batch: list[tuple[A, Any]] = []
        while len(batch) < BATCH_MOST:
            try:
                got = self._waiting.get_nowait() if batch else self._waiting.get()
            except queue.Empty:
                break
            if got is None:
                if batch:
                    self._waiting.put(None)
                break
            batch.append(got)
        return batch


class _Opener:
    """Commit 1. A batch that is short of anything is done again one by one."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        newest = connection.execute("SELECT coalesce(max(id), 0) FROM orders").fetchall()[0][0]
        self._ids = itertools.count(newest + 1)

    def __call__(self, batch: list[Order]) -> list[int | None]:
        ids: list[int | None] = [next(self._ids) for _ in batch]
        try:
            self._connection.execute(OPEN, _opening(ids, batch))
        except psycopg.errors.DivisionByZero:
            return [None] if len(batch) == 1 else [self([order])[0] for order in batch]
        return ids


class _Finisher:
    """Commit 2."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def __call__(self, batch: list[Finished]) -> list[None]:
        back, counts = _per_item([order for _, order, charge in batch if charge is None])
        ids = [order_id for order_id, _, _ in batch]
        charges = [charge for _, _, charge in batch]
        self._connection.execute(FINISH, {"ids": ids, "charges": charges, "back": back, "counts": counts})
        return [None] * len(batch)


def _opening(ids: Sequence[int | None], batch: Sequence[Order]) -> dict[str, object]:
    wanted, counts = _per_item(batch)
    return {
        "ids": ids,
        "totals": [order.total for order in batch],
        "keys": [order.key for order in batch],
        "owners": [order_id for order_id, order in zip(ids, batch, strict=True) for _ in order.items],
        "items": [item for order in batch for item in order.items],
        "prices": [price for order in batch for price in order.prices],
        "wanted": wanted,
        "counts": counts,
    }


def _per_item(batch: Sequence[Order]) -> tuple[list[int], list[int]]:
    counted = Counter(itertools.chain.from_iterable(order.items for order in batch))
    items = sorted(counted)
    return items, [counted[item] for item in items]


@contextmanager
def _connection(dsn: str) -> Iterator[Connection]:
    with psycopg.connect(dsn, autocommit=True, prepare_threshold=1) as connection:
        connection.execute(SESSION)
        yield connection


def _wait(batcher: Batcher[A, B], request: A) -> B:
    signal = _Signal(threading.Lock())
    signal.lock.acquire()
    batcher.submit(request, signal)
    signal.lock.acquire()
    if isinstance(signal.answer, Exception):
        raise signal.answer
    answer: B = signal.answer
    return answer


def _answer_threads(answers: list[tuple[_Signal, Any]]) -> None:
    for signal, answer in answers:
        signal.answer = answer
        signal.lock.release()


def _answer_futures(answers: Sequence[tuple[asyncio.Future[Any], Any]]) -> None:
    for future, answer in answers:
        if isinstance(answer, Exception):
            future.set_exception(answer)
        else:
            future.set_result(answer)
