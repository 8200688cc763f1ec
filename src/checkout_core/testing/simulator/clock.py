"""Virtual time: one true clock for database and bank, and each worker's own monotonic view of it."""

from __future__ import annotations

EPOCH_SECONDS = 1_700_000_000.0


class Clock:
    """Seconds since 1970. It moves only when the world says so, and never backwards."""

    def __init__(self) -> None:
        self.now = EPOCH_SECONDS

    def __call__(self) -> float:
        return self.now

    def advance(self, to: float) -> None:
        self.now = max(self.now, to)

    @property
    def elapsed(self) -> float:
        """Seconds since the world began."""
        return self.now - EPOCH_SECONDS
