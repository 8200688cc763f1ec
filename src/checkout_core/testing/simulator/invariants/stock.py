"""STOCK-1 to STOCK-4."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from checkout_core.domain.order import OrderStatus, StockState
from checkout_core.ports.store import StockBalance
from checkout_core.testing.simulator.invariants.view import View

_ALLOWED: dict[OrderStatus, tuple[StockState, ...]] = {
    OrderStatus.PENDING: (StockState.HELD,),
    OrderStatus.REQUIRES_ACTION: (StockState.HELD,),
    OrderStatus.CONFIRMED: (StockState.COMMITTED,),
    OrderStatus.FAILED: (StockState.RELEASED, StockState.NONE),
    OrderStatus.CANCELLED: (StockState.RELEASED, StockState.NONE),
}


def units_add_up(view: View) -> Iterator[str]:
    """STOCK-1: nothing is created and nothing is lost; never less than nothing."""
    for balance in view.balances:
        if balance.available < 0:
            yield f"{balance.item_id}: {balance.available} available"
        if balance.received != view.received.get(balance.item_id, 0):
            yield f"{balance.item_id}: received {balance.received}, put in {view.received.get(balance.item_id, 0)}"
        if balance.received != balance.available + balance.held + balance.committed:
            yield f"{balance.item_id}: {_words(balance)}"


def _words(balance: StockBalance) -> str:
    parts = f"available {balance.available}, held {balance.held}, committed {balance.committed}"
    return f"received {balance.received} but {parts}"


def holds_follow_the_order(view: View) -> Iterator[str]:
    """STOCK-3: open orders hold, confirmed orders have committed, failed orders hold nothing."""
    for saga_id, seen in view.sagas.items():
        order = seen.order
        if order.stock not in _ALLOWED.get(order.status, tuple(StockState)):
            yield f"order {saga_id} is {order.status} with stock {order.stock}"


def all_lines_or_none(view: View) -> Iterator[str]:
    """STOCK-4, counted from the orders' lines and not from the reservations."""
    held, committed = Counter[str](), Counter[str]()
    for seen in view.sagas.values():
        for item in seen.order.items:
            held[item.item_id] += item.qty if seen.order.stock is StockState.HELD else 0
            committed[item.item_id] += item.qty if seen.order.stock is StockState.COMMITTED else 0
    for balance in view.balances:
        expected = (held[balance.item_id], committed[balance.item_id])
        if (balance.held, balance.committed) != expected:
            yield f"{balance.item_id}: held and committed by the orders' lines {expected}, {_words(balance)}"
