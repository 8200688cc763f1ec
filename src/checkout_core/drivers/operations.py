"""``checkout.ops``: what an operator may see and do, in both colours."""

from __future__ import annotations

from functools import partial

from checkout_core.checkout import operator
from checkout_core.checkout.audit import AuditReport
from checkout_core.checkout.operator import Evidence
from checkout_core.domain.order import Order
from checkout_core.drivers.async_runs import AsyncRuns
from checkout_core.drivers.auditing import Ledger, Progress
from checkout_core.drivers.awaiting import Readers
from checkout_core.drivers.composition import Composition, checked_limit
from checkout_core.drivers.reports import Reports
from checkout_core.drivers.thread_runs import ThreadRuns
from checkout_core.ports.outbox import Backlog, DeadLetter
from checkout_core.ports.store import Alarm


class Operations:
    """For operators of a threaded shop.

    ``retry``, ``force`` and ``compensate`` act on parked orders only: any other raises :class:`TransitionRefusedError`,
    and an unknown id :class:`OrderNotFoundError`. The note is kept in the order's trace.
    """

    def __init__(self, composition: Composition, runs: ThreadRuns, reports: Reports) -> None:
        self._composition = composition
        self._runs = runs
        self._reports = reports

    def list_orders(self, *, after: str = "", limit: int = 100) -> tuple[Order, ...]:
        """The next ``limit`` orders in order of their ids, oldest first; ``after``: the last id of the page before."""
        return self._reports.orders(after, checked_limit(limit))

    def parked(self, *, limit: int = 100) -> tuple[Order, ...]:
        """The oldest orders that wait for an operator."""
        return self._reports.parked(checked_limit(limit))

    def alarms(self, *, limit: int = 100) -> tuple[Alarm, ...]:
        """The alarms that nobody has acknowledged."""
        return self._reports.alarms(checked_limit(limit))

    def acknowledge_alarm(self, alarm_id: str) -> None:
        """Take an alarm off the list."""
        self._reports.acknowledge_alarm(alarm_id)

    def backlog(self) -> tuple[Backlog, ...]:
        """What waits at each sink."""
        return self._composition.store.outbox.backlog()

    def dead_letters(self, *, limit: int = 100) -> tuple[DeadLetter, ...]:
        """The events that a sink never accepted, oldest first. Each holds up its order's later events at that sink."""
        return self._composition.store.outbox.dead(limit=checked_limit(limit))

    def replay(self, sink: str, event_id: str) -> bool:
        """Have a dead letter delivered again, from its first try on; False: there is no such dead letter."""
        return self._composition.store.outbox.replay(sink, event_id)

    def skip(self, sink: str, event_id: str) -> bool:
        """Never deliver a dead letter, and go on with its order's next event; False: there is no such dead letter."""
        return self._composition.store.outbox.skip(sink, event_id)

    def audit(self, *, ledger: Ledger | None = None, progress: Progress | None = None) -> AuditReport:
        """Check the promises on the live store, and against the provider's ``ledger`` where it is given.

        ``ledger``: the whole of it, or what reads it as it stands then. ``progress`` is told how many orders were read.
        """
        return self._reports.audit(ledger, progress)

    def retry(self, order_id: str, *, note: str) -> Order:
        """Let the workers go on with a parked order where it stopped."""
        return self._runs.whole(operator.retry(self._composition.shop, order_id, note))

    def compensate(self, order_id: str, *, note: str) -> Order:
        """Undo a parked order: what is unknown is resolved first, what was charged is given back."""
        return self._runs.whole(operator.compensate(self._composition.shop, order_id, note))

    def force(self, order_id: str, evidence: Evidence, *, note: str, provider_reference: str = "") -> Order:
        """Settle a parked order's charge or refund by what was seen in the provider's books.

        ``provider_reference`` is the provider's own id of what moved, where something did.
        """
        shop = self._composition.shop
        return self._runs.whole(operator.force(shop, order_id, evidence, provider_reference, note))


class AsyncOperations:
    """:class:`Operations` for ``AsyncCheckout``: same names, same promises, coroutines."""

    def __init__(self, composition: Composition, runs: AsyncRuns, reports: Reports, readers: Readers) -> None:
        self._composition = composition
        self._runs = runs
        self._reports = reports
        self._readers = readers

    async def list_orders(self, *, after: str = "", limit: int = 100) -> tuple[Order, ...]:
        """See :meth:`Operations.list_orders`."""
        return await self._readers.do(partial(self._reports.orders, after, checked_limit(limit)))

    async def parked(self, *, limit: int = 100) -> tuple[Order, ...]:
        """See :meth:`Operations.parked`."""
        return await self._readers.do(partial(self._reports.parked, checked_limit(limit)))

    async def alarms(self, *, limit: int = 100) -> tuple[Alarm, ...]:
        """See :meth:`Operations.alarms`."""
        return await self._readers.do(partial(self._reports.alarms, checked_limit(limit)))

    async def acknowledge_alarm(self, alarm_id: str) -> None:
        """See :meth:`Operations.acknowledge_alarm`."""
        await self._readers.do(partial(self._reports.acknowledge_alarm, alarm_id))

    async def backlog(self) -> tuple[Backlog, ...]:
        """See :meth:`Operations.backlog`."""
        return await self._readers.do(self._composition.store.outbox.backlog)

    async def dead_letters(self, *, limit: int = 100) -> tuple[DeadLetter, ...]:
        """See :meth:`Operations.dead_letters`."""
        return await self._readers.do(partial(self._composition.store.outbox.dead, limit=checked_limit(limit)))

    async def replay(self, sink: str, event_id: str) -> bool:
        """See :meth:`Operations.replay`."""
        return await self._readers.do(partial(self._composition.store.outbox.replay, sink, event_id))

    async def skip(self, sink: str, event_id: str) -> bool:
        """See :meth:`Operations.skip`."""
        return await self._readers.do(partial(self._composition.store.outbox.skip, sink, event_id))

    async def audit(self, *, ledger: Ledger | None = None, progress: Progress | None = None) -> AuditReport:
        """See :meth:`Operations.audit`; ``ledger`` and ``progress`` are called in another thread."""
        return await self._readers.do(partial(self._reports.audit, ledger, progress))

    async def retry(self, order_id: str, *, note: str) -> Order:
        """See :meth:`Operations.retry`."""
        return await self._runs.whole(operator.retry(self._composition.shop, order_id, note))

    async def compensate(self, order_id: str, *, note: str) -> Order:
        """See :meth:`Operations.compensate`."""
        return await self._runs.whole(operator.compensate(self._composition.shop, order_id, note))

    async def force(self, order_id: str, evidence: Evidence, *, note: str, provider_reference: str = "") -> Order:
        """See :meth:`Operations.force`."""
        shop = self._composition.shop
        return await self._runs.whole(operator.force(shop, order_id, evidence, provider_reference, note))
