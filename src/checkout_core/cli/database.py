"""Opening the database that ``--url`` names, and naming it without its secrets."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from checkout_core.adapters.sql import SqlStore
from checkout_core.cli.failure import UsageError
from checkout_core.errors import ConfigurationError

PATIENCE_SECONDS = 5.0
"""How long an unreachable database is tried: somebody is waiting for the answer."""

_EXPECTED = "expected for example sqlite:///shop.db or postgresql+psycopg://user@host/shop"
_EXTRAS = {"postgresql": ("postgresql+psycopg", "postgres"), "mysql": ("mysql+pymysql", "mysql")}
_EXTRAS["mariadb"] = _EXTRAS["mysql"]


@contextmanager
def open_store(text: str, *, create: bool = False) -> Generator[SqlStore]:
    """The store at this URL, closed with the block. Only with ``create`` may a SQLite file be missing.

    Raises :class:`UsageError` for what is no usable URL. Nothing is connected yet.
    """
    url = _parsed(text)
    file = _sqlite_file(url)
    if file is not None and not create and not file.is_file():
        raise UsageError(f"there is no database file {file}; `checkout-core migrate` creates one")
    if file is not None and not file.parent.is_dir():
        raise UsageError(f"there is no directory {file.parent} for the database file")
    store = _store(text, url)
    try:
        yield store
    finally:
        store.close()


def shown(text: str) -> str:
    """The URL for humans: without password and without options, either of which may be a secret."""
    url = _parsed(text)
    return URL.create(url.drivername, url.username, None, url.host, url.port, url.database).render_as_string()


def _parsed(text: str) -> URL:
    try:
        return make_url(text)
    except (ArgumentError, ValueError):
        pass  # its message may quote the URL, and a password with it
    raise UsageError(f"--url is no database URL: {_EXPECTED}")


def _store(text: str, url: URL) -> SqlStore:
    try:
        return SqlStore(text, commit_deadline_seconds=PATIENCE_SECONDS)
    except ConfigurationError as error:
        raise UsageError(f"--url cannot be used: {error}") from None
    except NoSuchModuleError:
        raise UsageError(f"--url names a database or driver that is not known: {_EXPECTED}") from None
    except ModuleNotFoundError as error:
        driver, extra = _EXTRAS.get(url.get_backend_name(), ("", ""))
        advice = f": pip install 'checkout-core[{extra}]' and use {driver}://..." if driver else ""
        raise UsageError(f"the database driver {error.name} is not installed{advice}") from None


def _sqlite_file(url: URL) -> Path | None:
    if url.get_backend_name() != "sqlite" or not url.database or url.database.startswith((":", "file:")):
        return None
    return Path(url.database)
