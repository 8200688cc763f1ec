"""What a test does to the running bank: hold answers back, and wait for money to move or answers to be held."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import Condition

from checkout_core.adapters.sandbox.books import LedgerEntry
from checkout_core.adapters.sandbox.durable import DurableBank

_LOOK_AGAIN_SECONDS = 0.2
"""How soon a waiting thread notices what nobody announces: a caller that is gone, a decision whose time has come."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """A command of ``POST /control``; names are tokens or ``charge``, ``refund``, ``lookup``, ``cancel``."""

    hold: str = ""
    release: str = ""
    decide: str = ""
    approve: bool = True
    advance_seconds: float = 0.0

    def __repr__(self) -> str:
        return "Control()"


class Desk:
    """Where answers wait. Thread-safe."""

    def __init__(self, bank: DurableBank) -> None:
        self._bank = bank
        self._changed = Condition()
        self._held_names: set[str] = set()
        self._waiting = 0
        self._closed = False

    def hold(self, name: str) -> None:
        with self._changed:
            self._held_names.add(name)

    def release(self, name: str) -> None:
        with self._changed:
            self._held_names.discard(name)
            self._changed.notify_all()

    def close(self) -> None:
        """Nobody waits any longer."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def announce(self) -> None:
        """Something may have moved."""
        with self._changed:
            self._changed.notify_all()

    def pass_held(self, names: frozenset[str], is_gone: Callable[[], bool]) -> bool:
        """Wait while one of ``names`` is held; whether there is still somebody to answer."""
        with self._changed:
            if not names & self._held_names:
                return not self._closed
            self._waiting += 1
            self._changed.notify_all()
            while names & self._held_names and not self._closed and not is_gone():
                self._changed.wait(_LOOK_AGAIN_SECONDS)
            self._waiting -= 1
            return not self._closed

    def stay_silent(self, seconds: float | None, is_gone: Callable[[], bool]) -> bool:
        """Wait for ``seconds``, for None until the caller goes; whether there is still somebody to answer."""
        end = None if seconds is None else time.monotonic() + seconds
        with self._changed:
            while not self._closed and not is_gone():
                left = _LOOK_AGAIN_SECONDS if end is None else end - time.monotonic()
                if left <= 0:
                    return True
                self._changed.wait(min(left, _LOOK_AGAIN_SECONDS))
        return False

    def held(self, at_least: int, wait_seconds: float) -> int:
        """How many answers are being held, as soon as there are ``at_least`` so many or the time has passed."""
        end = time.monotonic() + wait_seconds
        with self._changed:
            while self._waiting < at_least and not self._closed and time.monotonic() < end:
                self._changed.wait(max(0.0, min(end - time.monotonic(), _LOOK_AGAIN_SECONDS)))
            return self._waiting

    def entries(self, after: int, wait_seconds: float) -> tuple[LedgerEntry, ...]:
        """The ledger behind entry ``after``, as soon as there is something or the time has passed."""
        end = time.monotonic() + wait_seconds
        with self._changed:
            while True:
                found = self._bank.ledger()[after:]
                left = end - time.monotonic()
                if found or left <= 0 or self._closed:
                    return found
                self._changed.wait(min(left, _LOOK_AGAIN_SECONDS))
