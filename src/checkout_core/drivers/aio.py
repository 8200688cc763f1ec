"""``AsyncCheckout``: the facade for hosts with asyncio."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from functools import partial
from types import TracebackType
from typing import Self

from checkout_core.checkout.trace import Trace
from checkout_core.domain.order import Order
from checkout_core.domain.request import CheckoutRequest
from checkout_core.domain.result import CheckoutResult
from checkout_core.drivers.async_relay import AsyncRelay
from checkout_core.drivers.async_runs import AsyncRuns
from checkout_core.drivers.async_worker import AsyncWorker
from checkout_core.drivers.awaiting import AsyncDriver
from checkout_core.drivers.colour import refuse_blocking
from checkout_core.drivers.composition import Composition, checked_deadline, checked_limit
from checkout_core.drivers.operations import AsyncOperations
from checkout_core.drivers.recovery import RecoveryReport
from checkout_core.drivers.relaying import RelayReport
from checkout_core.drivers.reports import Reports
from checkout_core.drivers.sinks import AsyncNotices, reader, sinks_of
from checkout_core.drivers.threads import DEFAULT_SETTINGS, still_at_work
from checkout_core.ports.cart_source import AsyncCartSource
from checkout_core.ports.notifier import AsyncNotifier
from checkout_core.ports.payment import AsyncPaymentProvider
from checkout_core.ports.publisher import AsyncPublisher
from checkout_core.ports.store import Store
from checkout_core.settings import Settings


class AsyncCheckout:
    """:class:`Checkout` for asyncio: the same names and promises, coroutines, async adapters.

    Every checkout runs in a task of its own: a caller's cancellation detaches the caller and never cancels the run.
    A sync adapter is lent with ``in_threads(adapter)``; without that it is a :class:`ConfigurationError`.
    """

    ops: AsyncOperations

    def __init__(  # noqa: PLR0913 - the composition root
        self,
        store: Store,
        payments: AsyncPaymentProvider | Mapping[str, AsyncPaymentProvider],
        *,
        notifier: AsyncNotifier | None = None,
        publishers: Sequence[AsyncPublisher] = (),
        carts: AsyncCartSource | None = None,
        settings: Settings = DEFAULT_SETTINGS,
    ) -> None:
        self._composition = parts = Composition(store, payments, settings, refuse_blocking, carts)
        self._driver = AsyncDriver(store, parts.commits, parts.calls, settings)
        self._runs = AsyncRuns(self._driver, parts.commits, settings.runs_most)
        self._worker = AsyncWorker(parts, self._driver)
        self._reports = Reports(store)
        notices: AsyncPublisher | None = None
        if notifier is not None:
            refuse_blocking(notifier, ("send",))
            notices = AsyncNotices(notifier, reader(self._reports.order), self._driver.readers.do)
        sinks = sinks_of(notices, publishers, refuse_blocking)
        self._relay = AsyncRelay(sinks, store.outbox, settings, parts.new_token, self._driver.readers)
        self._stops: set[asyncio.Event] = set()
        self.ops = AsyncOperations(parts, self._runs, self._reports, self._driver.readers)

    @property
    def reprices(self) -> bool:
        """See :attr:`Checkout.reprices`."""
        return self._composition.shop.has_carts

    async def execute(self, request: CheckoutRequest, *, timeout_seconds: float = 20.0) -> CheckoutResult:
        """See :meth:`Checkout.execute`."""
        deadline = checked_deadline(request, timeout_seconds)
        return await self._runs.result(self._composition.execute(request), deadline, still_at_work)

    async def get_order(self, order_id: str) -> Order:
        """See :meth:`Checkout.get_order`."""
        return await self._driver.readers.do(partial(self._reports.order, order_id))

    async def find_order(self, idempotency_key: str, *, scope: str = "") -> Order | None:
        """See :meth:`Checkout.find_order`."""
        return await self._driver.readers.do(partial(self._reports.find, idempotency_key, scope))

    async def trace(self, order_id: str) -> Trace:
        """See :meth:`Checkout.trace`."""
        return await self._driver.readers.do(partial(self._reports.trace, order_id))

    async def recover(self, *, limit: int = 100) -> RecoveryReport:
        """See :meth:`Checkout.recover`."""
        return await self._worker.one_pass(checked_limit(limit))

    async def relay(self, *, limit: int = 500) -> RelayReport:
        """See :meth:`Checkout.relay`."""
        return await self._relay.one_pass(checked_limit(limit))

    async def run_worker(self, *, stop: asyncio.Event | None = None) -> None:
        """See :meth:`Checkout.run_worker`."""
        stopping = stop if stop is not None else asyncio.Event()
        self._stops.add(stopping)
        try:
            async with self._relay.beside(stopping):
                await self._worker.loop(stopping)
        finally:
            self._stops.discard(stopping)

    def background(self) -> AsyncBackground:
        """:meth:`run_worker` in a task beside a small shop, until the answer is stopped or the checkout closed."""
        return AsyncBackground(self)

    async def close(self, *, timeout_seconds: float = 30.0) -> bool:
        """See :meth:`Checkout.close`. Waits for what runs in this loop."""
        end = time.monotonic() + timeout_seconds
        for stop in self._stops:
            stop.set()
        runs = await self._runs.drain(timeout_seconds)
        recoveries = await self._worker.close(max(0.0, end - time.monotonic()))
        close = partial(self._composition.commits.close, max(0.0, end - time.monotonic()))
        commits = await self._driver.readers.do(close)
        self._driver.readers.close()
        return runs and recoveries and commits

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()


class AsyncBackground:
    """A worker in a task of its own; an async context manager."""

    def __init__(self, checkout: AsyncCheckout) -> None:
        self._stop = asyncio.Event()
        self._task = asyncio.get_running_loop().create_task(checkout.run_worker(stop=self._stop))

    async def stop(self) -> None:
        """Begin nothing more and wait for what is under way."""
        self._stop.set()
        await self._task

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.stop()
