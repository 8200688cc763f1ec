"""The database servers' own counters: deadlocks and commits, read so that the reading does not count."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, ExceptionContext, create_engine, event, make_url, text
from sqlalchemy.pool import NullPool

DEADLOCK_CODES = frozenset({"40P01", 1213})
_BACKENDS_MOST_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Deadlocks:
    """``on_server``: by the server's counter. ``met``: errors that told this process of one."""

    on_server: int
    met: int


def deadlocks_during(url: str, body: Callable[[], None]) -> Deadlocks:
    """Run ``body``, which leaves no connection open, and count. PostgreSQL counts by database, MariaDB by server."""
    before = server_count(url, _DEADLOCKS)
    with _errors_met() as met:
        body()
    return Deadlocks(on_server=server_count(url, _DEADLOCKS) - before, met=len(met))


def commits_on(url: str) -> int:
    """PostgreSQL's count of transactions committed in this database."""
    return server_count(url, {"postgresql": "SELECT xact_commit FROM pg_stat_database WHERE datname = :name"})


def rollbacks_on(url: str) -> int:
    """PostgreSQL's count of transactions rolled back in this database: failed ones, and those that only read."""
    return server_count(url, {"postgresql": "SELECT xact_rollback FROM pg_stat_database WHERE datname = :name"})


def server_count(url: str, statements: dict[str, str]) -> int:
    """Asked from outside the database that is measured, when nobody is connected to it any more: a PostgreSQL backend
    hands its numbers in at its end."""
    place = make_url(url)
    outside = place.set(database="postgres" if place.get_backend_name() == "postgresql" else "")
    engine = create_engine(outside, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        if connection.dialect.name == "postgresql":
            _await_end_of_backends(connection, str(place.database))
        statement = text(statements[connection.dialect.name])
        values = {"name": place.database} if connection.dialect.name == "postgresql" else {}
        return int(connection.execute(statement, values).scalar_one())


_DEADLOCKS = {
    "postgresql": "SELECT deadlocks FROM pg_stat_database WHERE datname = :name",
    "mysql": "SELECT COUNT FROM information_schema.innodb_metrics WHERE NAME = 'lock_deadlocks'",
    "mariadb": "SELECT COUNT FROM information_schema.innodb_metrics WHERE NAME = 'lock_deadlocks'",
}


@contextmanager
def _errors_met() -> Iterator[list[object]]:
    met: list[object] = []

    def note(context: ExceptionContext) -> None:
        error = context.original_exception
        if DEADLOCK_CODES & {getattr(error, "sqlstate", None), *error.args[:1]}:
            met.append(error)

    event.listen(Engine, "handle_error", note)
    try:
        yield met
    finally:
        event.remove(Engine, "handle_error", note)


def _await_end_of_backends(connection: Connection, database: str) -> None:
    statement = text("SELECT count(*) FROM pg_stat_activity WHERE datname = :name")
    give_up = time.monotonic() + _BACKENDS_MOST_SECONDS
    while connection.execute(statement, {"name": database}).scalar_one():
        assert time.monotonic() < give_up, "a connection was left open"
        time.sleep(0.01)
