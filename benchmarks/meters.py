"""What a run cost: commits, rows and WAL of the database, processor time of client, server and of everybody else."""

from __future__ import annotations

import time
from dataclasses import dataclass

import psutil
import psycopg


@dataclass(frozen=True, slots=True)
class DatabaseCounters:
    """Totals of one database since it was made; ``wal_bytes`` of its server, which serves nobody else."""

    commits: int
    inserted_rows: int
    wal_bytes: int

    def since(self, before: DatabaseCounters) -> DatabaseCounters:
        return DatabaseCounters(
            self.commits - before.commits,
            self.inserted_rows - before.inserted_rows,
            self.wal_bytes - before.wal_bytes,
        )

    def shared_by(self, orders: int) -> PerOrder:
        return PerOrder(self.commits / orders, self.inserted_rows / orders, self.wal_bytes / orders)


@dataclass(frozen=True, slots=True)
class PerOrder:
    commits: float
    inserted_rows: float
    wal_bytes: float


def database_counters(server_dsn: str, database: str) -> DatabaseCounters:
    """Read from another database, so that reading is not counted. The run's connections must be closed by now."""
    with psycopg.connect(server_dsn, autocommit=True) as connection:
        _await_disconnection(connection, database)
        row = connection.execute(
            "SELECT xact_commit, tup_inserted, (pg_current_wal_insert_lsn() - '0/0')::bigint"
            " FROM pg_stat_database WHERE datname = %s",
            [database],
        ).fetchall()[0]
    return DatabaseCounters(*map(int, row))


def _await_disconnection(connection: psycopg.Connection[tuple[object, ...]], database: str) -> None:
    # A backend reports what it did when it ends, and is listed until then.
    open_sessions = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND backend_type = 'client backend'"
    deadline = time.monotonic() + 30
    while connection.execute(open_sessions, [database]).fetchall()[0][0] != 0:
        if time.monotonic() > deadline:
            raise RuntimeError("the contender left a connection open")
        time.sleep(0.02)


@dataclass(frozen=True, slots=True)
class Processor:
    """Seconds of processor time: of the server's processes that live now, and of the whole machine."""

    server: float
    machine: float

    def since(self, before: Processor) -> Processor:
        return Processor(self.server - before.server, self.machine - before.machine)


def processor(postmaster: int | None) -> Processor:
    machine = psutil.cpu_times()
    busy = sum(machine) - machine.idle - getattr(machine, "iowait", 0.0)
    return Processor(_tree(psutil.Process(postmaster)) if postmaster else 0.0, busy)


def _tree(root: psutil.Process) -> float:
    spent = 0.0
    for process in (root, *root.children()):
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        spent += times.user + times.system
    return spent
