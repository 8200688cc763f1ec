"""The short way of a batch, on PostgreSQL: write everything as if all went well, in one statement, and keep it only if
it did.

Every key must turn out new, every guard new or free, every fence hold, every reservation fit. The statement tells how
many rows each part of it touched; if one is missing, the transaction is rolled back and :mod:`careful` decides. A row
that was inserted was inserted with our id, so that full counts say here what protocol 2.4 wants to know; a count that
is not full is never interpreted.
"""

from __future__ import annotations

from collections.abc import Sequence

from checkout_core.adapters.sql import guards, writing
from checkout_core.adapters.sql.candidate import Candidate
from checkout_core.adapters.sql.claiming import put_key
from checkout_core.adapters.sql.dialects.dialect import Written
from checkout_core.adapters.sql.groups import COUNTED, GUARD_CHANGES, GUARDS, KEYS
from checkout_core.adapters.sql.inventory import JoinedInventory
from checkout_core.adapters.sql.movements import Movement, MovementKind
from checkout_core.adapters.sql.parts import Parts
from checkout_core.adapters.sql.rows import Rows
from checkout_core.adapters.sql.statement import Group, Row
from checkout_core.adapters.sql.work import Work
from checkout_core.domain.order import StockState
from checkout_core.ports.records import Applied, CommitAnswer, Transaction

_FULL: frozenset[Group] = frozenset({*COUNTED, KEYS})


def try_all(work: Work, batch: Sequence[Transaction], parts: Parts) -> list[CommitAnswer] | None:
    """The answers if everything was written; None where the transaction must be rolled back and decided carefully."""
    movements: list[Movement] = []
    events: list[Row] = []
    for transaction in batch:
        member = Candidate(transaction)
        member.plan(StockState.NONE if member.is_new else None)
        if member.answer is not None or not _is_foreseeable(member):
            return None
        chosen = member.chosen
        writing.put(chosen, work.rows, parts.sealer, "")
        put_key(work, member)
        for place in chosen.takes:
            guards.touch(work.rows, place, chosen, takes=True)
            guards.hold(work.rows, place, chosen)
        guards.put_ends(work.rows, chosen)
        event = writing.event_row(chosen)
        if event is not None:
            events.append(event)
        if chosen.movement is not None:
            movements.append(chosen.movement)
    if movements:
        if type(parts.inventory) is not JoinedInventory:  # a subclass may decide otherwise
            return None
        parts.inventory.propose(work, movements)
    if events:
        parts.outbox.append(work, events)
    rows = work.rows
    written = work.write()
    if not _is_full(rows, written):
        return None
    return [Applied(version=transaction.version + 1, at=written.at) for transaction in batch]


def _is_full(rows: Rows, written: Written) -> bool:
    # A guard that is taken is either inserted, or there and free: it stands in both groups and is touched by one.
    touched = written.counts.get(GUARDS, 0) + written.counts.get(GUARD_CHANGES, 0)
    return touched == rows.count(GUARD_CHANGES) and all(
        count == rows.count(group) for group, count in written.counts.items() if group in _FULL
    )


def _is_foreseeable(member: Candidate) -> bool:
    """A saga that takes guards or stock again is rare, and needs to be looked at."""
    if member.is_new:
        return True
    chosen = member.chosen
    movement = chosen.movement
    return not chosen.takes and (movement is None or movement.kind is not MovementKind.RESERVE)
