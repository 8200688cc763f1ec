"""Recovery under threads: due sagas are claimed and run, each in a thread of its own, so that none delays another."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable
from functools import partial

from checkout_core.checkout.recovery import RecoveredSaga
from checkout_core.drivers.blocking import ThreadDriver
from checkout_core.drivers.composition import Composition
from checkout_core.drivers.failures import described
from checkout_core.drivers.pool import Pool
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

_LOOK_UP_SECONDS = 1.0
"""How long a loop whose slots are all taken waits before it looks whether it shall stop."""

_log = logging.getLogger("checkout_core.recovery")


class Worker:
    """Any number of workers, in any number of processes, may run over one store."""

    def __init__(self, composition: Composition, driver: ThreadDriver) -> None:
        self._composition = composition
        self._driver = driver
        self._settings = composition.settings
        self._pool = Pool(RECOVERIES_MOST, "checkout-recovery")
        self._setbacks = Setbacks(composition.settings)

    def one_pass(self, limit: int) -> RecoveryReport:
        """Claim up to ``limit`` due sagas and run them; what runs longer than a lease goes on unreported."""
        tally = Tally()
        slots = _Slots(min(limit, RECOVERIES_MOST))
        left = limit
        patience = self._settings.lease_seconds
        while left and (free := slots.take(left, patience)):
            started = self._start(free, slots, tally.ended)
            tally.claimed(started)
            left -= started
            if not started:
                break
        slots.await_all_free(patience)
        return tally.report()

    def loop(self, stopped: Callable[[], bool], pause: Callable[[float], object]) -> None:
        """Claim and run until ``stopped()``; ``pause(seconds)`` sleeps, and may return early when stopped."""
        slots, idling = _Slots(RECOVERIES_MOST), Idling()
        while not stopped():
            free = slots.take(RECOVERIES_MOST, _LOOK_UP_SECONDS)
            if free and self._start_quietly(free, slots):
                idling.found()
            elif free:
                pause(idling.pause_seconds())
        slots.await_all_free(self._settings.call_timeout_seconds)

    def close(self, timeout_seconds: float) -> bool:
        """Begin no more recoveries and wait for those under way."""
        return self._pool.drain(timeout_seconds)

    def _start_quietly(self, free: int, slots: _Slots) -> int:
        try:
            return self._start(free, slots, _ignore)
        except Exception as error:  # noqa: BLE001 - a worker outlives every failure of the database
            _log.warning("due sagas could not be claimed: %s", described(error))
            return 0

    def _start(self, free: int, slots: _Slots, ended: Callable[[RecoveredSaga], None]) -> int:
        """Claim up to ``free`` sagas, whose slots are taken, and start them; unused slots are given back."""
        started = 0
        try:
            token, at = self._composition.new_token(), time.monotonic()
            lease_seconds = self._settings.lease_seconds
            for saga_id in self._composition.store.claim_due(token=token, lease_seconds=lease_seconds, limit=free):
                claimed = Claimed(saga_id, token, at)
                if not self._pool.start(partial(self._run, claimed, slots, ended), math.inf):
                    break  # closing; the lease runs out
                started += 1
        finally:
            slots.give_back(free - started)
        return started

    def _run(self, claimed: Claimed, slots: _Slots, ended: Callable[[RecoveredSaga], None]) -> None:
        try:
            ended(self._recovered(claimed))
        except BaseException as error:  # noqa: BLE001 - a thread of the pool must not end by it
            _log.warning("a saga could not be put back; its lease runs out: %s", described(error))
        finally:
            slots.give_back(1)

    def _recovered(self, claimed: Claimed) -> RecoveredSaga:
        try:
            told = self._driver.drive(self._composition.recover_one(claimed.saga_id, claimed.token, claimed.at), Run())
        except BaseException as error:  # noqa: BLE001 - a poison saga must not end the worker
            told = self._setbacks.failed(claimed, error)
            if is_defect(error):
                self._set_back(claimed, told.detail)
            return told
        self._setbacks.passed(claimed)
        return told

    def _set_back(self, claimed: Claimed, where: str) -> None:
        try:
            noted = self._driver.drive(self._composition.set_back(claimed.saga_id, claimed.token, where), Run())
        except Exception as error:
            if not is_defect(error):
                raise
            self._driver.drive(self._setbacks.unloadable(claimed, error), Run())
        else:
            self._setbacks.noted(claimed, noted)


class _Slots:
    """How many more sagas may be run at once."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._free = most
        self._changed = threading.Condition()

    def take(self, wanted: int, timeout_seconds: float) -> int:
        """Take up to ``wanted``, at least one; 0: none became free in time."""
        with self._changed:
            self._changed.wait_for(lambda: self._free > 0, timeout_seconds)
            taken = min(wanted, self._free)
            self._free -= taken
            return taken

    def give_back(self, number: int) -> None:
        with self._changed:
            self._free += number
            self._changed.notify_all()

    def await_all_free(self, timeout_seconds: float) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: self._free == self._most, timeout_seconds)


def _ignore(_: RecoveredSaga) -> None:
    pass
