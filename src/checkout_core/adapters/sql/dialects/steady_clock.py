"""The host's clock, made one that never goes back: SQLite has none of its own (protocol 3.3)."""

from __future__ import annotations

import logging
from collections.abc import Callable

_CATCHING_UP = 16
_JUMP_SECONDS = 1.0
_MICROSECONDS = 1_000_000
_log = logging.getLogger("checkout_core.sql")


class SteadyClock:
    """Microseconds since 1970. ``wall``: the host's clock, in seconds.

    A host's clock may be set: back, or forward by mistake and then right again. Whoever finds it behind a moment that
    is stored goes on from that moment, one sixteenth slower than the host's clock until the two meet, so that every
    lease and every bound still ends, at most one sixteenth late. A clock that is set forward cannot be told from time
    that has passed: leases and bounds that end in between have ended.
    """

    def __init__(self, wall: Callable[[], float]) -> None:
        self._wall = wall
        # Replaced as one, so that threads need no lock, which a fork could leave locked: what is lost is learnt anew.
        self._seen_and_ahead = (0, 0)

    def micros(self) -> int:
        """Now, as far as this process knows."""
        here = int(self._wall() * _MICROSECONDS)
        seen, ahead = self._seen_and_ahead
        ahead = max(0, ahead - max(0, here - seen) // _CATCHING_UP)
        self._seen_and_ahead = (here, ahead)
        return here + ahead

    def heed(self, latest: int, now: int) -> None:
        """Go on from ``latest``, a stored moment, if it is later than ``now``, what :meth:`micros` has told."""
        behind = latest - now
        if behind > 0:
            seen, ahead = self._seen_and_ahead
            self._seen_and_ahead = (seen, ahead + behind)
        if behind > _JUMP_SECONDS * _MICROSECONDS:
            _log.warning("the host's clock is %.1f s behind what was stored; time goes on from there", behind / 1e6)
