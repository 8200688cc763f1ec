"""Recovery under asyncio: due sagas are claimed and run, each in a task of its own, so that none delays another."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from functools import partial

from checkout_core.checkout.recovery import RecoveredSaga
from checkout_core.drivers.awaiting import AsyncDriver
from checkout_core.drivers.composition import Composition
from checkout_core.drivers.failures import described
from checkout_core.drivers.recovery import (
    RECOVERIES_MOST,
    Claimed,
    Idling,
    RecoveryReport,
    Setbacks,
    Tally,
    is_defect,
)
from checkout_core.drivers.run import Run

_log = logging.getLogger("checkout_core.recovery")


class AsyncWorker:
    """:class:`Worker` for one event loop."""

    def __init__(self, composition: Composition, driver: AsyncDriver) -> None:
        self._composition = composition
        self._driver = driver
        self._settings = composition.settings
        self._setbacks = Setbacks(composition.settings)
        self._tasks: set[asyncio.Task[None]] = set()

    async def one_pass(self, limit: int) -> RecoveryReport:
        """Claim up to ``limit`` due sagas and run them; what runs longer than a lease goes on unreported."""
        tally, mine = Tally(), set[asyncio.Task[None]]()
        left, patience = limit, self._settings.lease_seconds
        while left:
            if len(mine) >= RECOVERIES_MOST:
                ended, mine = await asyncio.wait(mine, timeout=patience, return_when=asyncio.FIRST_COMPLETED)
                if not ended:
                    break
            started = await self._start(min(left, RECOVERIES_MOST - len(mine)), tally.ended)
            tally.claimed(len(started))
            left -= len(started)
            mine |= started
            if not started:
                break
        if mine:
            await asyncio.wait(mine, timeout=patience)
        return tally.report()

    async def loop(self, stop: asyncio.Event) -> None:
        """Claim and run until ``stop`` is set."""
        idling, mine = Idling(), set[asyncio.Task[None]]()
        while not stop.is_set():
            mine = {task for task in mine if not task.done()}
            started = await self._start_quietly(RECOVERIES_MOST - len(mine))
            mine |= started
            if started:
                idling.found()
            else:
                await _until(stop, idling.pause_seconds())
        if mine:
            await asyncio.wait(mine, timeout=self._settings.call_timeout_seconds)

    async def close(self, timeout_seconds: float) -> bool:
        """Wait for the recoveries under way."""
        if not self._tasks:
            return True
        _, late = await asyncio.wait(self._tasks, timeout=timeout_seconds)
        return not late

    async def _start_quietly(self, free: int) -> set[asyncio.Task[None]]:
        if free <= 0:
            return set()
        try:
            return await self._start(free, _ignore)
        except Exception as error:  # noqa: BLE001 - a worker outlives every failure of the database
            _log.warning("due sagas could not be claimed: %s", described(error))
            return set()

    async def _start(self, free: int, ended: Callable[[RecoveredSaga], None]) -> set[asyncio.Task[None]]:
        token, at = self._composition.new_token(), time.monotonic()
        claim = partial(
            self._composition.store.claim_due, token=token, lease_seconds=self._settings.lease_seconds, limit=free
        )
        claimed = [Claimed(saga_id, token, at) for saga_id in await self._driver.readers.do(claim)]
        started = {asyncio.create_task(self._run(each, ended)) for each in claimed}
        self._tasks |= started
        for task in started:
            task.add_done_callback(self._tasks.discard)
        return started

    async def _run(self, claimed: Claimed, ended: Callable[[RecoveredSaga], None]) -> None:
        try:
            ended(await self._recovered(claimed))
        except Exception as error:  # noqa: BLE001 - nobody awaits this task
            _log.warning("a saga could not be put back; its lease runs out: %s", described(error))

    async def _recovered(self, claimed: Claimed) -> RecoveredSaga:
        try:
            told = await self._driver.drive(
                self._composition.recover_one(claimed.saga_id, claimed.token, claimed.at), Run()
            )
        except Exception as error:  # noqa: BLE001 - a poison saga must not end the worker
            told = self._setbacks.failed(claimed, error)
            if is_defect(error):
                await self._set_back(claimed, told.detail)
            return told
        self._setbacks.passed(claimed)
        return told

    async def _set_back(self, claimed: Claimed, where: str) -> None:
        try:
            noted = await self._driver.drive(self._composition.set_back(claimed.saga_id, claimed.token, where), Run())
        except Exception as error:
            if not is_defect(error):
                raise
            await self._driver.drive(self._setbacks.unloadable(claimed, error), Run())
        else:
            self._setbacks.noted(claimed, noted)


async def _until(stop: asyncio.Event, timeout_seconds: float) -> None:
    try:
        async with asyncio.timeout(timeout_seconds):
            await stop.wait()
    except TimeoutError:
        return


def _ignore(_: RecoveredSaga) -> None:
    pass
