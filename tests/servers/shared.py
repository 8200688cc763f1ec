"""One server of each kind for a whole test run: whoever needs it first starts it, the run's first process stops it."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias

from tests.servers.mariadb import MariadbServer, start_mariadb
from tests.servers.postgres import NOT_DURABLE, PostgresServer, start_postgres
from tests.servers.processes import is_running

RUN_DIRECTORY = "CHECKOUT_TEST_RUN_DIRECTORY"
PREFIX = "checkout-core-tests-"

Server: TypeAlias = PostgresServer | MariadbServer


def open_run() -> Path | None:
    """Name this run's directory, for the workers too; None where an outer process has done so already."""
    if RUN_DIRECTORY in os.environ:
        return None
    _sweep()
    directory = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-"))
    os.environ[RUN_DIRECTORY] = str(directory)
    return directory


def close_run(directory: Path) -> None:
    os.environ.pop(RUN_DIRECTORY, None)
    _discard(directory)


def shared_postgres() -> str:
    """The URL of the run's PostgreSQL."""
    return _shared("postgres").url


def shared_mariadb() -> str:
    """The URL of the run's MariaDB."""
    return _shared("mariadb").url


def _shared(kind: str) -> Server:
    run = Path(os.environ[RUN_DIRECTORY])
    with _locked(run):
        return _noted(run, kind) or _started(run, kind)


def _started(run: Path, kind: str) -> Server:
    directory = run / kind
    server: Server
    if kind == "postgres":
        server = start_postgres(NOT_DURABLE, directory=directory)
    else:
        server = start_mariadb(directory)
    (run / f"{kind}.json").write_text(json.dumps({"port": server.port}))
    return server


def _noted(run: Path, kind: str) -> Server | None:
    note = run / f"{kind}.json"
    if not note.exists():
        return None
    port = int(json.loads(note.read_text())["port"])
    return PostgresServer(run / kind, port) if kind == "postgres" else MariadbServer(run / kind, port)


def _discard(run: Path) -> None:
    PostgresServer(run / "postgres", port=0).stop()
    MariadbServer(run / "mariadb", port=0).stop()
    shutil.rmtree(run, ignore_errors=True)


def _sweep() -> None:
    """Stop and remove what a killed run left behind."""
    for directory in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        pid = directory.name.removeprefix(PREFIX).split("-")[0]
        if not is_running(pid) and os.access(directory, os.W_OK):
            _discard(directory)


@contextmanager
def _locked(run: Path) -> Iterator[None]:
    with (run / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
