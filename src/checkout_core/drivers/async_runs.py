"""Runs under asyncio, whose callers may leave before they end."""

from __future__ import annotations

import asyncio
import logging
import math
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from checkout_core.drivers.awaiting import REAL_TIME, AsyncDriver, AsyncTime
from checkout_core.drivers.failures import described
from checkout_core.drivers.member import Commits, closed, too_late
from checkout_core.drivers.run import Run
from checkout_core.effect import Program
from checkout_core.errors import CheckoutTimeoutError

R = TypeVar("R")
_log = logging.getLogger("checkout_core.runs")


class AsyncRuns:
    """Runs whose callers may leave before they end: each in a task that is owned here.

    A caller's cancellation detaches it and never cancels the run. At most ``most`` runs are under way in one loop;
    further callers wait for room until their deadline.
    """

    def __init__(self, driver: AsyncDriver, commits: Commits, most: int, time: AsyncTime = REAL_TIME) -> None:
        self._driver = driver
        self._commits = commits
        self._most = most
        self._clock = time.clock
        self._closing = False
        self._homes: WeakKeyDictionary[asyncio.AbstractEventLoop, _Home] = WeakKeyDictionary()
        self._last: tuple[asyncio.AbstractEventLoop | None, _Home] = (None, _Home())

    async def result(self, program: Program[R], deadline: float, pending: Callable[[str], R]) -> R:
        """What ``program`` returns; at ``deadline`` (monotonic) ``pending(order_id)``, and the run goes on.

        Raises what the program raises, or as :meth:`Run.leave` says.
        """
        run = Run(deadline)
        task = await self._begin(program, run)
        if await _ends(task, max(0.0, deadline - self._clock())):
            return task.result()
        return pending(run.leave(self._commits))

    async def whole(self, program: Program[R]) -> R:
        """What ``program`` returns, however long it takes; the caller's cancellation detaches it all the same."""
        task = await self._begin(program, Run())
        await _ends(task, None)
        return task.result()

    async def drain(self, timeout_seconds: float) -> bool:
        """Admit nothing more and wait for what runs in this loop; whether all of it ended in time."""
        self._closing = True
        tasks = self._home().tasks
        if not tasks:
            return True
        _, late = await asyncio.wait(tasks, timeout=timeout_seconds)
        return not late

    async def _begin(self, program: Program[R], run: Run) -> asyncio.Task[R]:
        home, admitted = self._home(), False
        try:
            admitted = await home.admit(self._most, run.deadline - self._clock())
            if self._closing:
                raise closed()
            if not admitted:
                raise too_late()
            return home.begin(self._driver.drive(program, run))
        except BaseException:
            program.close()
            if admitted:
                home.leave()
            raise

    def _home(self) -> _Home:
        loop = asyncio.get_running_loop()
        last, home = self._last
        if last is not loop:
            home = self._homes.setdefault(loop, _Home())
            self._last = (loop, home)
        return home


class _Home:
    """The runs of one loop. The loop itself keeps only weak references to its tasks."""

    def __init__(self) -> None:
        self.tasks: set[asyncio.Task[Any]] = set()
        self._running = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def admit(self, most: int, timeout_seconds: float) -> bool:
        """Take a place, in order of arrival; False: none was free in time."""
        if self._running < most:
            self._running += 1
            return True
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(place)
        try:
            async with asyncio.timeout(None if math.isinf(timeout_seconds) else timeout_seconds):
                await place
        except TimeoutError:
            return place.done() and not place.cancelled()  # it may have been handed over in the same moment
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():
                self.leave()
            raise
        return True

    def begin(self, drive: Coroutine[Any, Any, R]) -> asyncio.Task[R]:
        """Start the run in the place that was taken."""
        task = asyncio.get_running_loop().create_task(drive)
        self.tasks.add(task)
        task.add_done_callback(self._end)
        return task

    def _end(self, task: asyncio.Task[Any]) -> None:
        self.tasks.discard(task)
        if not task.cancelled():
            task.exception()  # seen: whoever waits gets it, and who left is told of by the log
        self.leave()

    def leave(self) -> None:
        """Give the place to whoever waits longest, or back."""
        while self._waiting:
            place = self._waiting.popleft()
            if not place.done():
                place.set_result(None)  # the place changes hands
                return
        self._running -= 1


async def _ends(task: asyncio.Task[Any], timeout_seconds: float | None) -> bool:
    """Whether the task ends in time. Whoever stops waiting, by timeout or cancellation, leaves it running."""
    try:
        ended, _ = await asyncio.wait({task}, timeout=timeout_seconds)
    except asyncio.CancelledError:
        task.add_done_callback(_note_failure)
        raise
    if not ended:
        task.add_done_callback(_note_failure)
    return bool(ended)


def _note_failure(task: asyncio.Task[Any]) -> None:
    error = None if task.cancelled() else task.exception()
    if error is not None and not isinstance(error, CheckoutTimeoutError):
        _log.warning("a checkout went on without its caller and was dropped: %s", described(error))
