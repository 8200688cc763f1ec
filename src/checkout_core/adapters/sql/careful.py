"""The long way of a batch: look under locks, decide, write. Works whatever is stored and whoever else writes.

Sagas are locked and fences compared; keys and guards are claimed and read back in a later statement; stock is decided
in arrival order. Where the stock rows are locked is the caller's choice: last, as if everything fitted (protocol 2.10),
or, after that failed, before the members' rows are written, so that short members are written as such at once.
"""

from __future__ import annotations

from collections.abc import Sequence

from checkout_core.adapters.sql import answers
from checkout_core.adapters.sql.alternative import NOBODY
from checkout_core.adapters.sql.candidate import Candidate
from checkout_core.adapters.sql.claiming import claim, give_back
from checkout_core.adapters.sql.dialects.dialect import Dialect, Written
from checkout_core.adapters.sql.failures import ShortBatchError, UnstorableError
from checkout_core.adapters.sql.groups import COUNTED
from checkout_core.adapters.sql.looks import FENCES, OBSERVED
from checkout_core.adapters.sql.movements import MOVED, StockAnswer, TooFew, Unheard
from checkout_core.adapters.sql.outside import answer_outside
from checkout_core.adapters.sql.parts import Parts
from checkout_core.adapters.sql.statement import Row
from checkout_core.adapters.sql.work import Work
from checkout_core.domain.order import StockState
from checkout_core.errors import CheckoutError, InvariantError
from checkout_core.ports.records import Applied, CommitAnswer, Short, Transaction, UnknownItems


class Careful:
    """One attempt at one batch. ``stock_first``: lock and decide stock before anything else is written."""

    def __init__(self, work: Work, dialect: Dialect, parts: Parts, *, stock_first: bool) -> None:
        self._work = work
        self._dialect = dialect
        self._parts = parts
        self._stock_first = stock_first
        self._stock: dict[str, StockState] = {}
        self._short: dict[str, TooFew] = {}

    def decide(self, batch: Sequence[Transaction]) -> list[CommitAnswer | CheckoutError]:
        """Write the batch; the answers by position. Nothing is committed yet."""
        members = [Candidate(transaction) for transaction in batch]
        self._check_fences(members)
        for member in _racing(members):
            member.plan(self._stock.get(member.transaction.saga_id, StockState.NONE))
        self._keep_unmerged(_racing(members))
        claim(self._work, _racing(members))
        if self._stock_first:
            self._decide_stock(_racing(members))
            self._keep_unmerged(_racing(members))
        give_back(self._work, members)
        kept = _racing(members)
        self._put(kept)
        written = self._write() if self._work.rows else None
        if not self._stock_first:
            self._take_stock(kept)
        for member in kept:
            assert written is not None
            member.answer = self._kept(member, written)
        return [_answered(member) for member in members]

    def _check_fences(self, members: Sequence[Candidate]) -> None:
        """(token, version) and nothing else, under the lock of the saga's row (protocol 3.1)."""
        sagas = sorted({(member.transaction.saga_id,) for member in members})
        found = {row[0]: row for row in self._work.fetch(FENCES, sagas)}
        outside: list[Candidate] = []
        for member in members:
            transaction = member.transaction
            row = found.get(transaction.saga_id)
            if row is None:
                holds = member.is_new
            else:
                _, version, token, stock = row
                holds = (version, token) == (transaction.version, transaction.token) and token != NOBODY
                self._stock[transaction.saga_id] = StockState(stock)
            if not holds:
                outside.append(member)
        if outside:
            answer_outside(self._work, self._dialect, outside, found)

    def _keep_unmerged(self, members: Sequence[Candidate]) -> None:
        """Leave out observations that are merged already, or are not the saga's: nothing happens to them."""
        named = sorted((each,) for member in members for each in member.chosen.merged)
        unmerged = {(row[1], row[0]) for row in self._work.fetch(OBSERVED, named) if not row[2]}
        for member in members:
            chosen = member.chosen
            chosen.merged = {each for each in chosen.merged if (chosen.saga_id, each) in unmerged}

    def _decide_stock(self, members: Sequence[Candidate]) -> None:
        for member, answer in zip(*self._moved(members), strict=True):
            match answer:
                case TooFew():
                    saga_id = member.transaction.saga_id
                    self._short[saga_id] = answer
                    member.fall_back(self._stock.get(saga_id, StockState.NONE))
                case Unheard():
                    member.answer = UnknownItems(items=answer.items)
                case _:
                    pass

    def _take_stock(self, members: Sequence[Candidate]) -> None:
        """The members are written as if everything fitted; now it must."""
        _, moved = self._moved(members)
        if any(answer is not MOVED for answer in moved):
            raise ShortBatchError
        if self._work.rows:
            self._write()

    def _moved(self, members: Sequence[Candidate]) -> tuple[list[Candidate], list[StockAnswer]]:
        moving = [member for member in members if member.chosen.movement is not None]
        movements = [member.chosen.movement for member in moving if member.chosen.movement is not None]
        return moving, self._parts.inventory.apply(self._work, movements) if movements else []

    def _put(self, members: Sequence[Candidate]) -> None:
        events: list[Row] = []
        for member in members:
            shortage = self._short.get(member.transaction.saga_id)
            chosen = member.chosen
            chosen.put(self._work.rows, self._parts.sealer, "" if shortage is None else answers.write(shortage.lines))
            chosen.put_guards(self._work.rows, taken=member.is_new and chosen is member.claimed)
            event = chosen.event_row()
            if event is not None:
                events.append(event)
        if events:
            self._parts.outbox.append(self._work, events)

    def _write(self) -> Written:
        rows = self._work.rows
        written = self._work.write()
        for group in COUNTED:
            if group in written.counts and written.counts[group] != rows.count(group):
                raise UnstorableError(
                    f"expected {rows.count(group)} rows in {group.name}, found {written.counts[group]}"
                )
        return written

    def _kept(self, member: Candidate, written: Written) -> Applied | Short:
        version = member.transaction.version + 1
        short = self._short.get(member.transaction.saga_id)
        if short is None:
            return Applied(version=version, at=written.at)
        return Short(version=version, at=written.at, lines=short.lines)


def _racing(members: Sequence[Candidate]) -> list[Candidate]:
    return [member for member in members if member.answer is None]


def _answered(member: Candidate) -> CommitAnswer | CheckoutError:
    if member.answer is None:
        raise InvariantError("a member of the batch was left without an answer")
    return member.answer
