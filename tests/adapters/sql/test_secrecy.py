"""What the database says about a failure stays inside: it quotes statements and values."""

from __future__ import annotations

import pytest
from sqlalchemy import create_engine, text

from checkout_core.adapters.sql import SqlStore
from checkout_core.errors import CheckoutError


def test_an_error_drags_no_error_of_the_database_along(sql_url: str) -> None:
    """SAFE-1: neither as its cause nor as its context."""
    store = SqlStore(sql_url)
    store.migrate()
    engine = create_engine(sql_url)
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE checkout_alarms"))
    engine.dispose()
    with pytest.raises(CheckoutError) as caught:
        store.alarms()
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    assert "SELECT" not in str(caught.value)
    store.close()
