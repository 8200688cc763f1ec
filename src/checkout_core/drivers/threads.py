"""``Checkout``: the facade for hosts with threads."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Self

from checkout_core.checkout.trace import Trace
from checkout_core.domain.order import Order, OrderStatus
from checkout_core.domain.request import CheckoutRequest
from checkout_core.domain.result import CheckoutResult, Pending
from checkout_core.drivers.blocking import ThreadDriver
from checkout_core.drivers.colour import refuse_coroutines
from checkout_core.drivers.composition import Composition, checked_deadline, checked_limit
from checkout_core.drivers.operations import Operations
from checkout_core.drivers.pool import Pool
from checkout_core.drivers.recovery import RecoveryReport
from checkout_core.drivers.relay import Relay
from checkout_core.drivers.relaying import RelayReport
from checkout_core.drivers.reports import Reports
from checkout_core.drivers.sinks import Notices, reader, sinks_of
from checkout_core.drivers.thread_runs import ThreadRuns
from checkout_core.drivers.worker import Worker
from checkout_core.ports.cart_source import CartSource
from checkout_core.ports.notifier import Notifier
from checkout_core.ports.payment import PaymentProvider
from checkout_core.ports.publisher import Publisher
from checkout_core.ports.store import Store
from checkout_core.settings import Settings

DEFAULT_SETTINGS = Settings()


class Checkout:
    """A checkout over one store and its payment providers. Safe to use from any thread, and after a fork.

    ``payments``: one provider, or a mapping by :attr:`PaymentMethod.kind`. The store stays the host's: it is not closed
    here. ``carts``: where the shop keeps its carts; then what is sold is the cart as it is there when the order is
    opened, and one that differs from what the buyer saw is refused as :class:`CartChanged`.
    ``notifier`` tells buyers, ``publishers`` are told the events; both work in :meth:`relay` and
    :meth:`run_worker` only, and see the events from their first pass there on. Without them events stay in the outbox.
    Raises :class:`ConfigurationError` for an adapter that does not fit, or an async one.
    """

    ops: Operations

    def __init__(  # noqa: PLR0913 - the composition root
        self,
        store: Store,
        payments: PaymentProvider | Mapping[str, PaymentProvider],
        *,
        notifier: Notifier | None = None,
        publishers: Sequence[Publisher] = (),
        carts: CartSource | None = None,
        settings: Settings = DEFAULT_SETTINGS,
    ) -> None:
        self._composition = parts = Composition(store, payments, settings, refuse_coroutines, carts)
        driver = ThreadDriver(store, parts.commits, parts.calls, settings)
        pool = None if parts.inline else Pool(settings.runs_most, "checkout-run")
        self._runs = ThreadRuns(driver, parts.commits, pool)
        self._worker = Worker(parts, driver)
        self._reports = Reports(store)
        notices: Publisher | None = None
        if notifier is not None:
            refuse_coroutines(notifier, ("send",))
            notices = Notices(notifier, reader(self._reports.order))
        sinks = sinks_of(notices, publishers, refuse_coroutines)
        self._relay = Relay(sinks, store.outbox, settings, parts.new_token)
        self._closed = threading.Event()
        self.ops = Operations(parts, self._runs, self._reports)

    @property
    def reprices(self) -> bool:
        """Whether a ``CartSource`` says what carts cost, so that a caller need not be believed."""
        return self._composition.shop.has_carts

    def execute(self, request: CheckoutRequest, *, timeout_seconds: float = 20.0) -> CheckoutResult:
        """Create the order, reserve the stock, take the payment and confirm; or undo all of it.

        The same idempotency key gives the same order, whatever was lost in between (ORDER-1). When
        ``timeout_seconds`` pass first, the answer is :class:`Pending` and the checkout goes on without the caller.
        Raises, besides :class:`InvalidRequestError` and :class:`IdempotencyConflictError`,
        :class:`CheckoutTimeoutError` where nothing was stored, and :class:`StorageUnavailableError`: repeat both with
        the same key.
        """
        deadline = checked_deadline(request, timeout_seconds)
        return self._runs.result(self._composition.execute(request), deadline, still_at_work)

    def get_order(self, order_id: str) -> Order:
        """The order as it is now. Raises :class:`OrderNotFoundError`."""
        return self._reports.order(order_id)

    def find_order(self, idempotency_key: str, *, scope: str = "") -> Order | None:
        """The order that a call with this key made, or None."""
        return self._reports.find(idempotency_key, scope)

    def trace(self, order_id: str) -> Trace:
        """Everything that happened to the order, with cause, time and worker. Raises :class:`OrderNotFoundError`."""
        return self._reports.trace(order_id)

    def recover(self, *, limit: int = 100) -> RecoveryReport:
        """One pass of recovery: go on with up to ``limit`` checkouts whose process died, or that are due again."""
        return self._worker.one_pass(checked_limit(limit))

    def relay(self, *, limit: int = 500) -> RelayReport:
        """One pass of the relay: hand up to ``limit`` events that are due to each sink, at least once, under their ids.

        A receiver that fails is no error here: its events come again later. ``ops`` knows the backlog and dead letters.
        """
        return self._relay.one_pass(checked_limit(limit))

    def run_worker(self, *, stop: threading.Event | None = None) -> None:
        """Recover and relay until ``stop`` is set or the checkout is closed. Any number of processes may do this at
        once."""
        stopping = stop if stop is not None else threading.Event()

        def stopped() -> bool:
            return stopping.is_set() or self._closed.is_set()

        with self._relay.beside(stopped, stopping.wait):
            self._worker.loop(stopped, stopping.wait)

    def background(self) -> Background:
        """:meth:`run_worker` in a thread beside a small shop, until the answer is stopped or the checkout closed."""
        return Background(self)

    def close(self, *, timeout_seconds: float = 30.0) -> bool:
        """Take nothing more and finish what is under way; whether all of it ended in time. Recovery ends the rest."""
        end = time.monotonic() + timeout_seconds
        self._closed.set()
        runs = self._runs.drain(timeout_seconds)
        recoveries = self._worker.close(max(0.0, end - time.monotonic()))
        deliveries = self._relay.close(max(0.0, end - time.monotonic()))
        return self._composition.commits.close(max(0.0, end - time.monotonic())) and runs and recoveries and deliveries

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


class Background:
    """A worker in a thread of its own; a context manager."""

    def __init__(self, checkout: Checkout) -> None:
        self._stop = threading.Event()
        self._thread = threading.Thread(
            target=checkout.run_worker, kwargs={"stop": self._stop}, name="checkout-worker", daemon=True
        )
        self._thread.start()

    def stop(self, *, timeout_seconds: float = 30.0) -> bool:
        """Begin nothing more and wait for what is under way; whether it ended in time."""
        self._stop.set()
        self._thread.join(timeout_seconds)
        return not self._thread.is_alive()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()


def still_at_work(order_id: str) -> CheckoutResult:
    """What a caller is told who leaves before its checkout has ended."""
    return Pending(order_id=order_id, status=OrderStatus.PENDING)
