"""The tables as SQLAlchemy names them, for what is read or changed outside a batch.

The migrations create them; a test compares the two. Instants have no type here: how they are stored is the dialect's
business.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Column, MetaData, String, Table, Uuid
from sqlalchemy.types import NULLTYPE

from checkout_core.adapters.sql import groups
from checkout_core.adapters.sql.statement import Insert, Kind

metadata = MetaData()
_ID = String(36).with_variant(Uuid(as_uuid=False), "postgresql")
_TYPES: dict[Kind, Any] = {Kind.ID: _ID, Kind.TEXT: String(), Kind.INT: BigInteger(), Kind.AFTER: NULLTYPE}


def _table(group: Insert, *instants: str) -> Table:
    columns = [Column[Any](column.name, _TYPES[column.kind]) for column in group.columns]
    stamps = [Column[Any](name, NULLTYPE) for name in (*group.stamped, *instants)]
    return Table(f"checkout_{group.table}", metadata, *columns, *stamps)


SAGAS = _table(groups.SAGAS)
KEYS = _table(groups.KEYS)
ORDERS = _table(groups.ORDERS)
ORDER_ITEMS = _table(groups.ORDER_ITEMS)
OPERATIONS = _table(groups.OPERATIONS)
JOURNAL = _table(groups.JOURNAL)
OBSERVATIONS = _table(groups.OBSERVATIONS)
OUTBOX = _table(groups.OUTBOX)
ALARMS = _table(groups.ALARMS, "acknowledged_at")
SINKS = Table("checkout_sinks", metadata, Column("sink", String()), Column("registered_at", NULLTYPE))
DELIVERIES = Table(
    "checkout_deliveries",
    metadata,
    Column("sink", String()),
    Column("order_id", _ID),
    Column("sequence", BigInteger()),
    Column("event_id", _ID),
    Column("queued_at", NULLTYPE),
    Column("due_at", NULLTYPE),
    Column("died_at", NULLTYPE),
    Column("tries", BigInteger()),
    Column("token", String()),
    Column("error", String()),
)
STOCK = Table(
    "checkout_stock",
    metadata,
    Column("item_id", String()),
    Column("location", String()),
    Column("available_qty", BigInteger()),
    Column("received_qty", BigInteger()),
)
STOCK_ADJUSTMENTS = Table(
    "checkout_stock_adjustments",
    metadata,
    Column("adjustment_id", String()),
    Column("item_id", String()),
    Column("location", String()),
    Column("delta", BigInteger()),
    Column("at", NULLTYPE),
)
