"""The fixtures themselves: every test starts with an empty database that nobody else sees."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import Connection, create_engine, inspect, make_url, text
from sqlalchemy.pool import NullPool

from tests.servers import databases


@contextmanager
def _autocommit(url: str) -> Iterator[Connection]:
    engine = create_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        yield connection
    engine.dispose()


@pytest.mark.parametrize("turn", ["first", "second"])
def test_each_test_gets_an_empty_database(sql_url: str, turn: str) -> None:
    engine = create_engine(sql_url, poolclass=NullPool)
    assert inspect(engine).get_table_names() == [], turn
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE mine (n INTEGER)"))
    assert inspect(engine).get_table_names() == ["mine"]
    engine.dispose()


def test_what_a_killed_run_left_on_a_server_is_dropped(server_url: str) -> None:
    with subprocess.Popen(["true"]) as ended:
        pass
    left = f"{databases.OWNER}_{ended.pid}_cafe"
    mine = make_url(server_url).database
    with _autocommit(server_url) as connection:
        connection.execute(text(f"CREATE DATABASE {left}"))
    databases.sweep(server_url)
    with _autocommit(server_url) as connection:
        listing = "SELECT datname FROM pg_database" if server_url.startswith("postgresql") else "SHOW DATABASES"
        names = connection.execute(text(listing)).scalars().all()
    assert left not in names
    assert mine in names
