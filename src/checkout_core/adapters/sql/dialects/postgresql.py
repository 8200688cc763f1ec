"""PostgreSQL: a flush is one statement whose text depends only on which tables it touches.

Rows travel as one array or joined text per column: half the cost of lists of the driver's. Statements are planned once
(generic plans) and joins are nested loops over the given rows, so that locks are taken in the order given.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, func, text
from sqlalchemy.exc import DBAPIError

from checkout_core.adapters.sql.dialects.dialect import Timeouts, Trouble, Written
from checkout_core.adapters.sql.failures import UnstorableError
from checkout_core.adapters.sql.groups import SAGA_SAVES
from checkout_core.adapters.sql.rows import Rows
from checkout_core.adapters.sql.statement import Column, Delete, Group, Insert, Kind, Row, Select, Statement, Update

_SCHEMA_LOCK = 0x636865636B6F7574
_KEEPALIVE_SECONDS = 5
_UUID = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_SEPARATOR = "\x1f"
_CLOCK = "statement_timestamp()"
_FENCE = f" WHERE (SELECT count(*) FROM w_{SAGA_SAVES.name}) = cardinality(CAST(:{SAGA_SAVES.name}_0 AS uuid[]))"
"""Whoever has lost a saga touches nothing of it: its rows are locked by its own row and are in no other order."""
_IN_TRANSACTION = 2
"""libpq's status: neither without a transaction nor in one that has failed, which COMMIT would roll back in silence."""
_CONFLICTS = ("40001", "40P01", "55P03")
_LOST = ("08", "57", "53", "58", "25006", "25P03", "25P04", "40003")
_DATA = ("22", "23")


class PostgreSQL:
    """The primitives of :class:`Dialect` for PostgreSQL 13 and later."""

    name = "postgresql"
    fuses = True
    writes_alone = False

    def __init__(self, timeouts: Timeouts) -> None:
        # With these plans every join walks the given rows, or the table's key, in order: there is no hash join and no
        # scan that could lock rows in physical order. SET LOCAL ends with the transaction, whoever owns the pool.
        self._begin = (
            "BEGIN ISOLATION LEVEL READ COMMITTED;"
            f"SET LOCAL lock_timeout = {int(timeouts.lock_seconds * 1000)};"
            f"SET LOCAL idle_in_transaction_session_timeout = {int(timeouts.idle_seconds * 1000)};"
            "SET LOCAL plan_cache_mode = force_generic_plan;"
            "SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off;"
            "SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off"
        )
        self._flushes: dict[tuple[Group, ...], str] = {}
        self._selects: dict[Select, str] = {}

    def engine_options(self, driver: str) -> dict[str, Any]:
        if driver not in ("psycopg", "psycopg2"):
            return {}
        silent_seconds = 3 * _KEEPALIVE_SECONDS
        connecting = {
            "connect_timeout": silent_seconds,
            "tcp_user_timeout": silent_seconds * 1000,
            "keepalives_idle": _KEEPALIVE_SECONDS,
            "keepalives_interval": _KEEPALIVE_SECONDS,
            "keepalives_count": 2,
        }
        return {"connect_args": connecting, "use_native_hstore": False}  # else each connection looks hstore up

    def prepare(self, engine: Engine) -> None:
        """Nothing: every setting ends with its transaction."""

    def is_busy(self, driver_connection: Any) -> bool:
        info = getattr(driver_connection, "info", None)
        return bool(getattr(info, "transaction_status", 0))

    def begin(self, connection: Connection) -> None:
        connection.exec_driver_sql(self._begin)

    def begin_snapshot(self, connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")

    def is_open(self, connection: Connection) -> bool:
        info = getattr(connection.connection.driver_connection, "info", None)
        return getattr(info, "transaction_status", _IN_TRANSACTION) == _IN_TRANSACTION

    def commit(self, connection: Connection) -> None:
        connection.exec_driver_sql("COMMIT")

    def rollback(self, connection: Connection) -> None:
        connection.exec_driver_sql("ROLLBACK")

    def write(self, connection: Connection, rows: Rows, at: datetime | None) -> Written:
        params: dict[str, str] = {}
        touched: list[Group] = []
        for group, given in rows.in_lock_order():
            touched.append(group)
            params.update(_parameters(group, given))
        key = tuple(touched)
        statement = self._flushes.get(key)
        if statement is None:
            statement = self._flushes[key] = _as_sent(connection, _flush(key))
        now, *counts = connection.exec_driver_sql(statement, params).one()
        return Written(now.astimezone(UTC), dict(zip(key, counts, strict=True)))

    def fetch(self, connection: Connection, select: Select, rows: Sequence[Row]) -> list[tuple[Any, ...]]:
        statement = self._selects.get(select)
        if statement is None:
            lock = " FOR UPDATE OF t" if select.locked else ""
            order = ", ".join(f"t.{column.name}" for column in select.columns if column.name != "commit_id")
            statement = self._selects[select] = _as_sent(
                connection,
                f"SELECT {_fetched(select)} FROM {_given(select)} JOIN checkout_{select.table} AS t ON {select.where}"
                f" ORDER BY {order}{lock}",
            )
        return [tuple(row) for row in connection.exec_driver_sql(statement, _parameters(select, rows))]

    def is_id(self, text: str) -> bool:
        return _UUID.fullmatch(text) is not None

    def now(self, connection: Connection) -> datetime:
        at: datetime = connection.execute(text(f"SELECT {_CLOCK}")).scalar_one()
        return at.astimezone(UTC)

    def instant(self, at: datetime) -> datetime:
        return at

    def moment(self, stored: Any) -> datetime:
        at: datetime = stored
        return at.astimezone(UTC)

    def remaining(self, instant: ColumnElement[Any]) -> ColumnElement[Any]:
        return func.extract("epoch", instant - func.statement_timestamp())

    def lock_schema(self, connection: Connection) -> None:
        connection.execute(text(f"SELECT pg_advisory_xact_lock({_SCHEMA_LOCK})"))

    def unlock_schema(self, connection: Connection) -> None:
        """Nothing: the lock ends with the transaction."""

    def trouble(self, error: DBAPIError) -> Trouble:
        state = getattr(error.orig, "sqlstate", None)
        if state is None:
            return _without_state(error)
        for prefixes, trouble in ((_CONFLICTS, Trouble.CONFLICT), (_LOST, Trouble.LOST), (_DATA, Trouble.DATA)):
            if state.startswith(prefixes):
                return trouble
        return Trouble.DEFECT


def _without_state(error: DBAPIError) -> Trouble:
    """What the driver itself found: a connection that is gone, or a value that cannot be sent."""
    kind = type(error.orig).__name__
    if error.connection_invalidated or kind in ("OperationalError", "InterfaceError"):
        return Trouble.LOST
    return Trouble.DATA if kind == "DataError" else Trouble.DEFECT


def _as_sent(connection: Connection, statement: str) -> str:
    """``statement`` as the driver wants it: SQLAlchemy would look at each of a hundred parameters for every batch."""
    return str(text(statement).compile(dialect=connection.dialect))


def _flush(touched: Sequence[Group]) -> str:
    """One statement for all groups. Its last part asks for the counts in lock order: that runs them in this order."""
    fence = _FENCE if SAGA_SAVES in touched else ""
    changes = ((group, _change(group, "" if group is SAGA_SAVES else fence)) for group in touched)
    parts = ", ".join(f"w_{group.name} AS ({change} RETURNING 1)" for group, change in changes)
    counts = "".join(f", (SELECT count(*) FROM w_{group.name})" for group in touched)
    return f"WITH {parts} SELECT {_CLOCK}{counts}"


def _change(group: Group, only_if: str) -> str:
    table = f"checkout_{group.table} AS t"
    given = _given(group, only_if)
    match group:
        case Insert():
            return _insert(group, given)
        case Update():
            assigned = ", ".join(f"{name} = {_clocked(value)}" for name, value in group.assign.items())
            return f"UPDATE {table} SET {assigned} FROM {given} WHERE {_clocked(group.where)}"
        case Delete():
            return f"DELETE FROM {table} USING {given} WHERE {_clocked(group.where)}"


def _insert(group: Insert, given: str) -> str:
    names = [column.name for column in group.columns]
    values = [f"x.{name}" for name in names] + [_CLOCK] * len(group.stamped)
    if group.across is not None:
        table, column = group.across
        names, values = [column, *names], [f"s.{column}", *values]
        given = f"{given} CROSS JOIN checkout_{table} AS s"
    into = f"checkout_{group.table} AS t ({', '.join([*names, *group.stamped])})"
    statement = f"INSERT INTO {into} SELECT {', '.join(values)} FROM {given}"
    if not group.keep:
        return statement
    return f"{statement} ON CONFLICT ({', '.join(group.key)}) DO NOTHING"


def _clocked(template: str) -> str:
    return template.replace("{now}", _CLOCK)


def _fetched(select: Select) -> str:
    ids = {f"t.{name}" for name in ("saga_id", "order_id")}
    return ", ".join(f"CAST({name} AS text)" if name in ids else name for name in select.fetch)


def _given(statement: Statement, only_if: str = "") -> str:
    """The given rows as a table ``x``: one array per column, side by side."""
    arrays = ", ".join(_array(f"{statement.name}_{index}", column) for index, column in enumerate(statement.columns))
    names = ", ".join(column.name for column in statement.columns)
    cells = ", ".join(f"{_cell(column)} AS {column.name}" for column in statement.columns)
    return f"(SELECT {cells} FROM unnest({arrays}) AS u ({names}){only_if}) AS x"


def _array(parameter: str, column: Column) -> str:
    match column.kind:
        case Kind.ID:
            return f"CAST(:{parameter} AS uuid[])"
        case Kind.TEXT:
            return f"string_to_array(CAST(:{parameter} AS text), chr(31))"
        case Kind.INT:
            return f"CAST(:{parameter} AS bigint[])"
        case Kind.AFTER:
            return f"CAST(:{parameter} AS double precision[])"


def _cell(column: Column) -> str:
    match column.kind:
        case Kind.TEXT:
            # string_to_array makes of a single empty text an array of none, which unnest fills up with NULL.
            return f"COALESCE(u.{column.name}, '')"
        case Kind.AFTER:
            return f"{_CLOCK} + u.{column.name} * INTERVAL '1 second'"
        case _:
            return f"u.{column.name}"


def _parameters(statement: Statement, rows: Sequence[Row]) -> dict[str, str]:
    columns = zip(statement.columns, zip(*rows, strict=True), strict=True)
    return {f"{statement.name}_{index}": _joined(column, cells) for index, (column, cells) in enumerate(columns)}


def _joined(column: Column, cells: Sequence[Any]) -> str:
    match column.kind:
        case Kind.TEXT:
            joined = _SEPARATOR.join(cells)
            if joined.count(_SEPARATOR) != len(cells) - 1:
                raise UnstorableError(f"{column.name}: expected a text without control characters")
            return joined
        case Kind.AFTER:
            return f"{{{','.join(['NULL' if cell is None else repr(cell) for cell in cells])}}}"
        case _:
            return f"{{{','.join(map(str, cells))}}}"
