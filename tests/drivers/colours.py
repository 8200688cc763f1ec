"""One body for both colours: a harness that starts runs and lets their callers leave, under threads and asyncio."""

from __future__ import annotations

import asyncio
import math
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any, Protocol

from checkout_core.drivers.async_runs import AsyncRuns
from checkout_core.drivers.awaiting import AsyncDriver, AsyncTime
from checkout_core.drivers.blocking import ThreadDriver, Time
from checkout_core.drivers.calls import PAYMENT_ANSWERS, Calls, Route
from checkout_core.drivers.circuit import Circuit
from checkout_core.drivers.member import Commits
from checkout_core.drivers.pool import Pool
from checkout_core.drivers.thread_runs import ThreadRuns
from checkout_core.effect import Program
from checkout_core.ports.payment import CallLimits
from checkout_core.ports.store import Store
from checkout_core.settings import Settings
from tests.drivers.toys import PATIENCE, HandClock

Adapter = Mapping[str, Callable[[Any, CallLimits], Any]]
"""By operation, what the toy adapter does: a blocking function, lent to asyncio by its harness."""


class Parts:
    """What both harnesses are made of."""

    def __init__(self, store: Store, commits: Commits, adapter: Adapter, settings: Settings | None = None) -> None:
        self.store = store
        self.commits = commits
        self.adapter = adapter
        self.settings = settings or Settings()
        self.clock = HandClock()
        self.circuit = Circuit(3, 10.0, self.clock)


class Harness(Protocol):
    """A caller begun after ``hold()`` leaves, or sees its result, when ``pass_time()`` says so."""

    parts: Parts

    def hold(self) -> None: ...
    def begin(self, program: Program[Any], timeout_seconds: float = 60.0) -> Future[Any]: ...
    def pass_time(self, seconds: float) -> None: ...
    def whole(self, program: Program[Any]) -> Future[Any]: ...
    def drain(self, timeout_seconds: float) -> bool: ...
    def close(self) -> None: ...


class ThreadHarness:
    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self.pool = Pool(parts.settings.runs_most, "run", parts.clock)
        self._leaving = threading.Event()
        self._leaving.set()
        self._callers = ThreadPoolExecutor(64, thread_name_prefix="caller")
        calls = Calls({"p": Route(_Sync(parts.adapter), PAYMENT_ANSWERS, parts.circuit)}, parts.clock)
        time = Time(self._clock, parts.clock.sleep)
        driver = ThreadDriver(parts.store, parts.commits, calls, parts.settings, time)
        self.runs = ThreadRuns(driver, parts.commits, self.pool, time)

    def hold(self) -> None:
        self._leaving.clear()

    def begin(self, program: Program[Any], timeout_seconds: float = 60.0) -> Future[Any]:
        deadline = self.parts.clock.now + timeout_seconds
        return self._callers.submit(self.runs.result, program, deadline, pending)

    def pass_time(self, seconds: float) -> None:
        self.parts.clock.now += seconds
        self._leaving.set()

    def whole(self, program: Program[Any]) -> Future[Any]:
        return self._callers.submit(self.runs.whole, program)

    def drain(self, timeout_seconds: float) -> bool:
        return self.runs.drain(timeout_seconds)

    def close(self) -> None:
        self._leaving.set()
        self._callers.shutdown()
        assert self.drain(PATIENCE)

    def _clock(self) -> float:
        if threading.current_thread().name.startswith("caller"):
            assert self._leaving.wait(PATIENCE)
        return self.parts.clock.now


class AsyncHarness:
    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self.loop = _HandLoop(parts.clock)
        self._thread = threading.Thread(target=self.loop.run_forever, name="loop")
        self._thread.start()
        calls = Calls({"p": Route(_Async(parts.adapter), PAYMENT_ANSWERS, parts.circuit)}, parts.clock)
        time = AsyncTime(parts.clock, parts.clock.sleep_async)
        self.driver = AsyncDriver(parts.store, parts.commits, calls, parts.settings, time)
        self.runs = AsyncRuns(self.driver, parts.commits, parts.settings.runs_most, time)

    def hold(self) -> None:
        """Nothing to do: the loop's timers wait for the hand."""

    def begin(self, program: Program[Any], timeout_seconds: float = 60.0) -> Future[Any]:
        deadline = self.parts.clock.now + timeout_seconds
        return asyncio.run_coroutine_threadsafe(self.runs.result(program, deadline, pending), self.loop)

    def pass_time(self, seconds: float) -> None:
        self.parts.clock.now += seconds
        self.loop.call_soon_threadsafe(lambda: None)

    def whole(self, program: Program[Any]) -> Future[Any]:
        return asyncio.run_coroutine_threadsafe(self.runs.whole(program), self.loop)

    def drain(self, timeout_seconds: float) -> bool:
        return asyncio.run_coroutine_threadsafe(self.runs.drain(timeout_seconds), self.loop).result(PATIENCE)

    def close(self) -> None:
        assert self.drain(math.inf)
        self.driver.readers.close()
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(PATIENCE)
        self.loop.close()


COLOURS: dict[str, Callable[[Parts], Harness]] = {"threads": ThreadHarness, "asyncio": AsyncHarness}


def pending(order_id: str) -> str:
    return f"pending {order_id}"


class _HandLoop(asyncio.SelectorEventLoop):
    """Its timers go by the test's clock."""

    def __init__(self, clock: HandClock) -> None:
        super().__init__()
        self._hand = clock

    def time(self) -> float:
        return getattr(self, "_hand", lambda: 0.0)()


class _Sync:
    def __init__(self, adapter: Adapter) -> None:
        self._adapter = adapter

    def __getattr__(self, operation: str) -> Callable[[Any, CallLimits], Any]:
        return self._adapter[operation]


class _Async:
    def __init__(self, adapter: Adapter) -> None:
        self._adapter = adapter

    def __getattr__(self, operation: str) -> Callable[[Any, CallLimits], Any]:
        async def call(request: object, limits: CallLimits) -> object:
            return await asyncio.to_thread(partial(self._adapter[operation], request, limits))

        return call
