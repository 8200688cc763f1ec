"""An empty database of one's own on a server that may be shared."""

from __future__ import annotations

import os
import secrets
import socket
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import URL, Connection, create_engine, make_url, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

from tests.servers.processes import is_running

OWNER = f"checkout_test_{zlib.crc32(socket.gethostname().encode()):08x}"
"""Left-overs are told by the process that made them, and processes by the machine they run on."""


def reason_unreachable(url: str) -> str | None:
    """Why nothing can be tested at ``url``, or None."""
    try:
        with _administration(make_url(url)) as connection:
            connection.execute(text("SELECT 1"))
    except (OperationalError, ModuleNotFoundError) as error:
        return str(getattr(error, "orig", error))
    return None


@contextmanager
def own_database(server: str) -> Iterator[str]:
    """A new empty database on ``server`` (the URL of any of its databases) for as long as the block lasts."""
    server_url = make_url(server)
    name = f"{OWNER}_{os.getpid()}_{secrets.token_hex(4)}"
    with _administration(server_url) as connection:
        if connection.dialect.name == "postgresql":
            # The default strategy logs every page and takes three times as long.
            connection.execute(text(f"CREATE DATABASE {name} TEMPLATE template0 STRATEGY FILE_COPY"))
        else:
            connection.execute(text(f"CREATE DATABASE {name} CHARACTER SET utf8mb4"))
    try:
        yield server_url.set(database=name).render_as_string(hide_password=False)
    finally:
        _drop(server_url, name)


def sweep(server: str) -> None:
    """Drop what killed test processes left on a server that outlives them."""
    server_url = make_url(server)
    with _administration(server_url) as connection:
        listing = "SELECT datname FROM pg_database" if connection.dialect.name == "postgresql" else "SHOW DATABASES"
        names = [str(name) for name in connection.execute(text(listing)).scalars()]
    for name in names:
        owner, _, rest = name.partition(f"{OWNER}_")
        if owner == "" and rest and not is_running(rest.split("_")[0]):
            _drop(server_url, name)


def _drop(server_url: URL, name: str) -> None:
    with _administration(server_url) as connection:
        force = " WITH (FORCE)" if connection.dialect.name == "postgresql" else ""
        connection.execute(text(f"DROP DATABASE IF EXISTS {name}{force}"))


@contextmanager
def _administration(url: URL) -> Iterator[Connection]:
    engine = create_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        yield connection
    engine.dispose()
