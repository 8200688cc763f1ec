"""The schema's version: what this code can work with, and how a database gets there (protocol 7.3)."""

from __future__ import annotations

from importlib.resources import files

from sqlalchemy import Connection, inspect, text

from checkout_core.adapters.sql.dialects.dialect import Dialect
from checkout_core.errors import SchemaVersionError

OLDEST, NEWEST = 2, 2
"""The schema versions that this code works with."""

_TABLE = "checkout_schema"


def migrate(connection: Connection, dialect: Dialect, *, through: int) -> int:
    """Bring the database to version ``through`` and give the version that it has then: the body of a transaction.

    May run in several processes at once: one does the work, the others find it done.
    """
    dialect.lock_schema(connection)
    try:
        connection.execute(text(f"CREATE TABLE IF NOT EXISTS {_TABLE} (version integer PRIMARY KEY)"))
        current = _current(connection) or 0
        for version, statements in _steps(dialect.name):
            if current < version <= through:
                for statement in statements:
                    connection.exec_driver_sql(statement)
                connection.execute(text(f"INSERT INTO {_TABLE} (version) VALUES (:version)"), {"version": version})
                current = version
        return current
    finally:
        dialect.unlock_schema(connection)


def check(connection: Connection) -> None:
    """Raise :class:`SchemaVersionError` unless this code can work with the database as it is. Changes nothing."""
    current = _current(connection) if inspect(connection).has_table(_TABLE) else None
    if current is None:
        raise SchemaVersionError("expected the tables of checkout-core, found none: call store.migrate() once")
    if not OLDEST <= current <= NEWEST:
        advice = "call store.migrate()" if current < OLDEST else "upgrade checkout-core in this process"
        raise SchemaVersionError(f"expected schema version {OLDEST} to {NEWEST}, found {current}: {advice}")


def _current(connection: Connection) -> int | None:
    version: int | None = connection.execute(text(f"SELECT max(version) FROM {_TABLE}")).scalar_one()
    return version


def _steps(database: str) -> list[tuple[int, list[str]]]:
    """The ordered migration files: ``0001_first.sql`` leads to version 1."""
    directory = files("checkout_core.adapters.sql").joinpath("migrations", database)
    found = sorted(each.name for each in directory.iterdir() if each.name.endswith(".sql"))
    return [(int(name.split("_")[0]), _statements(directory.joinpath(name).read_text("utf-8"))) for name in found]


def _statements(script: str) -> list[str]:
    lines = "\n".join(line for line in script.splitlines() if not line.startswith("--"))
    return [statement for part in lines.split(";\n") if (statement := part.strip().rstrip(";"))]
