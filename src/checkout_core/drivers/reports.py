"""What hosts and operators read from a store: orders, traces, alarms, the audit. It blocks."""

from __future__ import annotations

from checkout_core.checkout.audit import AuditReport
from checkout_core.checkout.results import order_view
from checkout_core.checkout.trace import Trace, trace_of
from checkout_core.domain.order import Order
from checkout_core.drivers.auditing import Ledger, Progress, audit_store
from checkout_core.errors import OrderNotFoundError
from checkout_core.ports.store import Alarm, SagaFile, Store


class Reports:
    """Reads one store. Every answer is as of the moment it was read."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def order(self, order_id: str) -> Order:
        """The order, or :class:`OrderNotFoundError`."""
        return _order(self._file(order_id))

    def find(self, idempotency_key: str, scope: str) -> Order | None:
        """The order that the key made, if any."""
        file = self._store.find(scope, idempotency_key)
        return None if file is None or file.order is None else _order(file)

    def trace(self, order_id: str) -> Trace:
        """The order's whole history, or :class:`OrderNotFoundError`."""
        return trace_of(self._file(order_id))

    def orders(self, after: str, limit: int) -> tuple[Order, ...]:
        """The next orders, oldest first; ``after`` is the last order id of the page before, '' starts."""
        return tuple(_order(file) for file in self._store.files_after(after, limit=limit) if file.order is not None)

    def parked(self, limit: int) -> tuple[Order, ...]:
        """The oldest orders that wait for an operator."""
        files = (self._store.load(order_id) for order_id in self._store.parked(limit=limit))
        return tuple(_order(file) for file in files if file is not None and file.order is not None)

    def alarms(self, limit: int) -> tuple[Alarm, ...]:
        """What nobody has acknowledged yet."""
        return self._store.alarms(limit=limit)

    def acknowledge_alarm(self, alarm_id: str) -> None:
        """Somebody has seen it."""
        self._store.acknowledge_alarm(alarm_id)

    def audit(self, ledger: Ledger | None, progress: Progress | None) -> AuditReport:
        """See :func:`audit_store`."""
        return audit_store(self._store, ledger, progress)

    def _file(self, order_id: str) -> SagaFile:
        file = self._store.load(order_id)
        if file is None or file.order is None:
            raise OrderNotFoundError(f"no order {order_id!r} in this store")
        return file


def _order(file: SagaFile) -> Order:
    if file.order is None:
        raise OrderNotFoundError(f"the saga {file.saga.saga_id} has no order")
    return order_view(file.order, file.operations)
