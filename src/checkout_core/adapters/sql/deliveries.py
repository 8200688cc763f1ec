"""What sinks have not acknowledged yet: claims and their ends, compared with the database's clock (protocol 6.2, 6.3).

A delivery is claimed by moving its ``due_at`` to the end of the lease; one without ``due_at`` is a dead letter.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, Protocol, TypeVar

from sqlalchemy import ColumnElement, Connection, and_, case, delete, exists, func, insert, select, update

from checkout_core.adapters.sql.dialects.dialect import Dialect
from checkout_core.adapters.sql.tables import ALARMS, DELIVERIES, OUTBOX, SINKS
from checkout_core.domain.event import Event
from checkout_core.ports.outbox import Backlog, DeadLetter, Failure, Outbox, PendingEvent

T = TypeVar("T")
_EARLIER = DELIVERIES.alias("earlier")
_PENDING = case((DELIVERIES.c.died_at.is_(None), DELIVERIES.c.queued_at))


class Transactions(Protocol):
    """How the store runs the body of a transaction."""

    def __call__(self, body: Callable[[Connection], T]) -> T: ...


class Deliveries(Outbox):
    """The ``outbox`` of a :class:`SqlStore`."""

    def __init__(self, dialect: Dialect, read: Transactions, write: Transactions) -> None:
        self._dialect = dialect
        self._read = read
        self._write = write

    def register(self, sink: str) -> None:
        def body(connection: Connection) -> None:
            if connection.execute(select(SINKS.c.sink).where(SINKS.c.sink == sink)).first() is None:
                at = self._dialect.instant(self._dialect.now(connection))
                connection.execute(insert(SINKS).values(sink=sink, registered_at=at))

        self._write(body)

    def retire(self, sink: str) -> None:
        def body(connection: Connection) -> None:
            connection.execute(delete(SINKS).where(SINKS.c.sink == sink))
            connection.execute(delete(DELIVERIES).where(DELIVERIES.c.sink == sink))

        self._write(body)

    def claim(self, sink: str, *, token: str, lease_seconds: float, limit: int) -> tuple[PendingEvent, ...]:
        return self._write(lambda connection: self._claim(connection, sink, token, lease_seconds, limit))

    def _claim(
        self, connection: Connection, sink: str, token: str, lease_seconds: float, limit: int
    ) -> tuple[PendingEvent, ...]:
        now = self._dialect.now(connection)
        of_order = and_(_EARLIER.c.sink == DELIVERIES.c.sink, _EARLIER.c.order_id == DELIVERIES.c.order_id)
        due = (
            select(DELIVERIES.c.order_id, DELIVERIES.c.event_id, DELIVERIES.c.tries)
            .where(DELIVERIES.c.sink == sink, DELIVERIES.c.due_at <= self._dialect.instant(now))
            .where(~exists().where(of_order, _EARLIER.c.sequence < DELIVERIES.c.sequence))
            .order_by(DELIVERIES.c.due_at)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        tries = {row.event_id: (row.order_id, row.tries + 1) for row in connection.execute(due)}
        if not tries:
            return ()
        orders = [order_id for order_id, _ in tries.values()]
        until = self._dialect.instant(now + timedelta(seconds=lease_seconds))
        claimed = update(DELIVERIES).where(_named(sink, orders, tries))
        connection.execute(claimed.values(token=token, due_at=until, tries=DELIVERIES.c.tries + 1))
        named = select(OUTBOX).where(OUTBOX.c.aggregateid.in_(orders), OUTBOX.c.id.in_(list(tries)))
        events = {row.id: self._event(row) for row in connection.execute(named)}
        return tuple(
            PendingEvent(event=events[event_id], tries=counted)
            for event_id, (_, counted) in tries.items()
            if event_id in events
        )

    def _event(self, row: Any) -> Event:
        return Event(
            event_id=row.id,
            type=row.type,
            order_id=row.aggregateid,
            sequence=row.aggregate_seq,
            occurred_at=self._dialect.moment(row.created_at),
            payload=row.payload,
        )

    def acknowledge(self, sink: str, events: Sequence[Event], *, token: str) -> int:
        if not events:
            return 0
        mine = _named(sink, [each.order_id for each in events], [each.event_id for each in events])
        done = delete(DELIVERIES).where(mine, DELIVERIES.c.token == token, DELIVERIES.c.token != "")
        return self._write(lambda connection: connection.execute(done).rowcount)

    def fail(self, sink: str, failures: Sequence[Failure], *, token: str) -> None:
        def body(connection: Connection) -> None:
            # In the order of the key: two relays whose leases have crossed must not wait for each other in a circle.
            for failure in sorted(failures, key=lambda each: (each.event.order_id, each.event.sequence)):
                self._fail(connection, sink, failure, token)

        self._write(body)

    def _fail(self, connection: Connection, sink: str, failure: Failure, token: str) -> None:
        now = self._dialect.now(connection)
        here = self._dialect.instant(now)
        changes: dict[str, Any] = {"due_at": None, "died_at": here}
        if failure.retry_seconds is not None:
            changes = {"due_at": self._dialect.instant(now + timedelta(seconds=failure.retry_seconds))}
        event = failure.event
        mine = update(DELIVERIES).where(_named(sink, [event.order_id], [event.event_id]))
        held = mine.where(DELIVERIES.c.token == token, DELIVERIES.c.token != "")
        found = connection.execute(held.values(token="", error=failure.error, **changes)).rowcount
        if found and failure.retry_seconds is None:
            connection.execute(
                insert(ALARMS).values(
                    alarm_id=failure.alarm_id,
                    kind="dead_letter",
                    order_id=event.order_id,
                    detail=f"{sink}: {event.type} {event.event_id}: {failure.error}",
                    raised_at=here,
                )
            )

    def dead(self, *, limit: int = 100) -> tuple[DeadLetter, ...]:
        of_event = and_(OUTBOX.c.aggregateid == DELIVERIES.c.order_id, OUTBOX.c.aggregate_seq == DELIVERIES.c.sequence)
        letters = (
            select(DELIVERIES, OUTBOX.c.type)
            .join(OUTBOX, of_event)
            .where(DELIVERIES.c.died_at.is_not(None))
            .order_by(DELIVERIES.c.died_at, DELIVERIES.c.sink, DELIVERIES.c.order_id)
            .limit(limit)
        )
        return self._read(lambda connection: tuple(map(self._letter, connection.execute(letters))))

    def _letter(self, row: Any) -> DeadLetter:
        return DeadLetter(
            sink=row.sink,
            event_id=row.event_id,
            order_id=row.order_id,
            type=row.type,
            tries=row.tries,
            error=row.error,
            died_at=self._dialect.moment(row.died_at),
        )

    def replay(self, sink: str, event_id: str) -> bool:
        def body(connection: Connection) -> bool:
            here = self._dialect.instant(self._dialect.now(connection))
            again = update(DELIVERIES).where(_dead(sink, event_id))
            return connection.execute(again.values(due_at=here, died_at=None, tries=0)).rowcount > 0

        return self._dialect.is_id(event_id) and self._write(body)

    def skip(self, sink: str, event_id: str) -> bool:
        gone = delete(DELIVERIES).where(_dead(sink, event_id))
        return self._dialect.is_id(event_id) and self._write(lambda connection: connection.execute(gone).rowcount > 0)

    def backlog(self) -> tuple[Backlog, ...]:
        waiting = (
            select(
                SINKS.c.sink,
                func.count(_PENDING).label("pending"),
                func.count(DELIVERIES.c.died_at).label("dead"),
                self._dialect.remaining(func.min(_PENDING)).label("remaining"),
            )
            .outerjoin(DELIVERIES, DELIVERIES.c.sink == SINKS.c.sink)
            .group_by(SINKS.c.sink)
            .order_by(SINKS.c.sink)
        )
        return self._read(lambda connection: tuple(map(_backlog, connection.execute(waiting))))


def _named(sink: str, orders: Sequence[str], events: Any) -> ColumnElement[bool]:
    """Exactly these events at this sink, found by the key's first columns."""
    return and_(DELIVERIES.c.sink == sink, DELIVERIES.c.order_id.in_(orders), DELIVERIES.c.event_id.in_(list(events)))


def _dead(sink: str, event_id: str) -> ColumnElement[bool]:
    return and_(DELIVERIES.c.sink == sink, DELIVERIES.c.event_id == event_id, DELIVERIES.c.died_at.is_not(None))


def _backlog(row: Any) -> Backlog:
    age = 0.0 if row.remaining is None else max(0.0, -float(row.remaining))
    return Backlog(sink=row.sink, pending=row.pending, dead=row.dead, oldest_seconds=age)
