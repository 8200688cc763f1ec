"""The relay under threads: each sink has threads of its own, so that none delays another (LIVE-3)."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, wait
from contextlib import contextmanager
from functools import partial

from checkout_core.domain.event import Event
from checkout_core.drivers.failures import described
from checkout_core.drivers.pool import Pool
from checkout_core.drivers.recovery import Idling
from checkout_core.drivers.relaying import CALLS_MOST, Judge, RelayReport, RelayTally, Verdict, chunks
from checkout_core.drivers.sinks import Sink
from checkout_core.ports.outbox import Outbox, PendingEvent
from checkout_core.ports.payment import CallLimits
from checkout_core.ports.publisher import Publisher
from checkout_core.settings import Settings

_log = logging.getLogger("checkout_core.relay")


class Relay:
    """Any number of processes may relay over one store."""

    def __init__(
        self, sinks: Sequence[Sink[Publisher]], outbox: Outbox, settings: Settings, new_id: Callable[[], str]
    ) -> None:
        self._lines = [SinkLine(sink, outbox, settings, new_id) for sink in sinks]
        self._patience = settings.lease_seconds

    def one_pass(self, limit: int) -> RelayReport:
        """Deliver up to ``limit`` due events to each sink; what takes longer than a lease goes on unreported.

        Raises what the store raised while events were claimed, once every sink has had its turn.
        """
        tally = RelayTally()
        passes: list[Future[None]] = [Future() for _ in self._lines]
        for line, ended in zip(self._lines, passes, strict=True):
            threading.Thread(
                target=_settle, args=(ended, partial(line.one_pass, limit, tally)), name="checkout-relay", daemon=True
            ).start()
        done, _ = wait(passes, self._patience)
        for each in done:
            each.result()
        return tally.report()

    @contextmanager
    def beside(self, stopped: Callable[[], bool], pause: Callable[[float], object]) -> Generator[None]:
        """Deliver in threads of its own until ``stopped()``, which must come true before the block ends."""
        threads = [
            threading.Thread(target=line.loop, args=(stopped, pause), name=f"checkout-relay-{line.name}", daemon=True)
            for line in self._lines
        ]
        for thread in threads:
            thread.start()
        yield
        for thread in threads:
            thread.join(self._patience)

    def close(self, timeout_seconds: float) -> bool:
        """Begin no more calls and wait for those under way."""
        end = time.monotonic() + timeout_seconds
        ended = [line.close(max(0.0, end - time.monotonic())) for line in self._lines]
        return all(ended)


class SinkLine:
    """The way of events to one sink."""

    def __init__(self, sink: Sink[Publisher], outbox: Outbox, settings: Settings, new_id: Callable[[], str]) -> None:
        self.name = sink.name
        self._sink = sink
        self._outbox = outbox
        self._settings = settings
        self._new_id = new_id
        self._judge = Judge(settings, new_id)
        self._pool = Pool(CALLS_MOST, f"checkout-relay-{sink.name}")
        self._is_registered = False
        self._is_well = True

    def one_pass(self, limit: int, tally: RelayTally) -> None:
        """Claim and deliver, until nothing is due or ``limit`` events were claimed."""
        left = limit
        while left > 0:
            claimed, calls = self._start(left, tally)
            left -= claimed
            wait(calls, self._settings.lease_seconds)
            if not claimed:
                break

    def loop(self, stopped: Callable[[], bool], pause: Callable[[float], object]) -> None:
        """Claim and deliver until ``stopped()``; ``pause(seconds)`` sleeps, and may return early when stopped."""
        idling, under_way = Idling(), list[Future[None]]()
        while not stopped():
            started = self._start_quietly()
            under_way = [call for call in (*under_way, *started) if not call.done()]
            if started:
                idling.found()
            else:
                pause(idling.pause_seconds())
        wait(under_way, self._settings.call_timeout_seconds)

    def close(self, timeout_seconds: float) -> bool:
        return self._pool.drain(timeout_seconds)

    def _start_quietly(self) -> list[Future[None]]:
        try:
            return self._start(CALLS_MOST * self._sink.together, RelayTally())[1]
        except Exception as error:  # noqa: BLE001 - a worker outlives every failure of the database
            _log.warning("events for %s could not be claimed: %s", self.name, described(error))
            return []

    def _start(self, most: int, tally: RelayTally) -> tuple[int, list[Future[None]]]:
        """Claim up to ``most`` events and begin to deliver them; how many, and the calls."""
        if self._pool.closing:
            return 0, []
        if not self._is_registered:
            self._outbox.register(self.name)
            self._is_registered = True
        most = min(most, CALLS_MOST * (self._sink.together if self._is_well else 1))
        token, at = self._new_id(), time.monotonic()
        lease_seconds = self._settings.lease_seconds
        claimed = self._outbox.claim(self.name, token=token, lease_seconds=lease_seconds, limit=most)
        tally.claimed(len(claimed))
        begin_before = at + lease_seconds - self._settings.call_timeout_seconds
        calls: list[Future[None]] = []
        for chunk in chunks(claimed, self._sink.together):
            ended: Future[None] = Future()
            delivery = partial(self._deliver, chunk, token, begin_before, tally)
            if not self._pool.start(partial(_settle, ended, delivery), begin_before):
                break  # closing, or every thread hangs; the leases run out
            calls.append(ended)
        return len(claimed), calls

    def _deliver(self, chunk: tuple[PendingEvent, ...], token: str, begin_before: float, tally: RelayTally) -> None:
        if time.monotonic() > begin_before:
            return  # somebody else may have claimed it by the time that the receiver has it
        try:
            self.settle(self.verdict(chunk), token, tally)
        except Exception as error:  # noqa: BLE001 - nobody waits for what it says
            _log.warning("events for %s come again when their lease ends: %s", self.name, described(error))

    def verdict(self, chunk: tuple[PendingEvent, ...]) -> Verdict:
        """Publish ``chunk``. Whatever the publisher does is an answer; its process may still die of it."""
        exhausted = self._judge.exhausted(chunk)
        if exhausted is not None:
            return exhausted
        events: list[Event] = [each.event for each in chunk]
        limits = CallLimits(timeout_seconds=self._settings.call_timeout_seconds)
        try:
            answer = self._sink.publisher.publish(events, limits)
        except Exception as error:  # noqa: BLE001 - whatever a host's adapter raises
            return self._judge.failed(chunk, error)
        return self._judge.answered(chunk, answer)

    def settle(self, verdict: Verdict, token: str, tally: RelayTally) -> None:
        """Acknowledge exactly what was accepted; the rest comes again, or waits for an operator."""
        self._is_well = not verdict.failures
        delivered = 0
        if verdict.accepted:
            delivered = self._outbox.acknowledge(self.name, verdict.accepted, token=token)
        if verdict.failures:
            first = verdict.failures[0]
            _log.warning("%d events were not accepted by %s: %s", len(verdict.failures), self.name, first.error)
            self._outbox.fail(self.name, verdict.failures, token=token)
        tally.settled(delivered, verdict.failures)


def _settle(ended: Future[None], work: Callable[[], None]) -> None:
    try:
        work()
    except BaseException as error:  # noqa: BLE001 - it belongs to whoever waits
        ended.set_exception(error)
    else:
        ended.set_result(None)
