"""What a batch has locked when it must wait for somebody else's row (protocol 2.6, 2.10)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest
from sqlalchemy import create_engine, event, text
from sqlalchemy.pool import NullPool

from checkout_core.adapters.sql import SqlStore, Timeouts
from checkout_core.errors import StorageUnavailableError
from checkout_core.ports.records import Applied, MoveOrder, Short, VersionConflict
from checkout_core.testing.till import Till
from checkout_core.testing.transactions import Ending, saving

IMPATIENT = Timeouts(lock_seconds=1.0)


@pytest.fixture
def till(server_url: str) -> Iterator[Till]:
    store = SqlStore(server_url, timeouts=IMPATIENT, commit_deadline_seconds=1.0)
    store.migrate()
    yield Till(store)
    store.close()


@contextmanager
def held(url: str, condition: str, **values: str) -> Iterator[None]:
    """Somebody else has these rows locked within the block. ``condition``: a table and which of its rows."""
    engine = create_engine(url, poolclass=NullPool, isolation_level="READ COMMITTED")
    with engine.connect() as connection:
        connection.execute(text(f"SELECT 1 FROM {condition} FOR UPDATE"), values).one()
        yield
    engine.dispose()


@contextmanager
def first_attempt(store: object) -> Iterator[list[str]]:
    """The statements of a batch until one of them fails."""
    statements: list[str] = []
    failed: list[object] = []

    def end(context: object) -> None:
        failed.append(context)

    def note(_connection: object, _cursor: object, statement: str, *_others: object) -> None:
        if not failed:
            statements.append(statement)

    assert isinstance(store, SqlStore)
    event.listen(store._pool._engine, "before_cursor_execute", note)
    event.listen(store._pool._engine, "handle_error", end)
    yield statements
    event.remove(store._pool._engine, "before_cursor_execute", note)
    event.remove(store._pool._engine, "handle_error", end)
    assert failed


def test_a_batch_that_waits_for_a_cart_has_no_stock_locked(server_url: str, till: Till) -> None:
    """Not even where an item is known to be scarce, so that its row is looked at before the members are written."""
    scarce, plenty = till.item(1), till.item(8)
    ending = till.opened({plenty: 1})
    till.short(till.opening(till.purchase({scarce: 2})))
    batch = [till.opening(till.purchase({scarce: 2})), till.ending(ending, Ending.DECLINE)]
    with (
        held(server_url, "checkout_guards WHERE cart_id = :cart", cart=ending.cart_id),
        first_attempt(till.store) as statements,
        suppress(StorageUnavailableError),
    ):
        till.store.commit(batch)
    assert any("checkout_guards" in statement for statement in statements)
    assert not any("checkout_stock" in statement for statement in statements)
    assert [type(answer) for answer in till.store.commit(batch)] == [Short, Applied]


def test_whoever_has_lost_a_saga_does_not_wait_for_its_rows(server_url: str, till: Till) -> None:
    """STATE-2: its rows are locked by whoever has the saga, in no order with those of other sagas."""
    purchase = till.opened(lease_seconds=0.0)
    order = till.file(purchase).order
    assert order is not None
    till.claim(purchase)
    stale = till.writing(purchase, MoveOrder(status=order.status), saving())
    with held(server_url, "checkout_orders WHERE order_id = :order", order=order.order_id):
        assert till.store.commit([stale]) == [VersionConflict()]
