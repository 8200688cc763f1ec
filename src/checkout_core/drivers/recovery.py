"""Recovery, but for the waiting: what a pass reports, and how long a saga that fails is left alone.

Both colours use this.
"""

from __future__ import annotations

import logging
import random
import threading
from collections import OrderedDict
from dataclasses import dataclass

from checkout_core.checkout.recovery import Recovered, RecoveredSaga
from checkout_core.checkout.setback import SetBack
from checkout_core.drivers.failures import described
from checkout_core.drivers.forking import renew_after_fork
from checkout_core.effect import Program
from checkout_core.errors import (
    CheckoutTimeoutError,
    ConfigurationError,
    InsideTransactionError,
    SchemaVersionError,
    StorageUnavailableError,
)
from checkout_core.saga.effects import PutBack
from checkout_core.saga.retry import Backoff
from checkout_core.settings import Settings

RECOVERIES_MOST = 32
"""Sagas that one process recovers at once."""

_FIRST_PAUSE_SECONDS = 0.05
_LONGEST_PAUSE_SECONDS = 1.0
_REMEMBERED_MOST = 10_000
_OUTAGES = (
    StorageUnavailableError,
    CheckoutTimeoutError,
    SchemaVersionError,
    ConfigurationError,
    InsideTransactionError,
)
_log = logging.getLogger("checkout_core.recovery")


@dataclass(frozen=True, slots=True)
class Claimed:
    """A saga whose lease this process holds under ``token``; ``at`` is the monotonic clock before it asked."""

    saga_id: str
    token: str
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOrder:
    """``reason``: why this process left the order's saga alone."""

    order_id: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryReport:
    """One pass of recovery.

    Of the ``claimed`` sagas, ``finished`` are done or parked, ``waiting`` are due again later, ``fenced`` belong to
    somebody else by now, ``unfinished`` were at work when the pass ended, ``left_alone`` could not be run here.
    """

    claimed: int = 0
    finished: int = 0
    waiting: int = 0
    fenced: int = 0
    unfinished: int = 0
    left_alone: tuple[LeftOrder, ...] = ()


class Tally:
    """Counts one pass while it goes on; safe from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._claimed = 0
        self._counts = dict.fromkeys(Recovered, 0)
        self._left_alone: list[LeftOrder] = []

    def claimed(self, number: int) -> None:
        with self._lock:
            self._claimed += number

    def ended(self, told: RecoveredSaga) -> None:
        with self._lock:
            self._counts[told.outcome] += 1
            if told.outcome is Recovered.LEFT_ALONE:
                self._left_alone.append(LeftOrder(order_id=told.saga_id, reason=told.detail))

    def report(self) -> RecoveryReport:
        with self._lock:
            return RecoveryReport(
                claimed=self._claimed,
                finished=self._counts[Recovered.FINISHED],
                waiting=self._counts[Recovered.WAITING],
                fenced=self._counts[Recovered.FENCED],
                unfinished=self._claimed - sum(self._counts.values()),
                left_alone=tuple(self._left_alone),
            )


def is_defect(error: BaseException) -> bool:
    """Whether a run failed in the code. What the surroundings lack for all sagas alike says nothing about one."""
    return isinstance(error, Exception) and not isinstance(error, _OUTAGES)


class Setbacks:
    """What this process says of runs that fail here, and how it puts back a saga that cannot even be loaded.

    What follows for any other is in the saga's row, whoever tries (:mod:`checkout_core.checkout.setback`).
    """

    def __init__(self, settings: Settings) -> None:
        self._backoff = Backoff(settings.retry_first_seconds, settings.retry_most_seconds)
        self.renew()
        renew_after_fork(self)

    def renew(self) -> None:
        """Begin with nothing remembered."""
        self._lock = threading.Lock()
        self._counts: OrderedDict[str, int] = OrderedDict()

    def failed(self, claimed: Claimed, error: BaseException) -> RecoveredSaga:
        """What to report of a run that ended with ``error``."""
        said = described(error)
        _log.warning("the saga of order %s failed here and is left alone for a while: %s", claimed.saga_id, said)
        return RecoveredSaga(claimed.saga_id, Recovered.LEFT_ALONE, said)

    def noted(self, claimed: Claimed, set_back: SetBack | None) -> None:
        """The failure is counted in the store."""
        self._forget(claimed)
        if set_back is not None and set_back.parked:
            _log.error("order %s is parked: %d runs in a row failed", claimed.saga_id, set_back.failures)
        elif set_back is not None and set_back.alarmed:
            _log.error("order %s needs a look: %d runs in a row failed", claimed.saga_id, set_back.failures)

    def unloadable(self, claimed: Claimed, error: BaseException) -> Program[None]:
        """Put back a saga that cannot be read from the store, for longer each time that this process sees it."""
        _log.error("order %s cannot be loaded: %s", claimed.saga_id, described(error))
        with self._lock:
            count = self._counts.pop(claimed.saga_id, 0)
            self._counts[claimed.saga_id] = count + 1
            if len(self._counts) > _REMEMBERED_MOST:
                self._counts.popitem(last=False)
        return _put_back(claimed, self._backoff.seconds(count))

    def passed(self, claimed: Claimed) -> None:
        """The saga ran."""
        self._forget(claimed)

    def _forget(self, claimed: Claimed) -> None:
        with self._lock:
            self._counts.pop(claimed.saga_id, None)


async def _put_back(claimed: Claimed, due_seconds: float) -> None:
    await PutBack(claimed.saga_id, claimed.token, due_seconds)


class Idling:
    """How long a worker that found nothing sleeps: little at first, then longer, never in step with other workers."""

    def __init__(self) -> None:
        self._pause = _FIRST_PAUSE_SECONDS

    def found(self) -> None:
        self._pause = _FIRST_PAUSE_SECONDS

    def pause_seconds(self) -> float:
        pause, self._pause = self._pause, min(2 * self._pause, _LONGEST_PAUSE_SECONDS)
        return pause * random.uniform(0.8, 1.2)  # noqa: S311 - nothing secret
