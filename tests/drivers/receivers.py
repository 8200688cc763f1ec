"""A shop whose events are received, in both colours, and what its receivers do wrong."""

from __future__ import annotations

import asyncio
import threading
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

from checkout_core.adapters.memory.store import MemoryStore
from checkout_core.adapters.sandbox import SandboxPayments
from checkout_core.domain.event import Event, EventType
from checkout_core.drivers.aio import AsyncCheckout
from checkout_core.drivers.lending import in_threads
from checkout_core.drivers.threads import Checkout
from checkout_core.errors import RemoteError
from checkout_core.ports.notifier import Notice, Notifier
from checkout_core.ports.payment import CallLimits
from checkout_core.ports.records import AppendEvent
from checkout_core.settings import Settings
from checkout_core.testing.names import event_of
from checkout_core.testing.till import Till
from checkout_core.testing.transactions import Purchase, of_saga, saving
from tests.drivers.toys import PATIENCE, HandClock


class Receiver:
    """Accepts everything, but what ``faults`` say of an event: an error to answer with, or to raise."""

    def __init__(self, name: str = "receiver") -> None:
        self.name = name
        self.calls: list[list[str]] = []
        self.received: list[str] = []
        self.faults: dict[str, RemoteError] = {}
        self.raised: dict[str, Exception] = {}

    def publish(self, events: Sequence[Event], limits: CallLimits) -> Sequence[RemoteError | None]:
        self.calls.append([each.event_id for each in events])
        for each in events:
            if each.event_id in self.raised:
                raise self.raised[each.event_id]
        self.received += [each.event_id for each in events if each.event_id not in self.faults]
        return [self.faults.get(each.event_id) for each in events]


class Postman:
    """A notifier that remembers what it sent."""

    def __init__(self) -> None:
        self.sent: list[Notice] = []
        self.fault: Exception | None = None

    def send(self, notice: Notice, limits: CallLimits) -> None:
        if self.fault is not None:
            raise self.fault
        self.sent.append(notice)


class ReceivingShop:
    """A memory store on a clock of the test's, events at its tills, and one process that relays them."""

    def __init__(self, colour: str, *publishers: Any, notifier: Notifier | None = None, **settings: float) -> None:
        self.clock = HandClock()
        self.store = MemoryStore(self.clock)
        self.store.inventory.set_available("TSHIRT", 1000)
        self.till = Till(self.store)
        chosen = Settings(**settings)  # type: ignore[arg-type]
        self._loop: asyncio.AbstractEventLoop | None = None
        if colour == "threads":
            self.checkout: Checkout | AsyncCheckout = Checkout(
                self.store, SandboxPayments(), notifier=notifier, publishers=publishers, settings=chosen
            )
        else:
            self._loop = asyncio.new_event_loop()
            self._thread = threading.Thread(target=self._loop.run_forever)
            self._thread.start()
            self.checkout = AsyncCheckout(
                self.store,
                in_threads(SandboxPayments()),
                notifier=None if notifier is None else in_threads(notifier),
                publishers=[in_threads(each) for each in publishers],
                settings=chosen,
            )
        self.relay()  # registers the sinks

    def ask(self, method: Callable[..., Any], *args: Any, **keywords: Any) -> Any:
        if self._loop is None:
            return method(*args, **keywords)
        return asyncio.run_coroutine_threadsafe(method(*args, **keywords), self._loop).result(PATIENCE)

    def relay(self, **keywords: Any) -> Any:
        return self.ask(self.checkout.relay, **keywords)

    def at_work(self) -> Callable[[], None]:
        """Start a worker; the answer stops it."""
        if isinstance(self.checkout, Checkout):
            background = self.checkout.background()

            def stop() -> None:
                assert background.stop()

            return stop
        checkout = self.checkout

        async def begin() -> Any:
            return checkout.background()

        beside = self.ask(begin)
        return lambda: self.ask(beside.stop)

    def event(self, purchase: Purchase, version: int) -> str:
        """Append an event to an opened order; its id. ``version``: of the order before."""
        fence = self.till.fence(version)
        event_id = event_of(fence.commit_id)
        appended = AppendEvent(event_id=event_id, type=EventType.ORDER_CONFIRMED, payload="{}")
        self.till.stored(of_saga(purchase.saga_id, fence, appended, saving()))
        return event_id

    def events(self, orders: int) -> list[str]:
        """One event of each of so many orders."""
        return [self.event(self.till.opened(), 1) for _ in range(orders)]

    def order_of_events(self) -> dict[str, list[str]]:
        """By order, the ids of its events as they were committed."""
        found: dict[str, list[str]] = defaultdict(list)
        for file in self.store.files_after("", limit=10_000):
            saga_id = file.saga.saga_id
            found[saga_id] = [each.event_id for each in self.store.outbox_of(saga_id)]
        return found

    def close(self) -> None:
        self.ask(self.checkout.close)
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(PATIENCE)
            self._loop.close()
