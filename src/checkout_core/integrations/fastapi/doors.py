"""Either colour of checkout behind one awaitable face."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Protocol, TypeVar

from anyio import CapacityLimiter, to_thread

from checkout_core.checkout.trace import Trace
from checkout_core.domain.order import Order
from checkout_core.domain.request import CheckoutRequest
from checkout_core.domain.result import CheckoutResult
from checkout_core.drivers.aio import AsyncCheckout
from checkout_core.drivers.threads import Checkout

R = TypeVar("R")
THREADS = 64
"""Requests that wait in a threaded checkout at once, beside the threads of the host's own routes."""


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
    """In threads of its own: a request that waits for a bank takes none of the host's."""

    def __init__(self, checkout: Checkout) -> None:
        self._checkout = checkout
        self._limiter: CapacityLimiter | None = None

    @property
    def reprices(self) -> bool:
        return self._checkout.reprices

    async def execute(self, request: CheckoutRequest, timeout_seconds: float) -> CheckoutResult:
        return await self._do(partial(self._checkout.execute, request, timeout_seconds=timeout_seconds))

    async def get_order(self, order_id: str) -> Order:
        return await self._do(partial(self._checkout.get_order, order_id))

    async def trace(self, order_id: str) -> Trace:
        return await self._do(partial(self._checkout.trace, order_id))

    async def knock(self) -> None:
        await self._do(partial(self._checkout.ops.alarms, limit=1))

    async def _do(self, work: Callable[[], R]) -> R:
        if self._limiter is None:  # a limiter belongs to the event loop in which it is made
            self._limiter = CapacityLimiter(THREADS)
        return await to_thread.run_sync(work, limiter=self._limiter)
