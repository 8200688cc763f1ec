"""SQLite: one writer at a time, so that BEGIN IMMEDIATE is every lock at once. Instants are microseconds since 1970."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic_core import to_json
from sqlalchemy import ColumnElement, Connection, Engine, event, func, literal, literal_column
from sqlalchemy.exc import DBAPIError

from checkout_core.adapters.sql.dialects.dialect import Timeouts, Trouble, Written
from checkout_core.adapters.sql.dialects.steady_clock import SteadyClock
from checkout_core.adapters.sql.rows import Rows
from checkout_core.adapters.sql.statement import Delete, Group, Insert, Kind, Row, Select, Statement, Update

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class SQLite:
    """The primitives of :class:`Dialect` for SQLite 3.37 and later, in WAL mode, durable at every commit.

    The clock is the host's, which may be set: the latest moment that was written is kept in the file, and time goes on
    from there, with a warning in the log, where the host's clock is behind it (:class:`SteadyClock`).
    """

    name = "sqlite"
    fuses = False
    writes_alone = True

    def __init__(self, timeouts: Timeouts, clock: Callable[[], float] = time.time) -> None:
        self._timeouts = timeouts
        self._clock = SteadyClock(clock)
        self._statements: dict[Statement, str] = {}

    def engine_options(self, driver: str) -> dict[str, Any]:
        return {}

    def prepare(self, engine: Engine) -> None:
        busy_milliseconds = int(self._timeouts.lock_seconds * 1000)

        def set_up(driver_connection: Any, _record: object) -> None:
            driver_connection.isolation_level = None  # BEGIN and COMMIT are ours
            cursor = driver_connection.cursor()
            cursor.execute(f"PRAGMA busy_timeout = {busy_milliseconds}")
            cursor.execute("PRAGMA journal_mode = WAL")
            cursor.execute("PRAGMA synchronous = FULL")
            cursor.close()

        event.listen(engine, "connect", set_up)

    def is_busy(self, driver_connection: Any) -> bool:
        return bool(driver_connection.in_transaction)

    def begin(self, connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    def begin_snapshot(self, connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN")

    def is_open(self, connection: Connection) -> bool:
        return self.is_busy(connection.connection.driver_connection)

    def commit(self, connection: Connection) -> None:
        connection.exec_driver_sql("COMMIT")

    def rollback(self, connection: Connection) -> None:
        if self.is_busy(connection.connection.driver_connection):
            connection.exec_driver_sql("ROLLBACK")

    def write(self, connection: Connection, rows: Rows, at: datetime | None) -> Written:
        at = at or self.now(connection)
        micros = self.instant(at)
        counts: dict[Group, int] = {}
        for group, given in rows.in_lock_order():
            done = connection.exec_driver_sql(self._text(group), _with_clock(group, given, micros))
            counts[group] = done.rowcount
        return Written(at, counts)

    def fetch(self, connection: Connection, select: Select, rows: Sequence[Row]) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in connection.exec_driver_sql(self._text(select), (to_json(rows).decode(),))]

    def is_id(self, text: str) -> bool:
        return True

    def now(self, connection: Connection) -> datetime:
        here = self._clock.micros()
        kept = "INSERT INTO checkout_clock (one, latest) VALUES (1, ?) ON CONFLICT (one) DO UPDATE"
        row = connection.exec_driver_sql(
            f"{kept} SET latest = max(latest, excluded.latest) RETURNING latest", (here,)
        ).scalar_one()
        latest = int(row)
        self._clock.heed(latest, here)
        return self.moment(latest)

    def instant(self, at: datetime) -> int:
        return (at - _EPOCH) // _MICROSECOND

    def moment(self, stored: Any) -> datetime:
        return _EPOCH + int(stored) * _MICROSECOND

    def remaining(self, instant: ColumnElement[Any]) -> ColumnElement[Any]:
        here = literal(self._clock.micros())
        return (instant - func.max(here, literal_column("(SELECT latest FROM checkout_clock)"))) / 1e6

    def lock_schema(self, connection: Connection) -> None:
        """Nothing: BEGIN IMMEDIATE has locked the file."""

    def unlock_schema(self, connection: Connection) -> None:
        """Nothing: the lock ends with the transaction."""

    def trouble(self, error: DBAPIError) -> Trouble:
        code = getattr(error.orig, "sqlite_errorname", "")
        if code.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
            return Trouble.BUSY
        if code.startswith(("SQLITE_CONSTRAINT", "SQLITE_MISMATCH", "SQLITE_TOOBIG", "SQLITE_RANGE")):
            return Trouble.DATA
        if code.startswith(("SQLITE_IOERR", "SQLITE_FULL", "SQLITE_CANTOPEN", "SQLITE_READONLY", "SQLITE_NOMEM")):
            return Trouble.LOST
        return Trouble.DEFECT

    def _text(self, statement: Statement) -> str:
        known = self._statements.get(statement)
        if known is None:
            known = self._statements[statement] = (
                _select(statement) if isinstance(statement, Select) else _change(statement)
            )
        return known


def _change(group: Group) -> str:
    names = [column.name for column in group.columns]
    clock = "?1"
    places = {name: f"?{number}" for number, name in enumerate(names, 2)}

    def filled(template: str) -> str:
        return re.sub(r"\bx\.(\w+)", lambda found: places[found[1]], template.replace("{now}", clock))

    table = f"checkout_{group.table} AS t"
    match group:
        case Insert():
            into = ", ".join([*names, *group.stamped])
            values = ", ".join([*places.values(), *[clock] * len(group.stamped)])
            if group.across is not None:
                source, column = group.across
                return f"INSERT INTO {table} ({column}, {into}) SELECT {column}, {values} FROM checkout_{source}"
            conflict = f" ON CONFLICT ({', '.join(group.key)}) DO NOTHING" if group.keep else ""
            return f"INSERT INTO {table} ({into}) VALUES ({values}){conflict}"
        case Update():
            assigned = ", ".join(f"{name} = {filled(value)}" for name, value in group.assign.items())
            return f"UPDATE {table} SET {assigned} WHERE {filled(group.where)}"
        case Delete():
            return f"DELETE FROM {table} WHERE {filled(group.where)}"


def _select(select: Select) -> str:
    cells = ", ".join(f"value ->> {index} AS {column.name}" for index, column in enumerate(select.columns))
    given = f"(SELECT {cells} FROM json_each(?)) AS x"
    return f"SELECT {', '.join(select.fetch)} FROM {given} CROSS JOIN checkout_{select.table} AS t ON {select.where}"


def _with_clock(group: Group, rows: Sequence[Row], micros: int) -> list[tuple[Any, ...]]:
    """``rows`` as parameters: the clock first, seconds made instants."""
    afters = [index for index, column in enumerate(group.columns) if column.kind is Kind.AFTER]
    if not afters:
        return [(micros, *row) for row in rows]
    filled: list[tuple[Any, ...]] = []
    for row in rows:
        cells: list[Any] = [micros, *row]
        for index in afters:
            seconds = cells[index + 1]
            cells[index + 1] = None if seconds is None else micros + round(seconds * 1_000_000)
        filled.append(tuple(cells))
    return filled
