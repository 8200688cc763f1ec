"""The short way of a batch: write everything as if all went well, in one statement, and keep it only if it did.

Every key, guard and saga must turn out new, every fence must hold, every reservation fit. The statement tells how many
rows each part of it touched; if one is missing, the transaction is rolled back and :mod:`careful` decides. A row that
was inserted was inserted with our id, so that full counts say on PostgreSQL what protocol 2.4 wants to know; a count
that is not full is never interpreted.
"""

from __future__ import annotations

from collections.abc import Sequence

from checkout_core.adapters.sql.candidate import Candidate
from checkout_core.adapters.sql.groups import COUNTED, GUARDS, KEYS
from checkout_core.adapters.sql.inventory import JoinedInventory
from checkout_core.adapters.sql.movements import Movement, MovementKind
from checkout_core.adapters.sql.parts import Parts
from checkout_core.adapters.sql.statement import Group, Row
from checkout_core.adapters.sql.work import Work
from checkout_core.domain.order import StockState
from checkout_core.ports.records import Applied, CommitAnswer, Transaction

_FULL: frozenset[Group] = frozenset({*COUNTED, KEYS, GUARDS})


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
        chosen.put(work.rows, parts.sealer, "")
        if member.is_new:
            chosen.put_claims(work.rows)
        chosen.put_guards(work.rows, taken=True)
        event = chosen.event_row()
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
    if any(count != rows.count(group) for group, count in written.counts.items() if group in _FULL):
        return None
    return [Applied(version=transaction.version + 1, at=written.at) for transaction in batch]


def _is_foreseeable(member: Candidate) -> bool:
    """A saga that takes guards or stock again is rare, and needs to be looked at."""
    if member.is_new:
        return True
    movement = member.chosen.movement
    return not member.chosen.takes and (movement is None or movement.kind is not MovementKind.RESERVE)
