"""Carts with the same items in crossed orders never deadlock, by the databases' own counters (protocol 2.6, LIVE-4)."""

from __future__ import annotations

import threading
from functools import partial
from itertools import permutations

import pytest
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import OperationalError

from checkout_core import CheckoutRequest, Confirmed, Settings
from checkout_core.adapters.sandbox import SandboxBank
from checkout_core.adapters.sql import SqlStore
from tests.races.counters import deadlocks_during
from tests.races.requests import request
from tests.races.shops import SHOPS, run_threads

ITEMS = ("apple", "banana", "cherry", "date")
CARTS = list(permutations(ITEMS, 3))
UNITS = 30
SHOPS_AT_ONCE = 2
SETTINGS = Settings(lanes=4, batch_most=4)
ROUNDS = 5
"""MariaDB counts for the whole server, on which other tests may make deadlocks of their own. One of ours would also be
met by us, which is never forgiven."""


@pytest.mark.parametrize("colour", sorted(SHOPS))
def test_crossed_carts_of_several_shops_never_deadlock(server_url: str, colour: str) -> None:
    """Eight lanes of two shops, in small batches: carts in all orders, half of them declined so that units go back."""
    for number in range(ROUNDS):
        found = deadlocks_during(server_url, partial(_sell_out, server_url, colour, f"round {number}"))
        assert found.met == 0
        if found.on_server == 0:
            return
    pytest.fail("the server counted deadlocks in every round")


def test_a_deadlock_would_be_seen(server_url: str) -> None:
    """Two transactions that lock two rows in crossed orders: the server counts it, and one of them meets it."""
    found = deadlocks_during(server_url, partial(_deadlock, server_url))
    assert found.on_server >= 1
    assert found.met == 1


def _sell_out(url: str, colour: str, name: str) -> None:
    bank = SandboxBank()
    shops = [SHOPS[colour](url, bank, SETTINGS) for _ in range(SHOPS_AT_ONCE)]
    stock = {f"{name} {item}": UNITS for item in ITEMS}
    try:
        store = shops[0].store
        store.migrate()
        for item, units in stock.items():
            store.inventory.set_available(item, units)
        sold: list[int] = []

        def sell(shop: int) -> None:
            answers = shops[shop].at_once([_crossed(f"{name} {shop}", number) for number in range(2 * len(CARTS))])
            sold.append(sum(isinstance(each, Confirmed) for each in answers))

        run_threads([partial(sell, shop) for shop in range(len(shops))])
        assert 0 < 3 * sum(sold) <= len(ITEMS) * UNITS
        assert sum(sold) == len(bank.ledger())
    finally:
        for shop in shops:
            shop.close()


def _crossed(name: str, number: int) -> CheckoutRequest:
    round_name = name.rsplit(" ", 1)[0]
    items = dict.fromkeys((f"{round_name} {item}" for item in CARTS[number % len(CARTS)]), 1)
    return request(f"{name} {number}", items, token="tok_decline" if number % 2 else "tok_approve")


def _deadlock(url: str) -> None:
    store = SqlStore(url)
    store.migrate()
    for item in ITEMS[:2]:
        store.inventory.set_available(item, 1)
    store.close()
    both_hold_one = threading.Barrier(2)
    engine = create_engine(url)
    victims: list[OperationalError] = []

    def lock(connection: Connection, item: str) -> None:
        statement = text("UPDATE checkout_stock SET available_qty = available_qty + 1 WHERE item_id = :item")
        connection.execute(statement, {"item": item})

    def cross(first: str, second: str) -> None:
        try:
            with engine.begin() as connection:
                lock(connection, first)
                both_hold_one.wait()
                lock(connection, second)
        except OperationalError as error:
            victims.append(error)

    run_threads([partial(cross, *ITEMS[:2]), partial(cross, *ITEMS[1::-1])])
    engine.dispose()
    assert len(victims) == 1, victims
