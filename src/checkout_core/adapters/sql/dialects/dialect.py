"""What the store asks of a database: a handful of primitives, one module per database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto
from typing import Any, Protocol

from sqlalchemy import ColumnElement, Connection, Engine
from sqlalchemy.exc import DBAPIError

from checkout_core.adapters.sql.rows import Rows
from checkout_core.adapters.sql.statement import Group, Row, Select


class Trouble(Enum):
    """What a database error means for the transaction that met it."""

    CONFLICT = auto()
    """Deadlock, serialization failure, lock timeout, busy: rolled back, may be repeated."""
    BUSY = auto()
    """Somebody else has the whole database: rolled back, may be repeated, as one."""
    LOST = auto()
    """The connection is gone, or the server refuses to work now."""
    DATA = auto()
    """One of the rows can never be stored: a value out of range, a broken constraint."""
    DEFECT = auto()
    """Anything else: a missing table, a wrong statement, no permission."""


@dataclass(frozen=True, slots=True)
class Written:
    """``at``: the clock of the rows. ``counts``: rows inserted or changed; a group that does not tell is missing."""

    at: datetime
    counts: Mapping[Group, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """``lock_seconds``: how long a statement waits for a row. ``idle_seconds``: how long the server lets a transaction
    of a process that stopped hold its rows (protocol 2.9). MariaDB knows whole seconds only."""

    lock_seconds: float = 2.0
    idle_seconds: float = 3.0


class Dialect(Protocol):
    """One database. Holds no connection and no state of a transaction."""

    @property
    def name(self) -> str:
        """SQLAlchemy's name of the database, and the directory of its migrations."""
        ...

    @property
    def fuses(self) -> bool:
        """Whether a whole batch is worth trying as one statement, before its claims and stock are looked at."""
        ...

    @property
    def writes_alone(self) -> bool:
        """Whether nobody else writes while a transaction does: then nothing is gained by touching stock last."""
        ...

    def engine_options(self, driver: str) -> dict[str, Any]:
        """Arguments for SQLAlchemy's ``create_engine``; for known drivers they end a connection that fell silent."""
        ...

    def prepare(self, engine: Engine) -> None:
        """Set up a new engine of the store's own, before its first connection."""
        ...

    def is_busy(self, driver_connection: Any) -> bool:
        """Whether somebody has a transaction open on this connection."""
        ...

    def begin(self, connection: Connection) -> None:
        """Begin to write: READ COMMITTED or stricter, with timeouts that end with the transaction."""
        ...

    def begin_snapshot(self, connection: Connection) -> None:
        """Begin to read: everything until the end is one snapshot."""
        ...

    def is_open(self, connection: Connection) -> bool:
        """Whether the transaction begun may still be committed: after an error that somebody has swallowed the server
        may have ended it, and would let a COMMIT pass in which nothing is stored."""
        ...

    def commit(self, connection: Connection) -> None: ...
    def rollback(self, connection: Connection) -> None: ...

    def write(self, connection: Connection, rows: Rows, at: datetime | None) -> Written:
        """Write ``rows`` in lock order, under one clock. ``at``: the clock of an earlier write of this transaction,
        for a database where the clock would have to be asked for."""
        ...

    def fetch(self, connection: Connection, select: Select, rows: Sequence[Row]) -> list[tuple[Any, ...]]:
        """Read, and where the selection says so lock, the given rows in the given order. Ids come as text."""
        ...

    def is_id(self, text: str) -> bool:
        """Whether ``text`` can be an id here; what cannot was never stored."""
        ...

    def now(self, connection: Connection) -> datetime:
        """The clock, for the parts of a transaction that are not rows of a batch. Time-zone aware, UTC."""
        ...

    def instant(self, at: datetime) -> Any:
        """``at`` as a parameter."""
        ...

    def moment(self, stored: Any) -> datetime:
        """A stored instant as it comes from the driver."""
        ...

    def remaining(self, instant: ColumnElement[Any]) -> ColumnElement[Any]:
        """Seconds from the statement's clock until ``instant``."""
        ...

    def lock_schema(self, connection: Connection) -> None:
        """Let nobody else migrate until :meth:`unlock_schema`, or until the end of the transaction where that ends the
        lock: in either case what was migrated is stored by then, or rolled back."""
        ...

    def unlock_schema(self, connection: Connection) -> None: ...

    def trouble(self, error: DBAPIError) -> Trouble: ...
