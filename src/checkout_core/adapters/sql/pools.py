"""The store's own connections: never one that the host works on."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator
from contextlib import contextmanager, nullcontext
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.pool import Pool as ConnectionPool
from sqlalchemy.pool import StaticPool

from checkout_core.adapters.sql.dialects.dialect import Dialect, Timeouts
from checkout_core.adapters.sql.dialects.mariadb import MariaDB
from checkout_core.adapters.sql.dialects.postgresql import PostgreSQL
from checkout_core.adapters.sql.dialects.sqlite import SQLite
from checkout_core.adapters.sql.forking import ForkGate
from checkout_core.errors import ConfigurationError, InsideTransactionError

_DIALECTS: dict[str, Callable[[Timeouts], Dialect]] = {
    "postgresql": PostgreSQL,
    "mariadb": MariaDB,
    "mysql": MariaDB,
    "sqlite": SQLite,
}


class Pool:
    """Connections of one store, all in autocommit: the dialect says BEGIN and COMMIT itself.

    Built from a host's engine it connects as that engine does (its credentials, its events), through a pool of its
    own. A forked child begins with an empty pool and leaves the parent's connections alone.
    """

    def __init__(self, source: str | Engine, timeouts: Timeouts) -> None:
        url = source.url if isinstance(source, Engine) else make_url(source)
        self.dialect = _dialect(url.get_backend_name(), timeouts)
        if self.dialect.name == "sqlite" and _is_in_memory(url):
            raise ConfigurationError(
                "expected a SQLite file, found a database in memory: each thread would get its own"
            )
        options = self.dialect.engine_options(url.get_driver_name())
        if isinstance(source, Engine):
            options["pool"] = source.pool.recreate()
            self._refuse_busy(options["pool"])
        self._engine = create_engine(url, isolation_level="AUTOCOMMIT", hide_parameters=True, **options)
        self.dialect.prepare(self._engine)
        self._pid = os.getpid()
        self._gate = ForkGate(self.close, timeouts.lock_seconds) if self.dialect.name == "sqlite" else None

    @contextmanager
    def connection(self) -> Generator[Connection]:
        """A connection with no transaction open; given back afterwards, or thrown away if it was invalidated."""
        if self._pid != os.getpid():
            self._engine.dispose(close=False)
            self._pid = os.getpid()
        with self._gate.passed() if self._gate is not None else nullcontext(), self._engine.connect() as connection:
            if self.dialect.is_busy(connection.connection.driver_connection):
                connection.detach()
                raise _inside()
            yield connection

    def close(self) -> None:
        self._engine.dispose()

    def _refuse_busy(self, pool: ConnectionPool) -> None:
        """An engine over one connection of the host's own would have us work inside the host's transactions."""
        if isinstance(pool, StaticPool):
            raise ConfigurationError("expected an engine that makes connections, found one that shares a single one")

        def look(driver_connection: Any, _record: object) -> None:
            if self.dialect.is_busy(driver_connection):
                raise _inside()

        # Before SQLAlchemy's own listeners: those roll back.
        event.listen(pool, "first_connect", look, insert=True)
        event.listen(pool, "connect", look, insert=True)


def _inside() -> InsideTransactionError:
    return InsideTransactionError(
        "expected a connection of the store's own, found one on which somebody has a transaction open; give a URL"
    )


def _is_in_memory(url: URL) -> bool:
    return not url.database or ":memory:" in url.database or url.query.get("mode") == "memory"


def _dialect(database: str, timeouts: Timeouts) -> Dialect:
    made = _DIALECTS.get(database)
    if made is None:
        raise ConfigurationError(f"expected one of {', '.join(sorted(_DIALECTS))}, found {database}")
    return made(timeouts)
