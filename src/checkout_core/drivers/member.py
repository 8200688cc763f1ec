"""One transaction on its way through a committer, and how whoever waits for it is told."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from enum import Enum, auto
from typing import Generic, Protocol, TypeAlias, TypeVar

from checkout_core.drivers.failures import described
from checkout_core.errors import CheckoutTimeoutError, StorageUnavailableError
from checkout_core.ports.records import CommitAnswer, Transaction

W = TypeVar("W")
_log = logging.getLogger("checkout_core.committer")

Outcome: TypeAlias = CommitAnswer | Exception
Post: TypeAlias = "Callable[[Sequence[Member[W]]], None]"
"""Tells the waiters of these members that ``outcome`` is there. Called once per batch, from the committer's thread."""


class Stage(Enum):
    NEW = auto()
    """Not in a queue yet, perhaps held back from it."""
    QUEUED = auto()
    BEGUN = auto()
    SETTLED = auto()


class Member(Generic[W]):
    """``deadline``: the monotonic moment after which the transaction must not begin any more.

    ``outcome`` is None until it is known; then it is the store's answer, or the error that the waiter shall raise.
    ``asked_at`` is the monotonic clock just before the store was asked.
    """

    __slots__ = ("asked_at", "blocked", "claims", "deadline", "outcome", "post", "stage", "transaction", "waiter")

    def __init__(self, transaction: Transaction, deadline: float, post: Post[W], waiter: W) -> None:
        self.transaction = transaction
        self.deadline = deadline
        self.post = post
        self.waiter = waiter
        self.claims = tuple(dict.fromkeys(transaction.claims()))
        self.blocked = 0
        self.stage = Stage.NEW
        self.asked_at = 0.0
        self.outcome: Outcome | None = None

    def settle(self, outcome: Outcome) -> None:
        """The outcome is known; the waiter is told separately, with those of its batch."""
        self.outcome = outcome
        self.stage = Stage.SETTLED


class Commits(Protocol):
    """How a driver gets transactions stored: shared in batches, or one by one in the caller's thread."""

    def submit(self, member: Member[W]) -> None:
        """Take the member; blocks while the queue is full. ``post`` is called once, perhaps before this returns."""
        ...

    def offer(self, member: Member[W]) -> bool:
        """:meth:`submit` for those who must not block: False where it would have."""
        ...

    def withdraw(self, member: Member[W]) -> bool:
        """Take back a member that has not begun: True, and its outcome is "nothing stored". False: it began.

        One that is still to be submitted is answered when it is.
        """
        ...

    def close(self, timeout_seconds: float) -> bool:
        """Take nothing more, finish what is queued; whether everything was finished in time."""
        ...


def too_late() -> CheckoutTimeoutError:
    return CheckoutTimeoutError("the deadline passed before anything was stored; repeat with the same key")


class ClosedError(StorageUnavailableError):
    """The committer takes nothing more: no use in trying again."""


def closed() -> ClosedError:
    return ClosedError("this checkout is closed; nothing was stored", applied="no")


def unanswered(error: BaseException) -> StorageUnavailableError:
    """What waiters are told of a store that broke its contract; whether it stored anything nobody can say.

    The error is logged and not chained: what a database driver raises may quote the parameters (SAFE-1).
    """
    _log.error("a store failed with what is no CheckoutError: %s", described(error))
    return StorageUnavailableError("the store failed; repeat with the same key", applied="unknown")
