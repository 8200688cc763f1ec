"""The long way of a batch: look under locks, decide, write. Works whatever is stored and whoever else writes.

The locks are taken in the order of protocol 2.6: sagas (and their fences compared), keys and guards (claimed, then
read back in a later statement), stock. What is written of a saga beside these waits for nobody, under the saga's lock.
"""

from __future__ import annotations

from collections.abc import Sequence

from checkout_core.adapters.sql import answers, writing
from checkout_core.adapters.sql.candidate import Candidate
from checkout_core.adapters.sql.claiming import claim, give_back, put_guards
from checkout_core.adapters.sql.dialects.dialect import Dialect, Written
from checkout_core.adapters.sql.failures import ShortBatchError, UnstorableError
from checkout_core.adapters.sql.fencing import check_fences
from checkout_core.adapters.sql.groups import COUNTED
from checkout_core.adapters.sql.looks import OBSERVED
from checkout_core.adapters.sql.movements import MOVED, StockAnswer, TooFew, Unheard
from checkout_core.adapters.sql.parts import Parts
from checkout_core.adapters.sql.statement import Row
from checkout_core.adapters.sql.work import Work
from checkout_core.errors import CheckoutError, InvariantError
from checkout_core.ports.records import Applied, CommitAnswer, Short, Transaction, UnknownItems


class Careful:
    """One attempt at one batch.

    ``stock_first``: decide stock before the members are written, so that short members are written as such at once.
    Else they are written as if everything fitted, and stock is locked at the very end (protocol 2.10): if it falls
    short then, :class:`ShortBatchError` has the batch rolled back.
    """

    def __init__(self, work: Work, dialect: Dialect, parts: Parts, *, stock_first: bool) -> None:
        self._work = work
        self._dialect = dialect
        self._parts = parts
        self._stock_first = stock_first

    def decide(self, batch: Sequence[Transaction]) -> list[CommitAnswer | CheckoutError]:
        """Write the batch; the answers by position. Nothing is committed yet."""
        members = [Candidate(transaction) for transaction in batch]
        check_fences(self._work, self._dialect, members)
        for member in _racing(members):
            member.plan(member.stock)
        self._keep_unmerged(_racing(members))
        if self._stock_first:
            claim(self._work, self._dialect, _racing(members), all_guards=not self._dialect.writes_alone)
            self._decide_stock(_racing(members))
            written = self._write_kept(members)
        else:
            claim(self._work, self._dialect, _racing(members), all_guards=False)
            written = self._write_kept(members)
            self._take_stock(_racing(members))
        return [_answer(member, written) for member in members]

    def _keep_unmerged(self, members: Sequence[Candidate]) -> None:
        """Leave out observations that are merged already, or are not the saga's: nothing happens to them."""
        named = sorted((each,) for member in members for each in member.chosen.merged)
        unmerged = {(row[1], row[0]) for row in self._work.fetch(OBSERVED, named) if not row[2]}
        for member in members:
            chosen = member.chosen
            chosen.merged = {each for each in chosen.merged if (chosen.saga_id, each) in unmerged}

    def _decide_stock(self, members: Sequence[Candidate]) -> None:
        """Answer or change the mind of members that do not get their stock."""
        for member, answer in self._moved(members):
            match answer:
                case TooFew():
                    member.fall_back(answer)
                case Unheard():
                    member.answer = UnknownItems(items=answer.items)
                case _:
                    pass
        self._keep_unmerged(_racing(members))

    def _take_stock(self, members: Sequence[Candidate]) -> None:
        """The members are written as if everything fitted; now it must."""
        if any(answer is not MOVED for _, answer in self._moved(members)):
            raise ShortBatchError
        if self._work.rows:
            self._write()

    def _moved(self, members: Sequence[Candidate]) -> list[tuple[Candidate, StockAnswer]]:
        moving = [(member, movement) for member in members if (movement := member.chosen.movement) is not None]
        if not moving:
            return []
        answers = self._parts.inventory.apply(self._work, [movement for _, movement in moving])
        return [(member, answer) for (member, _), answer in zip(moving, answers, strict=True)]

    def _write_kept(self, members: Sequence[Candidate]) -> Written | None:
        """Write the members that are still in the race, and take back what the others claimed."""
        give_back(self._work, members)
        events: list[Row] = []
        for member in _racing(members):
            shortage = "" if member.shortage is None else answers.write(member.shortage.lines)
            writing.put(member.chosen, self._work.rows, self._parts.sealer, shortage)
            put_guards(self._work, member)
            event = writing.event_row(member.chosen)
            if event is not None:
                events.append(event)
        if events:
            self._parts.outbox.append(self._work, events)
        return self._write() if self._work.rows else None

    def _write(self) -> Written:
        rows = self._work.rows
        written = self._work.write()
        for group in COUNTED:
            if group in written.counts and written.counts[group] != rows.count(group):
                raise UnstorableError(
                    f"expected {rows.count(group)} rows in {group.name}, found {written.counts[group]}"
                )
        return written


def _racing(members: Sequence[Candidate]) -> list[Candidate]:
    return [member for member in members if member.answer is None]


def _answer(member: Candidate, written: Written | None) -> CommitAnswer | CheckoutError:
    if member.answer is not None:
        return member.answer
    if written is None:
        raise InvariantError("a member of the batch was left without an answer")
    version = member.transaction.version + 1
    if member.shortage is not None:
        return Short(version=version, at=written.at, lines=member.shortage.lines)
    return Applied(version=version, at=written.at)
