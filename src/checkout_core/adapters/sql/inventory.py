"""Stock that lives in the store: the joined half of the inventory (protocol 2.3)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from checkout_core.adapters.sql.groups import STOCK_TAKES
from checkout_core.adapters.sql.looks import STOCK_ROWS
from checkout_core.adapters.sql.movements import (
    MOVED,
    Movement,
    MovementKind,
    StockAnswer,
    TooFew,
    Unheard,
)
from checkout_core.adapters.sql.work import Work
from checkout_core.domain.result import Shortage
from checkout_core.errors import InvariantError
from checkout_core.ports.records import StockLine

Place = tuple[str, str]


class JoinedInventory:
    """Applies a batch's stock movements on the store's open transaction; a host may give its own.

    Rules for another one: answer by position, in arrival order, all lines of a reservation or none; a shortage and an
    unknown item are answers. Lock rows in sorted key order. Do not commit, use no other connection than
    ``work.connection``, and be safe to run again after a rollback.
    """

    def apply(self, work: Work, movements: Sequence[Movement]) -> list[StockAnswer]:
        """Lock the rows, decide in arrival order, and add one change per row to ``work``."""
        places = sorted({(line.item_id, line.location) for movement in movements for line in movement.lines})
        found = work.fetch(STOCK_ROWS, places)
        before: dict[Place, int] = {(item_id, location): available for item_id, location, available in found}
        available = dict(before)
        answers = [_decide(available, movement) for movement in movements]
        for place, after in available.items():
            change = after - before[place]
            if change:
                work.add(STOCK_TAKES, (*place, max(0, -change), max(0, change)))
        return answers

    def propose(self, work: Work, movements: Sequence[Movement]) -> None:
        """Add the changes as if everything fitted, before anything was looked at.

        A row is changed only where all reservations fit without what the batch gives back: then every order of the
        members gives the same. Where a row is not changed the batch is rolled back and :meth:`apply` decides.
        """
        taken = _sum(movement for movement in movements if movement.kind is MovementKind.RESERVE)
        returned = _sum(movement for movement in movements if movement.kind is MovementKind.RELEASE)
        for place in taken.keys() | returned.keys():
            work.add(STOCK_TAKES, (*place, taken.get(place, 0), returned.get(place, 0)))


def _sum(movements: Iterable[Movement]) -> dict[Place, int]:
    units: dict[Place, int] = {}
    for movement in movements:
        for line in movement.lines:
            place = (line.item_id, line.location)
            units[place] = units.get(place, 0) + line.qty
    return units


def _decide(available: dict[Place, int], movement: Movement) -> StockAnswer:
    match movement.kind:
        case MovementKind.RESERVE:
            return _reserve(available, movement.lines)
        case MovementKind.RELEASE:
            for line in movement.lines:
                place = (line.item_id, line.location)
                if place not in available:
                    raise InvariantError(f"order {movement.order_id} releases an item that has no stock row")
                available[place] += line.qty
        case MovementKind.COMMIT:
            pass
    return MOVED


def _reserve(available: dict[Place, int], lines: Sequence[StockLine]) -> StockAnswer:
    unknown = tuple((line.item_id, line.location) for line in lines if (line.item_id, line.location) not in available)
    if unknown:
        return Unheard(unknown)
    short = tuple(
        Shortage(item_id=line.item_id, location=line.location, wanted=line.qty, available=left)
        for line in lines
        if (left := available[line.item_id, line.location]) < line.qty
    )
    if short:
        return TooFew(short)
    for line in lines:
        available[line.item_id, line.location] -= line.qty
    return MOVED
