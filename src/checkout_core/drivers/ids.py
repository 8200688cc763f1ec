"""Ids: UUIDv7 (RFC 9562) as text, increasing within a process, so that new rows land at the end of every index."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable

from checkout_core.drivers.forking import renew_after_fork

_POOL_BYTES = 4096
_RANDOM_DIGITS = 15
_COUNTER_LIMIT = 1 << 12
_NS_PER_MS = 1_000_000


class Ids:
    """``new()`` gives ids in canonical lower-case form, each greater than the one before, from any thread.

    The 12 bits after the version count within a millisecond (method 1 of RFC 9562, section 6.2); 60 bits are random.
    When the wall clock steps back, or a millisecond's counter is used up, the time part runs ahead of the clock.
    """

    def __init__(
        self, now_ns: Callable[[], int] = time.time_ns, random_bytes: Callable[[int], bytes] = os.urandom
    ) -> None:
        self._now_ns = now_ns
        self._random_bytes = random_bytes
        self.renew()
        renew_after_fork(self)

    def renew(self) -> None:
        """Throw the drawn random digits away: a child must not use its parent's."""
        self._lock = threading.Lock()
        self._millisecond = -1
        self._counter = 0
        self._head = ""
        self._digits = ""
        self._used = 0

    def new(self) -> str:
        """A new id."""
        with self._lock:
            millisecond = self._now_ns() // _NS_PER_MS
            if millisecond > self._millisecond:
                self._begin(millisecond)
            elif self._counter == _COUNTER_LIMIT:
                self._begin(self._millisecond + 1)
            counter = self._counter
            self._counter = counter + 1
            start = self._used
            self._used = end = start + _RANDOM_DIGITS
            if end > len(self._digits):
                # One system call per 546 ids: each releases the interpreter lock, which costs more than the bytes.
                self._digits = self._random_bytes(_POOL_BYTES).hex()
                start, self._used = 0, _RANDOM_DIGITS
            digits = self._digits[start : start + _RANDOM_DIGITS]
            return f"{self._head}{counter:03x}-8{digits[:3]}-{digits[3:]}"

    def _begin(self, millisecond: int) -> None:
        self._millisecond = millisecond
        self._counter = 0
        text = f"{millisecond:012x}"
        self._head = f"{text[:8]}-{text[8:]}-7"
