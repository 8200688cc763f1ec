"""Stores on each database."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from checkout_core.adapters.sql import SqlStore
from checkout_core.testing.till import Till


@pytest.fixture
def store(sql_url: str) -> Iterator[SqlStore]:
    """A migrated store on each database in turn."""
    store = SqlStore(sql_url)
    store.migrate()
    yield store
    store.close()


@pytest.fixture
def till(store: SqlStore) -> Till:
    return Till(store)
