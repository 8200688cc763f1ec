from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from tests.cli.conftest import Cli


def test_the_first_run_creates_the_tables_and_the_second_finds_them(cli: Cli, sqlite_url: str) -> None:
    first, second = cli("migrate", "--url", sqlite_url), cli("migrate", "--url", sqlite_url)
    assert (first.status, second.status) == (0, 0)
    assert "there were no tables; the schema is now at version" in " ".join(first.out.split())
    assert "already" in second.out


def test_for_machines(cli: Cli, sqlite_url: str) -> None:
    first, second = cli("migrate", "--json", "--url", sqlite_url), cli("migrate", "--json", "--url", sqlite_url)
    assert first.document["before"] == 0
    assert first.document["after"] >= 1
    assert second.document["before"] == second.document["after"] == first.document["after"]
    assert first.document["database"] == sqlite_url
    assert (first.err, second.err) == ("", "")


def test_a_database_that_is_newer_than_the_code_is_left_alone(cli: Cli, sqlite_url: str, tmp_path: Path) -> None:
    cli("migrate", "--url", sqlite_url)
    with closing(sqlite3.connect(tmp_path / "shop.db")) as connection, connection:
        connection.execute("INSERT INTO checkout_schema (version) VALUES (99)")
    ran = cli("migrate", "--url", sqlite_url)
    assert ran.status == 1
    assert ran.out == ""
    assert "found 99: upgrade checkout-core" in ran.err
