"""LIVE-1, and STOCK-2 where nothing went wrong: what must be so once faults have stopped."""

from __future__ import annotations

from collections.abc import Iterator

from checkout_core.domain.order import FailureReason
from checkout_core.ports.records import OperationState, Phase
from checkout_core.testing.simulator.invariants.view import Seen, View, is_kept


def everything_ends(view: View) -> Iterator[str]:
    """LIVE-1: decided, or waiting for the buyer or the provider with a due time, or parked with an alarm."""
    for saga_id, seen in view.sagas.items():
        saga = seen.file.saga
        if saga.phase is Phase.PARKED and not view.is_handed_over(seen):
            yield f"order {saga_id} is parked without attention or alarm"
        if saga.phase is Phase.DONE and seen.order.status.is_open:
            yield f"saga {saga_id} is done and its order {seen.order.status}"
        if saga.phase in (Phase.RUNNING, Phase.WATCHING) and not _waits_for_others(seen):
            states = [f"{op.operation_id} {op.state}" for op in seen.file.operations]
            yield f"saga {saga_id} is {saga.phase} at rest, due in {saga.due_in_seconds} s, {states}"
        if seen.file.observations and saga.phase is not Phase.PARKED:
            told = [each.outcome for each in seen.file.observations]
            yield f"saga {saga_id} is {saga.phase}, and nobody merged what a worker was told: {told}"


def sold_exactly_what_was_there(view: View) -> Iterator[str]:
    """STOCK-2, where nothing went wrong: an order is confirmed, or what is left is too little for it."""
    if not view.undisturbed:
        return
    left = {balance.item_id: balance.available for balance in view.balances}
    for saga_id, seen in view.sagas.items():
        short = any(left[item.item_id] < item.qty for item in seen.order.items)
        refused = seen.order.reason is FailureReason.OUT_OF_STOCK and short and not seen.file.operations
        if not (refused or is_kept(seen)):
            yield f"order {saga_id} is {seen.order.status} ({seen.order.reason}), and {left} is left"


def _waits_for_others(seen: Seen) -> bool:
    waiting = (OperationState.PROCESSING, OperationState.ACTION_REQUIRED)
    due = seen.file.saga.due_in_seconds is not None
    return due and any(op.state in waiting for op in seen.file.operations)
