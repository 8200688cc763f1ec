"""One circuit per payment provider: while it is down, nobody's stock is held for a charge that cannot be sent."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from checkout_core.drivers.forking import renew_after_fork


class Circuit:
    """Opens after ``failures_most`` failed sends in a row, stays open for ``open_seconds``, then admits one probe.

    Only sends that could move money count: lookups go through an open circuit, since they resolve what is unknown.
    A probe whose end is never reported stops counting after another ``open_seconds``.
    """

    def __init__(self, failures_most: int, open_seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._failures_most = failures_most
        self._open_seconds = open_seconds
        self._clock = clock
        self.renew()
        renew_after_fork(self)

    def renew(self) -> None:
        """Begin closed."""
        self._lock = threading.Lock()
        self._failures = 0
        self._opened_at: float | None = None
        self._probe_at: float | None = None

    def is_open(self) -> bool:
        """Whether a send would be refused now. Asking changes nothing; ``execute`` asks before its first commit."""
        with self._lock:
            return self._refuses(self._clock())

    def admit(self) -> bool:
        """A send is about to begin; False refuses it. Of those who ask after the pause, the first is the probe."""
        with self._lock:
            now = self._clock()
            if self._refuses(now):
                return False
            if self._opened_at is not None:
                self._probe_at = now
            return True

    def succeeded(self) -> None:
        """The provider answered: close."""
        with self._lock:
            self._failures = 0
            self._opened_at = self._probe_at = None

    def failed(self) -> None:
        """A send did not leave, or its outcome is unknown."""
        with self._lock:
            self._failures += 1
            waiting = self._opened_at is not None and self._probe_at is None
            if self._failures >= self._failures_most and not waiting:
                # While it is open, late failures of earlier sends do not lengthen the pause.
                self._opened_at = self._clock()
                self._probe_at = None

    def _refuses(self, now: float) -> bool:
        if self._opened_at is None:
            return False
        began = self._opened_at if self._probe_at is None else self._probe_at
        return now < began + self._open_seconds
