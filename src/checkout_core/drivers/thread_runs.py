"""Runs under threads, whose callers may leave before they end."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextvars import copy_context
from typing import Generic, TypeVar

from checkout_core.drivers.blocking import REAL_TIME, ThreadDriver, Time
from checkout_core.drivers.failures import described
from checkout_core.drivers.member import Commits, closed, too_late
from checkout_core.drivers.pool import Pool
from checkout_core.drivers.run import Run
from checkout_core.effect import Program
from checkout_core.errors import CheckoutTimeoutError

R = TypeVar("R")
_log = logging.getLogger("checkout_core.runs")


class ThreadRuns:
    """Runs whose callers may leave before they end: each in a thread of ``pool``, under its caller's context.

    Without a pool a run happens in the caller's own thread; its deadline is then checked between effects.
    """

    def __init__(self, driver: ThreadDriver, commits: Commits, pool: Pool | None, time: Time = REAL_TIME) -> None:
        self._driver = driver
        self._commits = commits
        self._pool = pool
        self._clock = time.clock

    def result(self, program: Program[R], deadline: float, pending: Callable[[str], R]) -> R:
        """What ``program`` returns; at ``deadline`` (monotonic) ``pending(order_id)``, and the run goes on.

        Raises what the program raises, or as :meth:`Run.leave` says.
        """
        run = Run(deadline)
        if self._pool is None:
            return self._driver.drive(program, run)
        errand = _Errand(self._driver, program, run)
        if not self._pool.start(errand.go, deadline):
            program.close()
            raise closed() if self._pool.closing else too_late()
        if errand.ended.acquire(timeout=max(0.0, min(deadline - self._clock(), threading.TIMEOUT_MAX))):
            return errand.value()
        errand.abandoned = True
        return pending(run.leave(self._commits))

    def whole(self, program: Program[R]) -> R:
        """What ``program`` returns, however long it takes, in the caller's thread."""
        return self._driver.drive(program, Run())

    def drain(self, timeout_seconds: float) -> bool:
        """Admit nothing more and wait for what runs; whether all of it ended in time."""
        return self._pool is None or self._pool.drain(timeout_seconds)


class _Errand(Generic[R]):
    __slots__ = ("_context", "_driver", "_error", "_program", "_run", "_value", "abandoned", "ended")

    def __init__(self, driver: ThreadDriver, program: Program[R], run: Run) -> None:
        self._driver = driver
        self._program = program
        self._run = run
        self._context = copy_context()
        self._value: list[R] = []
        self._error: BaseException | None = None
        self.abandoned = False
        self.ended = threading.Lock()
        self.ended.acquire()

    def go(self) -> None:
        try:
            self._value.append(self._context.run(self._driver.drive, self._program, self._run))
        except BaseException as error:  # noqa: BLE001 - it belongs to the caller, SystemExit included
            self._error = error
            if self.abandoned and not isinstance(error, CheckoutTimeoutError):
                _log.warning("a checkout went on without its caller and was dropped: %s", described(error))
        self.ended.release()

    def value(self) -> R:
        if self._error is not None:
            try:
                raise self._error
            finally:
                self._error = None  # or the error, its traceback and this object would keep each other alive
        return self._value[0]
