"""One program under way: how long a commit is tried again, and what a caller who leaves may be told.

Both colours use this; nothing here waits.
"""

from __future__ import annotations

import math
from typing import Any, TypeAlias

from checkout_core.drivers.member import ClosedError, Commits, Member, Post, W, too_late
from checkout_core.errors import CheckoutTimeoutError, InvariantError, StorageUnavailableError
from checkout_core.ports.records import Applied, ClaimKey, CommitAnswer, DuplicateKey, Short, Transaction
from checkout_core.saga.effects import Stamped

_FIRST_PAUSE_SECONDS = 0.05
_LONGEST_PAUSE_SECONDS = 1.0

_Stored: TypeAlias = Stamped[CommitAnswer]


class Run:
    """``deadline``: the monotonic moment at which the caller leaves. A saga that is not open by then is not opened.

    What is open goes on to its end, whoever waits: what a provider answered must be stored.
    """

    __slots__ = ("deadline", "opening", "uncertain")

    def __init__(self, deadline: float = math.inf) -> None:
        self.deadline = deadline
        self.opening: Member[Any] | None = None
        self.uncertain = False
        """An earlier try of the opening commit may have stored it."""

    def leave(self, commits: Commits) -> str:
        """The caller's deadline has passed: the id of the order that is at work.

        Raises :class:`CheckoutTimeoutError` where nothing is stored and nothing will be, and
        :class:`StorageUnavailableError` (``applied="unknown"``) where the commit has begun and is not answered.
        """
        member = self.opening
        if member is None or commits.withdraw(member):
            raise self.told(too_late())
        match member.outcome:
            case None:
                raise _uncertain()
            case Applied() | Short():
                return member.transaction.saga_id
            case DuplicateKey(order_id=order_id, fingerprint=fingerprint) if _asks_for(member.transaction, fingerprint):
                return order_id
            case Exception() as error:
                raise self.told(error)
            case _:
                raise too_late()

    def told(self, error: Exception) -> Exception:
        """``error`` as this run's caller gets it: never "nothing stored" when an earlier try may have stored it."""
        if self.uncertain and isinstance(error, CheckoutTimeoutError | StorageUnavailableError):
            return _uncertain()
        if isinstance(error, StorageUnavailableError):
            # A batch shares one instance, and raising writes into it.
            return StorageUnavailableError(str(error), applied=error.applied)
        return error


class Tries:
    """The tries to store one transaction while the store cannot be used (LIVE-4).

    Repeating a commit with the same ids is safe (protocol 2.8). Opening is tried until the caller leaves. Later commits
    carry what the outside world did: they never expire in the queue, and are tried for ``keep_trying_seconds`` after
    the first failure; then the run is dropped, and recovery asks the provider again.
    """

    __slots__ = ("_asked_at", "_keep_trying_seconds", "_opens", "_pause", "_run", "_transaction", "_until")

    def __init__(self, run: Run, transaction: Transaction, keep_trying_seconds: float) -> None:
        self._run = run
        self._transaction = transaction
        self._keep_trying_seconds = keep_trying_seconds
        self._asked_at = math.inf
        self._opens = transaction.version == 0
        self._until = run.deadline if self._opens else math.inf
        self._pause = _FIRST_PAUSE_SECONDS

    def member(self, post: Post[W], waiter: W) -> Member[W]:
        """The next try, to be submitted."""
        member = Member(self._transaction, self._run.deadline if self._opens else math.inf, post, waiter)
        if self._opens:
            self._run.opening = member
        return member

    def stored(self, member: Member[Any], now: float) -> _Stored | float:
        """The answer, or how many seconds to pause before the next try. Raises when there shall be none."""
        outcome = member.outcome
        if member.asked_at:  # a lost COMMIT may have been the one that stored: its bounds count from the first try
            self._asked_at = min(self._asked_at, member.asked_at)
        if isinstance(outcome, StorageUnavailableError) and not isinstance(outcome, ClosedError):
            return self._pause_after(outcome, now)
        if isinstance(outcome, Exception):
            raise self._run.told(outcome)
        if outcome is None:
            raise InvariantError("a committer posted a member without an outcome")
        return Stamped(outcome, self._asked_at)

    def _pause_after(self, error: StorageUnavailableError, now: float) -> float:
        if self._opens and error.applied == "unknown":
            self._run.uncertain = True
        if math.isinf(self._until):
            self._until = now + self._keep_trying_seconds
        pause, self._pause = self._pause, min(2 * self._pause, _LONGEST_PAUSE_SECONDS)
        if now + pause >= self._until:
            raise self._run.told(error)
        return pause


def _uncertain() -> StorageUnavailableError:
    return StorageUnavailableError("a commit's answer is missing; repeat with the same key", applied="unknown")


def _asks_for(transaction: Transaction, fingerprint: str) -> bool:
    """Whether the key's owner was made by the same request: nobody is told of another's order (ORDER-2)."""
    return any(isinstance(each, ClaimKey) and each.fingerprint == fingerprint for each in transaction.records)
