"""``SqlStore``: the store port on PostgreSQL, MariaDB or a SQLite file."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from sqlalchemy import Connection, Engine

from checkout_core.adapters.sql import alarms, schema, transact
from checkout_core.adapters.sql.committing import Committing
from checkout_core.adapters.sql.deliveries import Deliveries
from checkout_core.adapters.sql.dialects.dialect import Timeouts
from checkout_core.adapters.sql.leases import Leases
from checkout_core.adapters.sql.ledger import Ledger
from checkout_core.adapters.sql.parts import Parts
from checkout_core.adapters.sql.pools import Pool
from checkout_core.adapters.sql.reading import SagaFiles
from checkout_core.adapters.sql.repeating import Repeating
from checkout_core.domain.stock import StockEntry
from checkout_core.errors import CheckoutError
from checkout_core.ports.records import CommitAnswer, Transaction
from checkout_core.ports.store import Alarm, OutboxEvent, SagaFile, StockBalance, StockLedger, Store

T = TypeVar("T")


class SqlStore(Store):
    """Everything durable in one database. Any number of threads and processes may use the same database at once.

    ``source``: a SQLAlchemy URL (``postgresql+psycopg://``, ``mysql+pymysql://``, ``sqlite:///file``) or an Engine,
    whose settings are used through a pool of the store's own: no connection is ever shared with the host. A SQLite
    database in memory is refused with :class:`ConfigurationError`.
    ``parts``: the host's own inventory, outbox or token sealer in place of ours.
    ``commit_deadline_seconds``: how long a commit is repeated here while the database is unreachable or busy; whoever
    waits for it then repeats it in turn. ``inline``: see :attr:`Store.commits_inline`; slower, the same semantics.

    Every method raises :class:`StorageUnavailableError` when the database cannot be used, :class:`SchemaVersionError`
    when its schema is not one that this version works with, and :class:`InsideTransactionError` when the engine hands
    out a connection on which somebody has a transaction open.
    """

    def __init__(
        self,
        source: str | Engine,
        *,
        parts: Parts | None = None,
        timeouts: Timeouts | None = None,
        commit_deadline_seconds: float = 5.0,
        inline: bool = False,
    ) -> None:
        parts = parts or Parts()
        self._pool = Pool(source, timeouts or Timeouts())
        self._repeating = Repeating(commit_deadline_seconds)
        self._committing = Committing(self._pool, parts, self._repeating)
        self._reading = SagaFiles(self._pool.dialect, parts.sealer)
        self._leases = Leases(self._pool.dialect)
        self._ledger = Ledger(self._pool.dialect)
        self._outbox = Deliveries(self._pool.dialect, self._read, self._write)
        self._inline = inline
        self._is_checked = False

    @property
    def commits_inline(self) -> bool:
        return self._inline

    def migrate(self, *, through: int = schema.NEWEST) -> int:
        """Create or upgrade the tables; gives the schema version. Safe to call at every start and from any process.

        Nothing migrates by itself: without this call a database without tables raises :class:`SchemaVersionError`.
        """
        return self._repeating.run(
            lambda: transact.write(
                self._pool, lambda connection: schema.migrate(connection, self._pool.dialect, through=through)
            )
        )

    @property
    def inventory(self) -> StockLedger:
        return _Inventory(self._read, self._write, self._ledger)

    @property
    def outbox(self) -> Deliveries:
        return self._outbox

    def commit(self, batch: Sequence[Transaction]) -> Sequence[CommitAnswer | CheckoutError]:
        """One answer per member, by position (see :class:`Store`).

        A member that can never be stored (malformed, or refused by a constraint) fails alone: its position holds an
        :class:`InvariantError` instance. Where the database fails between the pieces of a batch that had to be split,
        the positions of the pieces that were not stored hold a :class:`StorageUnavailableError`; where nothing was
        answered, it is raised.
        """
        self._check()
        return self._committing.commit(batch)

    def load(self, saga_id: str) -> SagaFile | None:
        if not self._pool.dialect.is_id(saga_id):
            return None
        return self._read(lambda connection: self._reading.file(connection, saga_id))

    def find(self, scope: str, key: str) -> SagaFile | None:
        return self._read(lambda connection: self._reading.found(connection, scope, key))

    def claim_due(self, *, token: str, lease_seconds: float, limit: int) -> tuple[str, ...]:
        return self._write(
            lambda connection: self._leases.claim_due(connection, token=token, lease_seconds=lease_seconds, limit=limit)
        )

    def claim_one(self, saga_id: str, *, token: str, lease_seconds: float) -> bool:
        if not self._pool.dialect.is_id(saga_id):
            return False
        return self._write(
            lambda connection: self._leases.claim_one(connection, saga_id, token=token, lease_seconds=lease_seconds)
        )

    def put_back(self, saga_id: str, *, token: str, due_seconds: float, tries: int | None = None) -> None:
        if not self._pool.dialect.is_id(saga_id):
            return
        self._write(
            lambda connection: self._leases.put_back(
                connection, saga_id, token=token, due_seconds=due_seconds, tries=tries
            )
        )

    def files_after(self, saga_id: str, *, limit: int) -> tuple[SagaFile, ...]:
        return self._read(lambda connection: self._reading.files_after(connection, saga_id, limit))

    def parked(self, *, limit: int = 100) -> tuple[str, ...]:
        return self._read(lambda connection: self._reading.parked(connection, limit))

    def stock_balances(self) -> Iterator[StockBalance]:
        return iter(self._read(lambda connection: list(self._ledger.balances(connection))))

    def outbox_of(self, order_id: str) -> tuple[OutboxEvent, ...]:
        if not self._pool.dialect.is_id(order_id):
            return ()
        return self._read(lambda connection: self._reading.outbox(connection, order_id))

    def alarms(self, *, limit: int = 100) -> tuple[Alarm, ...]:
        """Oldest first; an acknowledged alarm is not listed."""
        return self._read(lambda connection: alarms.listed(connection, self._pool.dialect, limit))

    def acknowledge_alarm(self, alarm_id: str) -> None:
        self._write(lambda connection: alarms.acknowledge(connection, self._pool.dialect, alarm_id))

    def close(self) -> None:
        """Give the connections back. The store may be used again: it connects anew."""
        self._pool.close()

    def _read(self, body: Callable[[Connection], T]) -> T:
        self._check()
        return self._repeating.run(lambda: transact.read(self._pool, body))

    def _write(self, body: Callable[[Connection], T]) -> T:
        self._check()
        return self._repeating.run(lambda: transact.write(self._pool, body))

    def _check(self) -> None:
        """Once: what the schema is does not change under a running process but by a release that keeps it working."""
        if not self._is_checked:
            self._repeating.run(lambda: transact.read(self._pool, schema.check))
            self._is_checked = True


class _Inventory(StockLedger):
    """The ledger as the warehouse's software sees it."""

    def __init__(
        self,
        read: Callable[[Callable[[Connection], int | None]], int | None],
        write: Callable[[Callable[[Connection], None]], None],
        ledger: Ledger,
    ) -> None:
        self._read = read
        self._write = write
        self._ledger = ledger

    def set_available(
        self, item_id: str, free_qty: int, *, location: str = "", adjustment_id: str | None = None
    ) -> None:
        entry = _entry(item_id, location, free_qty, adjustment_id)
        self._write(lambda connection: self._ledger.set_available(connection, entry))

    def adjust(self, item_id: str, delta: int, *, location: str = "", adjustment_id: str | None = None) -> None:
        entry = _entry(item_id, location, delta, adjustment_id)
        self._write(lambda connection: self._ledger.adjust(connection, entry))

    def available(self, item_id: str, *, location: str = "") -> int | None:
        return self._read(lambda connection: self._ledger.available(connection, (item_id, location)))


def _entry(item_id: str, location: str, units: int, adjustment_id: str | None) -> StockEntry:
    """The entry with an id: one that the caller gave, or a new one, so that a repeat after a lost COMMIT finds it."""
    entry_id = adjustment_id or str(uuid.uuid4())
    return StockEntry(item_id=item_id, location=location, units=units, adjustment_id=entry_id)
