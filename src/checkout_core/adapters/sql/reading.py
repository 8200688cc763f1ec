"""Sagas with everything that belongs to them, read on one snapshot."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, Table, select

from checkout_core.adapters.sql.dialects.dialect import Dialect
from checkout_core.adapters.sql.sealing import Sealer
from checkout_core.adapters.sql.tables import (
    JOURNAL,
    KEYS,
    OBSERVATIONS,
    OPERATIONS,
    ORDER_ITEMS,
    ORDERS,
    OUTBOX,
    SAGAS,
)
from checkout_core.domain.money import Money
from checkout_core.domain.order import Attention, FailureReason, Order, OrderDetails, OrderItem, OrderStatus, StockState
from checkout_core.domain.result import DeclineKind
from checkout_core.domain.value import parse
from checkout_core.ports.records import OperationKind, OperationState, Phase, RecordOutcome
from checkout_core.ports.store import JournalRow, Observation, Operation, OutboxEvent, SagaFile, SagaRow

_Rows = Sequence[Row[Any]]


class SagaFiles:
    """Builds files from rows. Holds no connection."""

    def __init__(self, dialect: Dialect, sealer: Sealer) -> None:
        self._dialect = dialect
        self._sealer = sealer

    def file(self, connection: Connection, saga_id: str) -> SagaFile | None:
        files = self._files(connection, select(SAGAS.c.saga_id).where(SAGAS.c.saga_id == saga_id))
        return files[0] if files else None

    def found(self, connection: Connection, scope: str, key: str) -> SagaFile | None:
        owner = select(KEYS.c.order_id).where(KEYS.c.scope == scope, KEYS.c.idempotency_key == key)
        files = self._files(connection, owner)
        return files[0] if files else None

    def files_after(self, connection: Connection, saga_id: str, limit: int) -> tuple[SagaFile, ...]:
        following = select(SAGAS.c.saga_id).order_by(SAGAS.c.saga_id).limit(limit)
        if saga_id:
            following = following.where(SAGAS.c.saga_id > saga_id)
        return self._files(connection, following)

    def parked(self, connection: Connection, limit: int) -> tuple[str, ...]:
        waiting = select(SAGAS.c.saga_id).where(SAGAS.c.phase == Phase.PARKED.value)
        return tuple(connection.execute(waiting.order_by(SAGAS.c.saga_id).limit(limit)).scalars())

    def outbox(self, connection: Connection, order_id: str) -> tuple[OutboxEvent, ...]:
        mine = select(OUTBOX).where(OUTBOX.c.aggregateid == order_id).order_by(OUTBOX.c.aggregate_seq)
        return tuple(
            OutboxEvent(
                event_id=row.id,
                aggregatetype=row.aggregatetype,
                aggregateid=row.aggregateid,
                type=row.type,
                payload=row.payload,
                aggregate_seq=row.aggregate_seq,
            )
            for row in connection.execute(mine)
        )

    def _files(self, connection: Connection, which: Select[Any]) -> tuple[SagaFile, ...]:
        ids = [row[0] for row in connection.execute(which)]
        if not ids:
            return ()

        def of(table: Table, column: str, *order: str) -> dict[str, _Rows]:
            chosen = select(table, *self._lasting(table)).where(table.c[column].in_(ids))
            rows = connection.execute(chosen.order_by(*(table.c[name] for name in order)))
            return _by(rows, column)

        sagas = of(SAGAS, "saga_id", "saga_id")
        keys = of(KEYS, "order_id", "order_id")
        orders = of(ORDERS, "order_id", "order_id")
        items = of(ORDER_ITEMS, "order_id", "order_id", "position")
        journal = of(JOURNAL, "saga_id", "saga_id", "version")
        operations = of(OPERATIONS, "saga_id", "saga_id", "position")
        observations = of(OBSERVATIONS, "saga_id", "saga_id", "noted_at", "position")
        return tuple(
            self._file(
                sagas[saga_id][0],
                keys.get(saga_id, ()),
                self._order(orders.get(saga_id, ()), items.get(saga_id, ()), sagas[saga_id][0].stock),
                tuple(self._journal(row) for row in journal.get(saga_id, ())),
                (operations.get(saga_id, ()), observations.get(saga_id, ())),
            )
            for saga_id in ids
            if saga_id in sagas
        )

    def _lasting(self, table: Table) -> list[ColumnElement[Any]]:
        """Every instant of the table that is not shown as such, as the seconds that remain until it."""
        shown = {SAGAS: ("lease_until", "due_at"), OPERATIONS: _OPERATION_TIMES}.get(table, ())
        return [self._dialect.remaining(table.c[name]).label(f"{name}_in") for name in shown]

    def _file(
        self,
        saga: Row[Any],
        keys: _Rows,
        order: Order | None,
        journal: tuple[JournalRow, ...],
        others: tuple[_Rows, _Rows],
    ) -> SagaFile:
        operations, observations = others
        return SagaFile(
            saga=SagaRow(
                saga_id=saga.saga_id,
                definition=saga.definition,
                definition_version=saga.definition_version,
                version=saga.version,
                phase=Phase(saga.phase),
                tries=saga.tries,
                due_in_seconds=_seconds(saga.due_at_in),
                lease_seconds=_seconds(saga.lease_until_in) or 0.0,
            ),
            journal=journal,
            order=order,
            operations=tuple(self._operation(row) for row in operations),
            observations=tuple(
                Observation(observation_id=row.observation_id, outcome=parse(RecordOutcome, row.outcome))
                for row in observations
                if not row.merged
            ),
            scope=keys[0].scope if keys else "",
            key=keys[0].idempotency_key if keys else "",
            fingerprint=keys[0].fingerprint if keys else "",
        )

    def _journal(self, row: Row[Any]) -> JournalRow:
        return JournalRow(
            version=row.version,
            commit_id=row.commit_id,
            at=self._dialect.moment(row.at),
            worker=row.worker,
            entries=row.entries,
        )

    def _order(self, orders: _Rows, items: _Rows, stock: str) -> Order | None:
        if not orders:
            return None
        row = orders[0]
        return Order(
            order_id=row.order_id,
            status=OrderStatus(row.status),
            total=Money(minor=row.total_minor, currency=row.currency),
            items=tuple(
                OrderItem(
                    item_id=item.item_id,
                    qty=item.qty,
                    price=Money(minor=item.price_minor, currency=row.currency),
                    location=item.location,
                )
                for item in items
            ),
            created_at=self._dialect.moment(row.created_at),
            updated_at=self._dialect.moment(row.updated_at),
            cart_id=row.cart_id,
            cart_revision=row.cart_revision,
            scope=row.scope,
            user_id=row.user_id,
            reason=FailureReason(row.reason) if row.reason else None,
            reason_detail=row.reason_detail,
            attention=Attention(row.attention),
            stock=StockState(stock),
            details=parse(OrderDetails, row.details),
            previous_order_id=row.previous_order_id,
        )

    def _operation(self, row: Row[Any]) -> Operation:
        return Operation(
            operation_id=row.operation_id,
            kind=OperationKind(row.kind),
            leg=row.leg,
            attempt=row.attempt,
            provider=row.provider,
            account=row.account,
            key=row.idempotency_key,
            reference=row.reference,
            amount=Money(minor=row.amount_minor, currency=row.currency),
            request=row.request,
            token=self._sealer.unseal(row.token) if row.token else "",
            state=OperationState(row.state),
            provider_reference=row.provider_reference,
            moved_minor=row.moved_minor,
            code=row.code,
            decline_kind=DeclineKind(row.decline_kind) if row.decline_kind else None,
            action_url=row.action_url,
            age_seconds=-float(row.created_at_in),
            pay_by_seconds=float(row.pay_by_in),
            resend_seconds=float(row.resend_until_in),
            quiet_seconds=float(row.quiet_until_in),
            watch_seconds=_seconds(row.watch_until_in),
        )


_OPERATION_TIMES = ("created_at", "pay_by", "resend_until", "quiet_until", "watch_until")


def _seconds(remaining: Any) -> float | None:
    return None if remaining is None else float(remaining)


def _by(rows: Iterable[Row[Any]], column: str) -> dict[str, _Rows]:
    grouped: dict[str, list[Row[Any]]] = defaultdict(list)
    for row in rows:
        grouped[getattr(row, column)].append(row)
    return dict(grouped)
