"""The relay under asyncio: each sink has tasks of its own, so that none delays another (LIVE-3)."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial

from checkout_core.domain.event import Event
from checkout_core.drivers.awaiting import Readers
from checkout_core.drivers.failures import described
from checkout_core.drivers.recovery import Idling
from checkout_core.drivers.relaying import CALLS_MOST, Judge, RelayReport, RelayTally, Verdict, chunks
from checkout_core.drivers.sinks import Sink
from checkout_core.ports.outbox import Outbox, PendingEvent
from checkout_core.ports.payment import CallLimits
from checkout_core.ports.publisher import AsyncPublisher
from checkout_core.settings import Settings

_log = logging.getLogger("checkout_core.relay")


class AsyncRelay:
    """:class:`Relay` for one event loop."""

    def __init__(
        self,
        sinks: Sequence[Sink[AsyncPublisher]],
        outbox: Outbox,
        settings: Settings,
        new_id: Callable[[], str],
        readers: Readers,
    ) -> None:
        self._lines = [AsyncSinkLine(sink, outbox, settings, new_id, readers) for sink in sinks]

    async def one_pass(self, limit: int) -> RelayReport:
        """Deliver up to ``limit`` due events to each sink.

        Raises what the store raised while events were claimed, once every sink has had its turn.
        """
        tally = RelayTally()
        passes = await asyncio.gather(*(line.one_pass(limit, tally) for line in self._lines), return_exceptions=True)
        for failed in passes:
            if failed is not None:
                raise failed
        return tally.report()

    @asynccontextmanager
    async def beside(self, stop: asyncio.Event) -> AsyncGenerator[None]:
        """Deliver in tasks of its own until ``stop`` is set, which must happen before the block ends."""
        tasks = [asyncio.create_task(line.loop(stop)) for line in self._lines]
        try:
            yield
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()


class AsyncSinkLine:
    """The way of events to one sink."""

    def __init__(
        self,
        sink: Sink[AsyncPublisher],
        outbox: Outbox,
        settings: Settings,
        new_id: Callable[[], str],
        readers: Readers,
    ) -> None:
        self.name = sink.name
        self._sink = sink
        self._outbox = outbox
        self._settings = settings
        self._new_id = new_id
        self._judge = Judge(settings, new_id)
        self._do = readers.do
        self._calls = asyncio.Semaphore(CALLS_MOST)
        self._is_registered = False
        self._is_well = True

    async def one_pass(self, limit: int, tally: RelayTally) -> None:
        """Claim and deliver, until nothing is due or ``limit`` events were claimed."""
        left = limit
        while left > 0:
            claimed, calls = await self._start(left, tally)
            left -= claimed
            if not claimed:
                break
            await asyncio.wait(calls)

    async def loop(self, stop: asyncio.Event) -> None:
        """Claim and deliver until ``stop`` is set."""
        idling, under_way = Idling(), set[asyncio.Task[None]]()
        while not stop.is_set():
            if len(under_way) >= CALLS_MOST:
                _, under_way = await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
            started = await self._start_quietly()
            under_way = {call for call in under_way | started if not call.done()}
            if started:
                idling.found()
            else:
                await _until(stop, idling.pause_seconds())
        if under_way:
            await asyncio.wait(under_way)

    async def _start_quietly(self) -> set[asyncio.Task[None]]:
        try:
            return (await self._start(CALLS_MOST * self._sink.together, RelayTally()))[1]
        except Exception as error:  # noqa: BLE001 - a worker outlives every failure of the database
            _log.warning("events for %s could not be claimed: %s", self.name, described(error))
            return set()

    async def _start(self, most: int, tally: RelayTally) -> tuple[int, set[asyncio.Task[None]]]:
        """Claim up to ``most`` events and begin to deliver them; how many, and the calls."""
        if not self._is_registered:
            await self._do(partial(self._outbox.register, self.name))
            self._is_registered = True
        most = min(most, CALLS_MOST * (self._sink.together if self._is_well else 1))
        token, at = self._new_id(), time.monotonic()
        lease_seconds = self._settings.lease_seconds
        claim = partial(self._outbox.claim, self.name, token=token, lease_seconds=lease_seconds, limit=most)
        claimed = await self._do(claim)
        tally.claimed(len(claimed))
        begin_before = at + lease_seconds - self._settings.call_timeout_seconds
        return len(claimed), {
            asyncio.create_task(self._deliver(chunk, token, begin_before, tally))
            for chunk in chunks(claimed, self._sink.together)
        }

    async def _deliver(
        self,
        chunk: tuple[PendingEvent, ...],
        token: str,
        begin_before: float,
        tally: RelayTally,
    ) -> None:
        async with self._calls:
            if time.monotonic() > begin_before:
                return  # somebody else may have claimed it by the time that the receiver has it
            try:
                await self.settle(await self.verdict(chunk), token, tally)
            except Exception as error:  # noqa: BLE001 - nobody waits for what it says
                _log.warning("events for %s come again when their lease ends: %s", self.name, described(error))

    async def verdict(self, chunk: tuple[PendingEvent, ...]) -> Verdict:
        """Publish ``chunk``. Whatever the publisher does is an answer; its process may still die of it."""
        exhausted = self._judge.exhausted(chunk)
        if exhausted is not None:
            return exhausted
        events: list[Event] = [each.event for each in chunk]
        limits = CallLimits(timeout_seconds=self._settings.call_timeout_seconds)
        try:
            async with asyncio.timeout(limits.timeout_seconds):
                answer = await self._sink.publisher.publish(events, limits)
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            return self._judge.failed(chunk, error)  # the adapter gave up something of its own
        except Exception as error:  # noqa: BLE001 - whatever a host's adapter raises
            return self._judge.failed(chunk, error)
        return self._judge.answered(chunk, answer)

    async def settle(self, verdict: Verdict, token: str, tally: RelayTally) -> None:
        """Acknowledge exactly what was accepted; the rest comes again, or waits for an operator."""
        self._is_well = not verdict.failures
        delivered = 0
        if verdict.accepted:
            delivered = await self._do(partial(self._outbox.acknowledge, self.name, verdict.accepted, token=token))
        if verdict.failures:
            first = verdict.failures[0]
            _log.warning("%d events were not accepted by %s: %s", len(verdict.failures), self.name, first.error)
            await self._do(partial(self._outbox.fail, self.name, verdict.failures, token=token))
        tally.settled(delivered, verdict.failures)


async def _until(stop: asyncio.Event, timeout_seconds: float) -> None:
    try:
        async with asyncio.timeout(timeout_seconds):
            await stop.wait()
    except TimeoutError:
        return
