"""How many statements a batch costs: as many for 64 members as for one, and no attempt that is bound to fail."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import event

from checkout_core.adapters.sql import SqlStore
from checkout_core.ports.records import Applied, GuardTaken
from checkout_core.testing.till import Place, Till
from checkout_core.testing.transactions import Ending

ROUND_TRIPS = {"postgresql": (3, 3), "mariadb": (15, 11), "sqlite": (15, 11)}
"""Of a batch of openings and of one of endings, BEGIN and COMMIT included."""


@contextmanager
def counted(store: SqlStore) -> Iterator[list[str]]:
    statements: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_others: object) -> None:
        statements.append(statement)

    event.listen(store._pool._engine, "before_cursor_execute", note)
    yield statements
    event.remove(store._pool._engine, "before_cursor_execute", note)


@pytest.mark.parametrize("members", [1, 64])
def test_the_number_of_statements_does_not_grow_with_the_batch(store: SqlStore, till: Till, members: int) -> None:
    item = till.item(1000)
    purchases = [till.purchase({item: 1}) for _ in range(members)]
    openings = [till.opening(each) for each in purchases]
    endings = [till.ending(each, Ending.CONFIRM) for each in purchases]
    with counted(store) as opening:
        assert {type(answer) for answer in store.commit(openings)} == {Applied}
    with counted(store) as closing:
        assert {type(answer) for answer in store.commit(endings)} == {Applied}
    assert (len(opening), len(closing)) == ROUND_TRIPS[store._pool.dialect.name], opening + closing


def test_a_cart_that_is_free_again_costs_no_second_attempt(postgres_url: str) -> None:
    """It is taken over by the one statement that opens, beside carts that are new and orders that end."""
    store = SqlStore(postgres_url)
    store.migrate()
    till = Till(store)
    item = till.item(10)
    declined, confirmed = till.opened({item: 1}), till.opened({item: 1})
    till.stored(till.ending(declined, Ending.DECLINE))
    again, new = till.purchase({item: 1}, cart_id=declined.cart_id), till.purchase({item: 1})
    batch = [till.opening(again), till.opening(new), till.ending(confirmed, Ending.CONFIRM)]
    with counted(store) as statements:
        assert {type(answer) for answer in store.commit(batch)} == {Applied}
    assert len(statements) == ROUND_TRIPS["postgresql"][0], statements
    assert isinstance(till.commit(till.opening(till.purchase(cart_id=declined.cart_id))), GuardTaken)
    store.close()


def _sell(till: Till, item: Place) -> None:
    till.store.commit([till.opening(till.purchase({item: 1})) for _ in range(4)])


def _attempts(statements: list[str]) -> int:
    return sum(statement.startswith(("BEGIN", "START")) for statement in statements)


def test_a_shortage_costs_a_second_attempt_once(store: SqlStore, till: Till) -> None:
    """What was short is looked at first from then on, until there is enough of it again."""
    item = till.item(2)
    with counted(store) as first:
        _sell(till, item)
    with counted(store) as second:
        _sell(till, item)
    assert _attempts(first) == (1 if store._pool.dialect.writes_alone else 2)
    assert _attempts(second) == 1
    store.inventory.set_available(item[0], 100, location=item[1])
    _sell(till, item)
    with counted(store) as restocked:
        _sell(till, item)
    assert _attempts(restocked) == 1
    expected = ROUND_TRIPS[store._pool.dialect.name][0]
    assert len(restocked) == expected, restocked
