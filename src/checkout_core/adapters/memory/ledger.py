"""The stock ledger: what the warehouse puts in and takes out, each entry once (protocol 7.5)."""

from __future__ import annotations

from threading import RLock

from checkout_core.adapters.memory.tables import Stock, Tables
from checkout_core.domain.stock import StockEntry
from checkout_core.errors import InvalidRequestError, Problem
from checkout_core.ports.store import StockLedger


class MemoryLedger(StockLedger):
    """The ``inventory`` of a :class:`MemoryStore`; shares its lock."""

    def __init__(self, tables: Tables, lock: RLock) -> None:
        self._tables = tables
        self._lock = lock
        self._entered: dict[str, tuple[str, str]] = {}

    def set_available(
        self, item_id: str, free_qty: int, *, location: str = "", adjustment_id: str | None = None
    ) -> None:
        entry = _entry(item_id, location, free_qty, adjustment_id)
        with self._lock:
            if free_qty < 0:
                raise InvalidRequestError([Problem("free_qty", "expected a quantity of at least 0")])
            self._enter(entry, free_qty - (self.available(item_id, location=location) or 0))

    def adjust(self, item_id: str, delta: int, *, location: str = "", adjustment_id: str | None = None) -> None:
        entry = _entry(item_id, location, delta, adjustment_id)
        with self._lock:
            self._enter(entry, delta)

    def available(self, item_id: str, *, location: str = "") -> int | None:
        with self._lock:
            stock = self._tables.stock.get((item_id, location))
            return None if stock is None else stock.available

    def _enter(self, entry: StockEntry, delta: int) -> None:
        if entry.adjustment_id in self._entered:
            entry.repeats(self._entered[entry.adjustment_id])
            return
        after = self._tables.stock.get(entry.place, Stock()).entered(delta)
        if after.available < 0:
            raise InvalidRequestError([Problem("delta", "expected a change that leaves at least 0 available")])
        self._tables.stock[entry.place] = after
        if entry.adjustment_id:
            self._entered[entry.adjustment_id] = entry.place


def _entry(item_id: str, location: str, units: int, adjustment_id: str | None) -> StockEntry:
    return StockEntry(item_id=item_id, location=location, units=units, adjustment_id=adjustment_id or "")
