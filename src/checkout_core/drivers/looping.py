"""An async publisher in a ``Checkout`` with threads: its calls run in one event loop of their own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence

from checkout_core.domain.event import Event
from checkout_core.drivers.colour import refuse_blocking
from checkout_core.drivers.forking import renew_after_fork
from checkout_core.drivers.sinks import EVENTS_TOGETHER
from checkout_core.errors import RemoteError
from checkout_core.ports.payment import CallLimits
from checkout_core.ports.publisher import AsyncPublisher

_LAST_SECONDS = 1.0
"""How long a loop that ends waits for calls that do not let themselves be cancelled."""


class LoopedPublisher:
    """See :func:`in_loop`. ``close`` ends the loop; the next call begins another."""

    def __init__(self, publisher: AsyncPublisher) -> None:
        self._publisher = publisher
        self.events_together = int(getattr(publisher, "events_together", EVENTS_TOGETHER))
        self.renew()
        renew_after_fork(self)

    def renew(self) -> None:
        """Begin without a loop."""
        self._beginning = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    @property
    def name(self) -> str:
        return self._publisher.name

    def publish(self, events: Sequence[Event], limits: CallLimits) -> Sequence[RemoteError | None]:
        with self._beginning:  # or the call could come to a loop that has ended, and wait for ever
            answer = asyncio.run_coroutine_threadsafe(self._limited(events, limits), self._begun())
        return answer.result()

    def close(self) -> None:
        """Close the publisher, if it can be, and end the loop: calls that are still under way are cancelled."""
        with self._beginning:
            loop, thread, self._loop, self._thread = self._loop, self._thread, None, None
        if loop is None or thread is None:
            return
        try:
            asyncio.run_coroutine_threadsafe(self._end(), loop).result()
        finally:
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            loop.close()

    async def _end(self) -> None:
        closing = getattr(self._publisher, "close", None)
        try:
            if closing is not None:
                await closing()
        finally:
            late = asyncio.all_tasks() - {asyncio.current_task()}
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late, timeout=_LAST_SECONDS)

    async def _limited(self, events: Sequence[Event], limits: CallLimits) -> Sequence[RemoteError | None]:
        async with asyncio.timeout(limits.timeout_seconds):
            return await self._publisher.publish(events, limits)

    def _begun(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            self._thread = threading.Thread(target=self._loop.run_forever, name="checkout-looped", daemon=True)
            self._thread.start()
        return self._loop


def in_loop(publisher: AsyncPublisher) -> LoopedPublisher:
    """Lend an async ``publisher`` to ``Checkout``; what takes too long is cancelled, unlike a thread's call.

    Raises :class:`ConfigurationError` if the publisher is sync already.
    """
    refuse_blocking(publisher, ("publish",))
    return LoopedPublisher(publisher)
