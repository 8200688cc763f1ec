"""Cart guards: every batch takes the rows it shares with others in one order, so that no two can deadlock (2.6).

Two processes may free carts of their own and want each other's in one batch. Whatever a batch does to guards is done
in two passes over sorted keys, and a row that was ever committed is never deleted, since a key that comes and goes
cannot be locked:

1. *Touch* inserts what is not there. PostgreSQL waits here for whoever inserts or changes the same key, and locks
   nothing that is there: whoever waits here holds new keys before this one, which nobody sees who is past this pass.
   MariaDB locks what is there, so that a batch that takes any guard touches all of its guards, those that it frees
   included: this is its only pass.
2. *Change* holds, takes over and ends rows that are there, under locks taken in the same order: by one statement for
   all kinds of change, or by an ordered SELECT FOR UPDATE before it. A row that is being inserted is not seen, so that
   nobody in this pass waits for anybody in the first.

So waits go from the first pass to the second or to a greater key, and within the second to a greater key: no circle.
A batch that takes no guard has the second pass only. What a refused member has inserted is deleted before anybody
could see it: the batch has that row's lock already. What comes after, in tables later in order, belongs to the saga
alone, under the lock of its row (stock excepted, which is last).
"""

from __future__ import annotations

from collections.abc import Iterator

from checkout_core.adapters.sql.folding import FoldedRecords, GuardPlace
from checkout_core.adapters.sql.groups import GUARD_CHANGES, GUARD_DROPS, GUARDS
from checkout_core.adapters.sql.rows import Rows
from checkout_core.ports.records import FreeGuard, TakeGuard, Transaction

_LONG_AGO_SECONDS = -86_400.0
"""When a guard ended that ends at once: no clock of another primary shall find it held."""


def places(transaction: Transaction) -> Iterator[GuardPlace]:
    """The guards that any alternative names."""
    for record in (*transaction.records, *(transaction.if_short or ())):
        if isinstance(record, TakeGuard | FreeGuard):
            yield (record.scope, record.cart_id, record.revision)


def touch(rows: Rows, place: GuardPlace, chosen: FoldedRecords, *, takes: bool) -> None:
    """Add the guard if nobody has ever had it: held where the saga ``takes`` it, else as one that nobody has."""
    if takes:
        rows.add(GUARDS, (*place, chosen.saga_id, chosen.takes[place].owner, _expiry(chosen, place)))
    else:
        rows.add(GUARDS, (*place, chosen.saga_id, "", _LONG_AGO_SECONDS))


def hold(rows: Rows, place: GuardPlace, chosen: FoldedRecords) -> None:
    """Have the saga hold a guard that is there and is its own, or nobody's."""
    rows.add(GUARD_CHANGES, (*place, chosen.saga_id, chosen.takes[place].owner, _expiry(chosen, place), 1))


def end(rows: Rows, place: GuardPlace, saga_id: str, after_seconds: float = 0.0) -> None:
    """End the guard if it is the saga's own."""
    rows.add(GUARD_CHANGES, (*place, saga_id, "", after_seconds or _LONG_AGO_SECONDS, 0))


def drop(rows: Rows, place: GuardPlace, saga_id: str) -> None:
    """Take back the guard that this batch has inserted for the saga."""
    rows.add(GUARD_DROPS, (*place, saga_id))


def put_ends(rows: Rows, chosen: FoldedRecords) -> None:
    """End the guards that the alternative gives up and does not take as well."""
    for place, after_seconds in chosen.frees.items():
        if place not in chosen.takes:
            end(rows, place, chosen.saga_id, after_seconds)


def _expiry(chosen: FoldedRecords, place: GuardPlace) -> float | None:
    after_seconds = chosen.frees.get(place)
    return _LONG_AGO_SECONDS if after_seconds == 0 else after_seconds
