"""The asyncio colour: every effect is performed by awaiting; nothing here blocks the loop."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias, TypeVar

from checkout_core.drivers.calls import Calls
from checkout_core.drivers.forking import renew_after_fork
from checkout_core.drivers.member import Commits, Member
from checkout_core.drivers.reading import ask
from checkout_core.drivers.run import Run, Tries
from checkout_core.effect import Done, Effect, Program, advance
from checkout_core.errors import InvariantError
from checkout_core.ports.records import CommitAnswer
from checkout_core.ports.store import Store
from checkout_core.saga.effects import Call, CallAnswer, Claim, Commit, Load, NotSent, PutBack, Stamped, Wait
from checkout_core.settings import Settings

R = TypeVar("R")
_Settled: TypeAlias = "asyncio.Future[None]"
_READERS = 4


@dataclass(frozen=True, slots=True)
class AsyncTime:
    """The monotonic clock, and how to sleep by it, in seconds."""

    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep


REAL_TIME = AsyncTime()


class Readers:
    """The few threads in which a store is read: stores are synchronous (design 2d)."""

    def __init__(self) -> None:
        self.renew()
        renew_after_fork(self)

    def renew(self) -> None:
        """Begin without threads."""
        self._threads = ThreadPoolExecutor(_READERS, thread_name_prefix="checkout-reader")

    async def do(self, work: Callable[[], R]) -> R:
        """``work()``, done in one of the threads."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    def close(self) -> None:
        """Let the threads end; whoever reads afterwards gets new ones."""
        self._threads.shutdown(wait=False)
        self.renew()


class AsyncDriver:
    """Performs the effects of any number of programs, each in a task of its own."""

    def __init__(
        self, store: Store, commits: Commits, calls: Calls, settings: Settings, time: AsyncTime = REAL_TIME
    ) -> None:
        self.readers = Readers()
        self._store = store
        self._commits = commits
        self._calls = calls
        self._keep_trying_seconds = settings.lease_seconds
        self._clock = time.clock
        self._sleep = time.sleep
        self._mail: _Mail | None = None

    async def drive(self, program: Program[R], run: Run) -> R:
        """Run ``program`` to its end. An exception drops it as a crash would: recovery goes on from the journal."""
        answer: object = None
        try:
            while True:
                step = advance(program, answer)
                if isinstance(step, Done):
                    return step.value
                answer = await self._perform(step, run)
        finally:
            program.close()

    def _perform(self, effect: Effect[Any], run: Run) -> Awaitable[object]:
        match effect:
            case Commit():
                return self._commit(effect, run)
            case Call():
                return self._call(effect)
            case Wait():
                return self._wait(effect)
            case Load() | Claim() | PutBack():
                return self.readers.do(partial(ask, self._store, effect, self._clock))
            case _:
                raise InvariantError(f"no driver performs {type(effect).__name__}")

    async def _commit(self, effect: Commit, run: Run) -> Stamped[CommitAnswer]:
        loop = asyncio.get_running_loop()
        tries = Tries(run, effect.transaction, self._keep_trying_seconds)
        while True:
            settled: _Settled = loop.create_future()
            member = tries.member(self._mail_to(loop).post, settled)
            if not self._commits.offer(member):
                await self.readers.do(partial(self._commits.submit, member))
            await settled
            answer = tries.stored(member, self._clock())
            if isinstance(answer, Stamped):
                return answer
            await self._sleep(answer)

    async def _call(self, call: Call) -> CallAnswer:
        outgoing = self._calls.begin(call)
        if isinstance(outgoing, NotSent):
            return outgoing
        limit = asyncio.timeout(call.timeout_seconds)
        try:
            async with limit:
                answer = await outgoing.method(outgoing.request, outgoing.limits)
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise  # this run is cancelled: it crashes
            return outgoing.failed(error)  # the adapter gave up something of its own
        except Exception as error:  # noqa: BLE001 - what it means is decided there, for everything that exists
            return outgoing.timed_out() if limit.expired() else outgoing.failed(error)
        return outgoing.answered(answer)

    async def _wait(self, effect: Wait) -> float:
        if effect.seconds > 0:
            await self._sleep(effect.seconds)
        return self._clock()

    def _mail_to(self, loop: asyncio.AbstractEventLoop) -> _Mail:
        if self._mail is None or self._mail.loop is not loop:
            self._mail = _Mail(loop)
        return self._mail


class _Mail:
    """Tells the waiters of one loop: one wake-up per batch."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop

    def post(self, members: Sequence[Member[_Settled]]) -> None:
        """Wake the loop, unless it is closed: its runs went with it, as in a crash."""
        if not self.loop.is_closed():
            self.loop.call_soon_threadsafe(_settle, members)


def _settle(members: Sequence[Member[_Settled]]) -> None:
    for member in members:
        if not member.waiter.done():
            member.waiter.set_result(None)
