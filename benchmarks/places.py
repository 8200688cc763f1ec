"""Where a run happens: an empty database, and what can be counted there."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Protocol

import psycopg

from benchmarks.contender import Contender
from benchmarks.meters import DatabaseCounters, Processor, database_counters, processor
from benchmarks.workload import Workload

DATABASE = "bench"


class Place(Protocol):
    def fresh(self, name: str, contender: Contender) -> str:
        """The URL of a database of its own, with the tables and the stock of the contender that has this name."""
        ...

    def counters(self) -> DatabaseCounters: ...
    def processor(self) -> Processor: ...


class PostgresPlace:
    """A private server. What a contender prepares is made once and copied for each run."""

    def __init__(self, server_dsn: str, postmaster: int) -> None:
        self._dsn = server_dsn
        self._postmaster = postmaster

    def fresh(self, name: str, contender: Contender) -> str:
        prepared = f"{DATABASE}_{name}"
        with psycopg.connect(self._dsn, autocommit=True) as connection:
            known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [prepared]).fetchone()
            if known is None:
                connection.execute(f"CREATE DATABASE {prepared} TEMPLATE template0")
                contender.prepare(self._beside(prepared), Workload())
                with psycopg.connect(self._beside(prepared), autocommit=True) as inside:
                    inside.execute("VACUUM ANALYZE")
            connection.execute(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")
            connection.execute(f"CREATE DATABASE {DATABASE} TEMPLATE {prepared}")
            connection.execute("CHECKPOINT")
        return self._beside(DATABASE)

    def counters(self) -> DatabaseCounters:
        return database_counters(self._dsn, DATABASE)

    def processor(self) -> Processor:
        return processor(self._postmaster)

    def _beside(self, database: str) -> str:
        return self._dsn.rpartition("/")[0] + f"/{database}"


class SqlitePlace:
    """A file in a temporary directory. SQLite counts nothing, and its work is the client's."""

    def __init__(self) -> None:
        self._directory = tempfile.TemporaryDirectory()

    def fresh(self, name: str, contender: Contender) -> str:
        url = f"sqlite:///{Path(self._directory.name, name)}.db"
        contender.prepare(url, Workload())
        return url

    def counters(self) -> DatabaseCounters:
        return DatabaseCounters(commits=0, inserted_rows=0, wal_bytes=0)

    def processor(self) -> Processor:
        return processor(None)
