"""A sync adapter in an ``AsyncCheckout``: each call in a thread of its own."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextvars import copy_context
from typing import TypeVar, overload

from checkout_core.domain.cart import Cart
from checkout_core.domain.event import Event
from checkout_core.drivers.colour import refuse_coroutines
from checkout_core.drivers.pool import Pool
from checkout_core.drivers.sinks import EVENTS_TOGETHER
from checkout_core.errors import NotSentError, RemoteError
from checkout_core.ports.cart_source import AsyncCartSource, CartQuery, CartSource, NoCart
from checkout_core.ports.notifier import AsyncNotifier, Notice, Notifier
from checkout_core.ports.payment import (
    AsyncPaymentProvider,
    CallLimits,
    ChargeRequest,
    Guarantees,
    KeyCancelling,
    LookupAnswer,
    PaymentAnswer,
    PaymentProvider,
    PaymentQuery,
    RefundRequest,
)
from checkout_core.ports.publisher import AsyncPublisher, Publisher

T = TypeVar("T")


@overload
def in_threads(adapter: PaymentProvider, *, threads_most: int = 512) -> AsyncPaymentProvider: ...
@overload
def in_threads(adapter: CartSource, *, threads_most: int = 512) -> AsyncCartSource: ...
@overload
def in_threads(adapter: Publisher, *, threads_most: int = 512) -> AsyncPublisher: ...
@overload
def in_threads(adapter: Notifier, *, threads_most: int = 512) -> AsyncNotifier: ...
def in_threads(
    adapter: PaymentProvider | CartSource | Publisher | Notifier, *, threads_most: int = 512
) -> AsyncPaymentProvider | AsyncCartSource | AsyncPublisher | AsyncNotifier:
    """Lend a sync ``adapter`` to ``AsyncCheckout``. At most ``threads_most`` of its calls are made at once.

    A call never waits for a thread, since it might then be sent later than it may be (MONEY-8): where none is free it
    is :class:`NotSentError`. A call that is given up (by timeout) keeps its thread until the adapter returns.
    Raises :class:`ConfigurationError` if the adapter is async already.
    """
    threads = Pool(threads_most, "checkout-lent")
    if isinstance(adapter, CartSource):
        refuse_coroutines(adapter, ("load",))
        return _LentCarts(adapter, threads)
    if isinstance(adapter, Publisher):
        refuse_coroutines(adapter, ("publish",))
        return _LentPublisher(adapter, threads)
    if isinstance(adapter, Notifier):
        refuse_coroutines(adapter, ("send",))
        return _LentNotifier(adapter, threads)
    refuse_coroutines(adapter, ("charge", "refund", "lookup"))
    if isinstance(adapter, KeyCancelling):
        return _LentKeyCancelling(adapter, adapter, threads)
    return _Lent(adapter, threads)


class _Lent:
    def __init__(self, adapter: PaymentProvider, threads: Pool) -> None:
        self._adapter = adapter
        self._threads = threads

    @property
    def name(self) -> str:
        return self._adapter.name

    @property
    def account(self) -> str:
        return self._adapter.account

    @property
    def guarantees(self) -> Guarantees:
        return self._adapter.guarantees

    async def charge(self, request: ChargeRequest, limits: CallLimits) -> PaymentAnswer:
        return await _lend(self._threads, lambda: self._adapter.charge(request, limits))

    async def refund(self, request: RefundRequest, limits: CallLimits) -> PaymentAnswer:
        return await _lend(self._threads, lambda: self._adapter.refund(request, limits))

    async def lookup(self, query: PaymentQuery, limits: CallLimits) -> LookupAnswer:
        return await _lend(self._threads, lambda: self._adapter.lookup(query, limits))


class _LentKeyCancelling(_Lent):
    def __init__(self, adapter: PaymentProvider, cancelling: KeyCancelling, threads: Pool) -> None:
        super().__init__(adapter, threads)
        self._cancelling = cancelling

    async def cancel_by_key(self, key: str, limits: CallLimits) -> PaymentAnswer:
        return await _lend(self._threads, lambda: self._cancelling.cancel_by_key(key, limits))


class _LentCarts:
    def __init__(self, source: CartSource, threads: Pool) -> None:
        self._source = source
        self._threads = threads

    async def load(self, query: CartQuery, limits: CallLimits) -> Cart | NoCart:
        return await _lend(self._threads, lambda: self._source.load(query, limits))


class _LentPublisher:
    def __init__(self, publisher: Publisher, threads: Pool) -> None:
        self._publisher = publisher
        self._threads = threads
        self.events_together = int(getattr(publisher, "events_together", EVENTS_TOGETHER))

    @property
    def name(self) -> str:
        return self._publisher.name

    async def publish(self, events: Sequence[Event], limits: CallLimits) -> Sequence[RemoteError | None]:
        return await _lend(self._threads, lambda: self._publisher.publish(events, limits))


class _LentNotifier:
    def __init__(self, notifier: Notifier, threads: Pool) -> None:
        self._notifier = notifier
        self._threads = threads

    async def send(self, notice: Notice, limits: CallLimits) -> None:
        await _lend(self._threads, lambda: self._notifier.send(notice, limits))


async def _lend(threads: Pool, call: Callable[[], T]) -> T:
    context = copy_context()
    answer: Future[T] = Future()

    def answering() -> None:
        if not answer.set_running_or_notify_cancel():
            return  # given up before it began: it is not sent
        try:
            value = context.run(call)
        except BaseException as error:  # noqa: BLE001 - it belongs to whoever awaits the answer
            answer.set_exception(error)
        else:
            answer.set_result(value)

    if not threads.start(answering, -math.inf):
        raise NotSentError("every thread that is lent to this adapter is taken")
    return await asyncio.wrap_future(answer)
