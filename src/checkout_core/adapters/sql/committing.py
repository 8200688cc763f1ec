"""A batch until it is stored: repeated after conflicts and lost connections, split if need be (protocol 2.7, 2.8)."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import TypeAlias

from sqlalchemy import Connection

from checkout_core.adapters.sql import transact
from checkout_core.adapters.sql.careful import Careful
from checkout_core.adapters.sql.failures import (
    AttemptError,
    ConflictedError,
    LostCommitError,
    ShortBatchError,
    UnstorableError,
)
from checkout_core.adapters.sql.optimistic import try_all
from checkout_core.adapters.sql.parts import Parts
from checkout_core.adapters.sql.pools import Pool
from checkout_core.adapters.sql.repeating import REFUSALS, Repeating
from checkout_core.adapters.sql.scarcity import Scarcity
from checkout_core.adapters.sql.work import Work
from checkout_core.errors import CheckoutError, InvariantError, StorageUnavailableError
from checkout_core.ports.records import CommitAnswer, Transaction

Outcome: TypeAlias = CommitAnswer | CheckoutError
_TRIES_TOGETHER = 2


class Committing:
    """Commits the batches of one store. Any number of threads may call :meth:`commit`."""

    def __init__(self, pool: Pool, parts: Parts, repeating: Repeating) -> None:
        self._pool = pool
        self._parts = parts
        self._scarcity = Scarcity()
        self.repeating = repeating

    def commit(self, batch: Sequence[Transaction]) -> list[Outcome]:
        """The outcome of each member, by position."""
        deadline = self.repeating.deadline()
        outcomes: list[Outcome] = []
        for members in disjoint(batch):
            outcomes.extend(_Part(self, members, deadline, unknown=False).outcomes())
        unavailable = [outcome for outcome in outcomes if isinstance(outcome, StorageUnavailableError)]
        if unavailable and len(unavailable) == len(outcomes):
            raise next((error for error in unavailable if error.applied == "unknown"), unavailable[0])
        return outcomes

    def attempt(self, members: Sequence[Transaction], *, stock_first: bool) -> list[Outcome]:
        """One attempt, short way first. Raises :class:`AttemptError`."""
        dialect = self._pool.dialect
        stock_first = stock_first or dialect.writes_alone or self._scarcity.touches(members)
        if dialect.fuses and not stock_first:
            with suppress(transact.RollBackError, UnstorableError):
                return transact.write(self._pool, lambda connection: self._short_way(connection, members))
            stock_first = True  # something was not as hoped: look at everything before writing again

        def long_way(connection: Connection) -> list[Outcome]:
            work = Work(connection, dialect)
            return Careful(work, dialect, self._parts, stock_first=stock_first).decide(members)

        outcomes = transact.write(self._pool, long_way)
        self._scarcity.learn(members, outcomes)
        return outcomes

    def _short_way(self, connection: Connection, members: Sequence[Transaction]) -> list[Outcome]:
        answers = try_all(Work(connection, self._pool.dialect), members, self._parts)
        if answers is None:
            raise transact.RollBackError
        return [*answers]


class _Part:
    """Members that are committed together, or split until each stands alone. ``unknown``: a COMMIT of theirs was lost
    and they have not been heard of since."""

    def __init__(self, owner: Committing, members: Sequence[Transaction], deadline: float, *, unknown: bool) -> None:
        self._owner = owner
        self._members = members
        self._deadline = deadline
        self._unknown = unknown
        self._stock_first = False
        self._conflicts = 0
        self._refused = 0

    def outcomes(self) -> list[Outcome]:
        try:
            return self._owner.repeating.until(self._gives_up, self._attempt)
        except (ConflictedError, UnstorableError, InvariantError) as error:
            failed: Exception = error
        except AttemptError as error:
            return self._unavailable(error)
        if len(self._members) > 1 and not (isinstance(failed, ConflictedError) and self._is_overdue()):
            return self._split()
        if isinstance(failed, ConflictedError):
            return self._unavailable(failed)
        return [InvariantError(f"commit {self._members[0].commit_id} can never be stored: {failed}")]

    def _attempt(self) -> list[Outcome]:
        try:
            return self._owner.attempt(self._members, stock_first=self._stock_first)
        except ShortBatchError:
            self._stock_first = True
            raise
        except LostCommitError:
            self._unknown = True
            raise
        except ConflictedError:
            self._conflicts += 1
            raise
        except UnstorableError:
            self._refused += 1
            raise

    def _gives_up(self) -> bool:
        if self._owner.repeating.is_late(self._deadline):
            return True
        if len(self._members) > 1:
            return self._refused > 0 or self._conflicts >= _TRIES_TOGETHER
        return self._refused >= REFUSALS

    def _is_overdue(self) -> bool:
        """Each piece of a split batch may wait for a row once more. Where all of them do, that must have an end."""
        return self._owner.repeating.is_late(self._deadline + self._owner.repeating.deadline_seconds)

    def _split(self) -> list[Outcome]:
        middle = len(self._members) // 2
        halves = self._members[:middle], self._members[middle:]
        return [
            outcome
            for half in halves
            for outcome in _Part(self._owner, half, self._deadline, unknown=self._unknown).outcomes()
        ]

    def _unavailable(self, error: AttemptError) -> list[Outcome]:
        said = f"the database could not be used in time ({error}); repeat with the same key when it is back"
        return [StorageUnavailableError(said, applied="unknown" if self._unknown else "no") for _ in self._members]


def disjoint(batch: Sequence[Transaction]) -> list[list[Transaction]]:
    """``batch`` in order, cut before each member that claims what an earlier one of its piece does (protocol 2.2)."""
    pieces: list[list[Transaction]] = []
    claimed: set[tuple[str, ...]] = set()
    for transaction in batch:
        claims = set(transaction.claims())
        if not pieces or claims & claimed:
            pieces.append([])
            claimed = set()
        pieces[-1].append(transaction)
        claimed |= claims
    return pieces
