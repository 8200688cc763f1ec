"""STATE-1, STATE-3, STATE-4 and EVENT-1."""

from __future__ import annotations

from collections.abc import Iterator

from checkout_core.domain.event import EventType
from checkout_core.domain.order import Attention, OrderStatus
from checkout_core.ports.records import OperationKind
from checkout_core.saga.journal import Moved
from checkout_core.testing.simulator.invariants.view import View

_OPEN = ("PENDING", "REQUIRES_ACTION")
_ENDED = ("FAILED", "CANCELLED")

_ARROWS: dict[tuple[str, str], EventType | None] = {
    ("", "PENDING"): None,
    ("", "FAILED"): EventType.ORDER_FAILED,
    ("", "CONFIRMED"): EventType.ORDER_CONFIRMED,
    ("PENDING", "REQUIRES_ACTION"): EventType.ORDER_ACTION_REQUIRED,
    **{(source, "CONFIRMED"): EventType.ORDER_CONFIRMED for source in (*_OPEN, *_ENDED)},
    **{(source, "FAILED"): EventType.ORDER_FAILED for source in _OPEN},
    **{(source, "CANCELLED"): EventType.ORDER_CANCELLED for source in _OPEN},
    **{(source, source): EventType.ORDER_LATE_PAYMENT_RETURNED for source in _ENDED},
}
"""The table of protocol section 1 as far as a checkout goes by itself, written down a second time."""


def statuses_follow_the_table(view: View) -> Iterator[str]:
    """STATE-1."""
    for saga_id, seen in view.sagas.items():
        status = ""
        for move in seen.moves:
            if move.source != status:
                yield f"order {saga_id} was {status or 'new'} and moved from {move.source or 'nothing'}"
            if (str(move.source), str(move.target)) not in _ARROWS:
                yield f"order {saga_id} moved from {move.source or 'nothing'} to {move.target}"
            status = move.target


def journal_is_the_history(view: View) -> Iterator[str]:
    """STATE-3: every version once, in order of time, and the last move is where the order stands."""
    for saga_id, seen in view.sagas.items():
        versions = [row.version for row in seen.file.journal]
        if versions != list(range(1, seen.file.saga.version + 1)):
            yield f"order {saga_id} is at version {seen.file.saga.version}, its journal has {versions}"
        times = [row.at for row in seen.file.journal]
        if times != sorted(times) or not all(row.worker for row in seen.file.journal):
            yield f"order {saga_id}: the journal lacks order or workers"
        last = seen.moves[-1].target if seen.moves else ""
        if last != seen.order.status:
            yield f"order {saga_id} is {seen.order.status}, its journal ends at {last or 'nothing'}"


def failed_means_undone(view: View) -> Iterator[str]:
    """STATE-4: an order that has ended and still owes money back says so in its attention."""
    for saga_id, seen in view.sagas.items():
        ended = seen.order.status in (OrderStatus.FAILED, OrderStatus.CANCELLED)
        owed = seen.moved(OperationKind.CHARGE) - seen.moved(OperationKind.REFUND)
        if ended and owed > 0 and seen.order.attention is Attention.NONE:
            yield f"order {saga_id} is {seen.order.status}, owes {owed} and shows nothing of it"


def one_event_per_marked_move(view: View) -> Iterator[str]:
    """EVENT-1."""
    for saga_id, seen in view.sagas.items():
        expected = [
            (version, event)
            for version, entry in seen.entries
            if isinstance(entry, Moved) and (event := _ARROWS.get((str(entry.source), str(entry.target)))) is not None
        ]
        found = [(row.aggregate_seq, row.type) for row in seen.outbox]
        if found != expected:
            yield f"order {saga_id} has events {found}, its moves call for {expected}"
