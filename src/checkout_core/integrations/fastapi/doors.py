"""Either colour of checkout behind one awaitable face."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Protocol, TypeVar

from anyio import CapacityLimiter, move_on_after, to_thread

from checkout_core.checkout.trace import Trace
from checkout_core.domain.order import Order
from checkout_core.domain.request import CheckoutRequest
from checkout_core.domain.result import CheckoutResult
from checkout_core.drivers.aio import AsyncCheckout
from checkout_core.drivers.member import too_late
from checkout_core.drivers.threads import Checkout

R = TypeVar("R")
THREADS = 64
"""Buyers who wait in a threaded checkout at once, beside the threads of the host's own routes; and as many readers."""

_SHORTEST_SECONDS = 0.001


class Doors(Protocol):
    """What the routes ask of a checkout."""

    @property
    def reprices(self) -> bool: ...

    async def execute(self, request: CheckoutRequest, timeout_seconds: float) -> CheckoutResult: ...
    async def get_order(self, order_id: str) -> Order: ...
    async def trace(self, order_id: str) -> Trace: ...
    async def knock(self) -> None:
        """Raises :class:`StorageUnavailableError` where the store does not answer."""
        ...


def doors_of(checkout: Checkout | AsyncCheckout) -> Doors:
    return _InThreads(checkout) if isinstance(checkout, Checkout) else _Awaited(checkout)


class _Awaited:
    def __init__(self, checkout: AsyncCheckout) -> None:
        self._checkout = checkout

    @property
    def reprices(self) -> bool:
        return self._checkout.reprices

    async def execute(self, request: CheckoutRequest, timeout_seconds: float) -> CheckoutResult:
        return await self._checkout.execute(request, timeout_seconds=timeout_seconds)

    async def get_order(self, order_id: str) -> Order:
        return await self._checkout.get_order(order_id)

    async def trace(self, order_id: str) -> Trace:
        return await self._checkout.trace(order_id)

    async def knock(self) -> None:
        await self._checkout.ops.alarms(limit=1)


class _InThreads:
    """In threads of its own: a request that waits for a bank takes none of the host's, and none of those who read."""

    def __init__(self, checkout: Checkout) -> None:
        self._checkout = checkout
        self._buying: CapacityLimiter | None = None
        self._reading: CapacityLimiter | None = None

    @property
    def reprices(self) -> bool:
        return self._checkout.reprices

    async def execute(self, request: CheckoutRequest, timeout_seconds: float) -> CheckoutResult:
        """Waiting for a thread counts: whoever gets none in time has bought nothing."""
        if self._buying is None:  # a limiter belongs to the event loop in which it is made
            self._buying = CapacityLimiter(THREADS)
        end = time.monotonic() + timeout_seconds

        def begun() -> CheckoutResult:
            left = max(_SHORTEST_SECONDS, end - time.monotonic())
            return self._checkout.execute(request, timeout_seconds=left)

        with move_on_after(timeout_seconds):  # a thread that has begun is not given up
            return await to_thread.run_sync(begun, limiter=self._buying)
        raise too_late()

    async def get_order(self, order_id: str) -> Order:
        return await self._do(partial(self._checkout.get_order, order_id))

    async def trace(self, order_id: str) -> Trace:
        return await self._do(partial(self._checkout.trace, order_id))

    async def knock(self) -> None:
        await self._do(partial(self._checkout.ops.alarms, limit=1))

    async def _do(self, work: Callable[[], R]) -> R:
        if self._reading is None:
            self._reading = CapacityLimiter(THREADS)
        return await to_thread.run_sync(work, limiter=self._reading)
