"""Alarms stay listed until somebody acknowledges them."""

from __future__ import annotations

from sqlalchemy import Connection, select, update

from checkout_core.adapters.sql.dialects.dialect import Dialect
from checkout_core.adapters.sql.tables import ALARMS
from checkout_core.ports.store import Alarm


def listed(connection: Connection, dialect: Dialect, limit: int) -> tuple[Alarm, ...]:
    """The alarms that nobody has acknowledged, oldest first."""
    standing = select(ALARMS).where(ALARMS.c.acknowledged_at.is_(None))
    rows = connection.execute(standing.order_by(ALARMS.c.raised_at, ALARMS.c.alarm_id).limit(limit))
    return tuple(
        Alarm(
            alarm_id=row.alarm_id,
            kind=row.kind,
            order_id=row.order_id,
            detail=row.detail,
            raised_at=dialect.moment(row.raised_at),
        )
        for row in rows
    )


def acknowledge(connection: Connection, dialect: Dialect, alarm_id: str) -> None:
    """The row stays, with the time of it; an unknown or acknowledged alarm is left as it is."""
    at = dialect.instant(dialect.now(connection))
    standing = update(ALARMS).where(ALARMS.c.alarm_id == alarm_id, ALARMS.c.acknowledged_at.is_(None))
    connection.execute(standing.values(acknowledged_at=at))
