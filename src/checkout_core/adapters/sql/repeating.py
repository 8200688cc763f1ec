"""How long, and how often, the store tries again before its caller hears of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from tenacity import RetryCallState, Retrying, retry_if_exception_type, wait_random_exponential

from checkout_core.adapters.sql.failures import AttemptError, LostCommitError, UnstorableError
from checkout_core.errors import InvariantError, StorageUnavailableError

T = TypeVar("T")
REFUSALS = 2
"""A transaction that was refused by a constraint is repeated once: what stood in its way may have been itself, under
way a second time after a lost COMMIT, or somebody else's row that is now there to be found."""


class Repeating:
    """Repeats attempts with jitter until ``deadline_seconds`` after the first."""

    def __init__(
        self,
        deadline_seconds: float,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.deadline_seconds = deadline_seconds
        self._clock = clock
        self._sleep = sleep

    def deadline(self) -> float:
        """When what begins now gives up."""
        return self._clock() + self.deadline_seconds

    def is_late(self, deadline: float) -> bool:
        return self._clock() >= deadline

    def until(self, gives_up: Callable[[], bool], attempt: Callable[[], T]) -> T:
        """Repeat ``attempt`` after whatever :class:`AttemptError`, until ``gives_up``; the last error comes out.

        The first attempt is made without tenacity, whose objects are a reference cycle: around every batch, its
        checkouts would live until the garbage collector's longest pass.
        """
        try:
            return attempt()
        except AttemptError as error:
            failed = [error]
        return self._again(gives_up, failed, attempt)

    def _again(self, gives_up: Callable[[], bool], failed: list[AttemptError], attempt: Callable[[], T]) -> T:
        def next_attempt() -> T:
            if failed:
                raise failed.pop()
            return attempt()

        def stop(_state: RetryCallState) -> bool:
            return gives_up()

        wait = wait_random_exponential(multiplier=0.005, max=0.5)
        again = retry_if_exception_type(AttemptError)
        return Retrying(retry=again, stop=stop, wait=wait, sleep=self._sleep, reraise=True)(next_attempt)

    def run(self, attempt: Callable[[], T]) -> T:
        """Repeat an idempotent attempt of one caller. Raises :class:`StorageUnavailableError` at the deadline."""
        deadline = self.deadline()
        refusals = 0
        lost = False

        def counted() -> T:
            nonlocal refusals, lost
            try:
                return attempt()
            except UnstorableError:
                refusals += 1
                raise
            except LostCommitError:
                lost = True
                raise

        failed: Exception
        try:
            return self.until(lambda: refusals >= REFUSALS or self.is_late(deadline), counted)
        except UnstorableError as error:
            failed = InvariantError(f"the database refuses this: {error}")
        except AttemptError as error:
            failed = StorageUnavailableError(
                f"the database could not be used in time ({error})", applied="unknown" if lost else "no"
            )
        raise failed
