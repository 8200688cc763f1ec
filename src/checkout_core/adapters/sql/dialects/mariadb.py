"""MariaDB: a statement per table, its rows as one JSON document.

Everything runs under READ COMMITTED, whatever the server's default. Ownership is never told from row counts, which are
the same for a new and an old row.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from pydantic_core import to_json
from sqlalchemy import ColumnElement, Connection, Engine, ExceptionContext, TextClause, event, func, text
from sqlalchemy.exc import DBAPIError

from checkout_core.adapters.sql.dialects.dialect import Timeouts, Trouble, Written
from checkout_core.adapters.sql.failures import ConflictedError
from checkout_core.adapters.sql.rows import Rows
from checkout_core.adapters.sql.statement import Column, Delete, Group, Insert, Kind, Row, Select, Statement, Update
from checkout_core.errors import ConfigurationError

_CONFLICTS = frozenset({1205, 1213, 1020, 1412})
_LOST = frozenset({1021, 1037, 1040, 1041, 1042, 1043, 1047, 1053, 1077, 1080, 1152, 1158, 1159, 1160, 1161, 1180}) | {
    *(1203, 1226, 1290, 1792, 1836, 1927, 1969, 2002, 2003, 2006, 2013, 2014, 2055, 3024)
}
_DATA = frozenset(
    {1022, 1048, 1062, 1136, 1169, 1264, 1265, 1292, 1366, 1406, 1451, 1452, 1586, 1690, 3819, 4025, 4038}
)
_MODES = "STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION,SIMULTANEOUS_ASSIGNMENT"
_IN_TRANSACTION = 1
_ERRED = "checkout_core erred"
_FOUND_ROWS = 2
"""The client's flag by which a row that was found counts, whether or not an update changed it."""
_SCHEMA_LOCK = "checkout_core.migrate"


class MariaDB:
    """The primitives of :class:`Dialect` for MariaDB 10.6 and later (InnoDB)."""

    name = "mariadb"
    fuses = False
    writes_alone = False

    def __init__(self, timeouts: Timeouts) -> None:
        self._timeouts = timeouts
        self._statements: dict[Statement, TextClause] = {}

    def engine_options(self, driver: str) -> dict[str, Any]:
        if driver != "pymysql":
            return {}
        silent_seconds = int(self._timeouts.lock_seconds) + 10
        timeouts = {"connect_timeout": 10, "read_timeout": silent_seconds, "write_timeout": silent_seconds}
        return {"connect_args": timeouts}

    def prepare(self, engine: Engine) -> None:
        # The pool is the store's own, so that settings of the session stay in it.
        lock_seconds = max(1, int(self._timeouts.lock_seconds))
        idle_seconds = max(1, int(self._timeouts.idle_seconds))

        def set_up(driver_connection: Any, _record: object) -> None:
            if not getattr(driver_connection, "client_flag", _FOUND_ROWS) & _FOUND_ROWS:
                raise ConfigurationError(
                    "expected connections with the client flag FOUND_ROWS, found one that does not count rows that"
                    " stay as they were; give a URL, or set the flag where the engine's connections are made"
                )
            cursor = driver_connection.cursor()
            cursor.execute("SELECT VERSION()")
            (version,) = cursor.fetchone()
            if "MariaDB" not in version:
                raise ConfigurationError(f"expected MariaDB, found MySQL {version}")
            cursor.execute("SET NAMES utf8mb4 COLLATE utf8mb4_nopad_bin")
            cursor.execute("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED")
            cursor.execute(
                f"SET SESSION sql_mode = '{_MODES}', time_zone = '+00:00',"
                f" innodb_lock_wait_timeout = {lock_seconds}, idle_transaction_timeout = {idle_seconds}"
            )
            cursor.close()

        event.listen(engine, "connect", set_up)
        event.listen(engine, "handle_error", _remember)

    def is_busy(self, driver_connection: Any) -> bool:
        return bool(getattr(driver_connection, "server_status", 0) & _IN_TRANSACTION)

    def begin(self, connection: Connection) -> None:
        connection.info.pop(_ERRED, None)
        connection.exec_driver_sql("START TRANSACTION READ WRITE")

    def begin_snapshot(self, connection: Connection) -> None:
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        connection.exec_driver_sql("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")

    def is_open(self, connection: Connection) -> bool:
        # The server ends a transaction by some errors and none else, and says so only when asked.
        asked = _ERRED in connection.info
        return not asked or bool(connection.exec_driver_sql("SELECT @@in_transaction").scalar_one())

    def commit(self, connection: Connection) -> None:
        connection.exec_driver_sql("COMMIT")

    def rollback(self, connection: Connection) -> None:
        connection.exec_driver_sql("ROLLBACK")

    def write(self, connection: Connection, rows: Rows, at: datetime | None) -> Written:
        at = at or self.now(connection)
        stamp = self.instant(at)
        counts: dict[Group, int] = {}
        for group, given in rows.in_lock_order():
            done = connection.execute(self._text(group), {"given": to_json(given).decode(), "now": stamp})
            counts[group] = done.rowcount
        return Written(at, counts)

    def fetch(self, connection: Connection, select: Select, rows: Sequence[Row]) -> list[tuple[Any, ...]]:
        found = connection.execute(self._text(select), {"given": to_json(rows).decode()})
        return [tuple(row) for row in found]

    def is_id(self, text: str) -> bool:
        return text.isascii()

    def now(self, connection: Connection) -> datetime:
        return self.moment(connection.execute(text("SELECT UTC_TIMESTAMP(6)")).scalar_one())

    def instant(self, at: datetime) -> datetime:
        return at.astimezone(UTC).replace(tzinfo=None)

    def moment(self, stored: Any) -> datetime:
        at: datetime = stored
        return at.replace(tzinfo=UTC)

    def remaining(self, instant: ColumnElement[Any]) -> ColumnElement[Any]:
        return func.timestampdiff(text("MICROSECOND"), func.utc_timestamp(6), instant) / 1e6

    def lock_schema(self, connection: Connection) -> None:
        if connection.execute(text(f"SELECT GET_LOCK('{_SCHEMA_LOCK}', 60)")).scalar_one() != 1:
            raise ConflictedError("another process has been migrating for a minute")

    def unlock_schema(self, connection: Connection) -> None:
        # Nothing is left to commit: the first CREATE TABLE has ended the transaction, and each statement after it is
        # stored by itself.
        connection.execute(text(f"SELECT RELEASE_LOCK('{_SCHEMA_LOCK}')"))

    def trouble(self, error: DBAPIError) -> Trouble:
        arguments = getattr(error.orig, "args", ())
        code = arguments[0] if arguments else None
        if code in _CONFLICTS:
            return Trouble.CONFLICT
        if code in _DATA:
            return Trouble.DATA
        lost = code in _LOST or error.connection_invalidated or type(error.orig).__name__ == "InterfaceError"
        return Trouble.LOST if lost else Trouble.DEFECT

    def _text(self, statement: Statement) -> TextClause:
        known = self._statements.get(statement)
        if known is None:
            known = self._statements[statement] = text(
                _select(statement) if isinstance(statement, Select) else _change(statement)
            )
        return known


def _remember(context: ExceptionContext) -> None:
    """An error was met on this connection."""
    if context.connection is not None and not context.is_disconnect:
        context.connection.info[_ERRED] = True


def _change(group: Group) -> str:
    match group:
        case Insert():
            return _insert(group)
        case Update():
            assigned = ", ".join(f"t.{name} = {_filled(group, value)}" for name, value in group.assign.items())
            return f"UPDATE {_joined(group, _filled(group, group.where))} SET {assigned}"
        case Delete():
            return f"DELETE t FROM {_joined(group, _filled(group, group.where))}"


def _insert(group: Insert) -> str:
    names = [column.name for column in group.columns]
    into = ", ".join([*names, *group.stamped])
    values = ", ".join([*(_filled(group, f"x.{name}") for name in names), *[":now"] * len(group.stamped)])
    table = f"checkout_{group.table}"
    if group.across is not None:
        sinks, column = group.across
        source = f"{_given(group)} CROSS JOIN checkout_{sinks} AS s"
        return f"INSERT INTO {table} ({column}, {into}) SELECT s.{column}, {values} FROM {source}"
    statement = f"INSERT INTO {table} ({into}) SELECT {values} FROM {_given(group)}"
    if not group.keep:
        return statement
    return f"{statement} ON DUPLICATE KEY UPDATE {group.key[0]} = {table}.{group.key[0]}"


def _select(select: Select) -> str:
    lock = " FOR UPDATE" if select.locked else ""
    return f"SELECT {', '.join(select.fetch)} FROM {_joined(select, select.where)}{lock}"


def _joined(statement: Statement, where: str) -> str:
    """The given rows in their order, each looked up by the primary key: InnoDB locks in the order of access."""
    table = f"checkout_{statement.table} AS t FORCE INDEX (PRIMARY)"
    return f"{_given(statement)} STRAIGHT_JOIN {table} ON {where}"


def _filled(group: Group, template: str) -> str:
    """``template`` with the clock, and with instants in place of seconds from now."""
    filled = template.replace("{now}", ":now")
    for column in group.columns:
        if column.kind is Kind.AFTER:
            instant = f"TIMESTAMPADD(MICROSECOND, x.{column.name} * 1000000, :now)"
            filled = re.sub(rf"\bx\.{column.name}\b", instant, filled)
    return filled


def _given(statement: Statement) -> str:
    """The given rows as a table ``x``, in the order given; a cell that does not fit is an error and never cut."""
    columns = ", ".join(
        f"{column.name} {_type(column)} PATH '$[{index}]' ERROR ON ERROR"
        for index, column in enumerate(statement.columns)
    )
    return f"JSON_TABLE(:given, '$[*]' COLUMNS ({columns})) AS x"


def _type(column: Column) -> str:
    match column.kind:
        case Kind.ID:
            return "VARCHAR(64) CHARACTER SET ascii COLLATE ascii_nopad_bin"
        case Kind.TEXT:
            bounded = f"VARCHAR({column.most})" if column.most else "LONGTEXT"
            return f"{bounded} CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin"
        case Kind.INT:
            return "BIGINT"
        case Kind.AFTER:
            return "DECIMAL(20, 6)"
