"""The stock ledger: each entry once, under the row's lock, by an id of its own (protocol 7.5)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, and_, func, insert, select, update

from checkout_core.adapters.sql.dialects.dialect import Dialect
from checkout_core.adapters.sql.looks import STOCK_ROWS
from checkout_core.adapters.sql.tables import ORDER_ITEMS, SAGAS, STOCK, STOCK_ADJUSTMENTS
from checkout_core.domain.order import StockState
from checkout_core.domain.stock import StockEntry
from checkout_core.errors import InvalidRequestError, Problem
from checkout_core.ports.store import StockBalance


class Ledger:
    """Each method is the body of a transaction."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect

    def set_available(self, connection: Connection, entry: StockEntry) -> None:
        if entry.units < 0:
            raise InvalidRequestError([Problem("free_qty", "expected a quantity of at least 0")])
        if not self._is_entered(connection, entry):
            known = self._locked(connection, entry.place)
            self._enter(connection, entry, known, entry.units - (known or 0))

    def adjust(self, connection: Connection, entry: StockEntry) -> None:
        if not self._is_entered(connection, entry):
            self._enter(connection, entry, self._locked(connection, entry.place), entry.units)

    def available(self, connection: Connection, place: tuple[str, str]) -> int | None:
        found = select(STOCK.c.available_qty).where(STOCK.c.item_id == place[0], STOCK.c.location == place[1])
        available: int | None = connection.execute(found).scalar_one_or_none()
        return available

    def balances(self, connection: Connection) -> Iterator[StockBalance]:
        """Two reads on one snapshot. What is held and committed stands with the orders, not with the stock."""
        units: dict[tuple[str, str, str], int] = {}
        reserved = (
            select(SAGAS.c.stock, ORDER_ITEMS.c.item_id, ORDER_ITEMS.c.location, func.sum(ORDER_ITEMS.c.qty))
            .join(ORDER_ITEMS, ORDER_ITEMS.c.order_id == SAGAS.c.saga_id)
            .where(SAGAS.c.stock.in_((StockState.HELD.value, StockState.COMMITTED.value)))
            .group_by(SAGAS.c.stock, ORDER_ITEMS.c.item_id, ORDER_ITEMS.c.location)
        )
        for state, item_id, location, qty in connection.execute(reserved):
            units[state, item_id, location] = int(qty)
        for row in connection.execute(select(STOCK).order_by(STOCK.c.item_id, STOCK.c.location)):
            yield StockBalance(
                item_id=row.item_id,
                location=row.location,
                available=row.available_qty,
                received=row.received_qty,
                held=units.get((StockState.HELD, row.item_id, row.location), 0),
                committed=units.get((StockState.COMMITTED, row.item_id, row.location), 0),
            )

    def _is_entered(self, connection: Connection, entry: StockEntry) -> bool:
        entries = STOCK_ADJUSTMENTS.c
        entered = select(entries.item_id, entries.location).where(entries.adjustment_id == entry.adjustment_id)
        found = connection.execute(entered).first()
        if found is not None:
            entry.repeats((found.item_id, found.location))
        return found is not None

    def _locked(self, connection: Connection, place: tuple[str, str]) -> int | None:
        rows = self._dialect.fetch(connection, STOCK_ROWS, [place])
        return int(rows[0][2]) if rows else None

    def _enter(self, connection: Connection, stated: StockEntry, known: int | None, delta: int) -> None:
        after = (known or 0) + delta
        if after < 0:
            raise InvalidRequestError([Problem("delta", "expected a change that leaves at least 0 available")])
        item_id, location = stated.place
        entry: dict[str, Any] = {"adjustment_id": stated.adjustment_id, "item_id": item_id, "location": location}
        at = self._dialect.instant(self._dialect.now(connection))
        connection.execute(insert(STOCK_ADJUSTMENTS).values(**entry, delta=delta, at=at))
        if known is None:
            # Two first entries of one item at once: the second fails on the key, and is repeated from the beginning.
            fresh = insert(STOCK).values(item_id=item_id, location=location, available_qty=after, received_qty=delta)
            connection.execute(fresh)
            return
        here = and_(STOCK.c.item_id == item_id, STOCK.c.location == location)
        received = STOCK.c.received_qty + delta
        connection.execute(update(STOCK).where(here).values(available_qty=after, received_qty=received))
