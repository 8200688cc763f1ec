"""An alternative as rows: all but its claims, its guards and its stock."""

from __future__ import annotations

from checkout_core.adapters.sql import groups
from checkout_core.adapters.sql.folding import FoldedRecords
from checkout_core.adapters.sql.rows import Rows
from checkout_core.adapters.sql.sealing import Sealer
from checkout_core.adapters.sql.statement import Cell, Row
from checkout_core.domain.order import Attention, StockState
from checkout_core.domain.value import dump
from checkout_core.ports.records import OperationState, RecordIntent, RecordOutcome

NOBODY = ""
"""The token of a saga whose lease was given up: it fences everybody out."""

_OPERATIONS_PER_VERSION = 1000


def put(chosen: FoldedRecords, rows: Rows, sealer: Sealer, shortage: str) -> None:
    """Add what belongs to the saga alone. ``shortage``: what the journal shall remember of the answer."""
    _put_saga(chosen, rows, shortage)
    _put_order(chosen, rows)
    _put_operations(chosen, rows, sealer)
    for observation_id in sorted(chosen.merged):
        rows.add(groups.MERGED, (observation_id, chosen.saga_id))
    for alarm in chosen.alarms:
        rows.add(groups.ALARMS, (alarm.alarm_id, alarm.kind, chosen.saga_id, alarm.detail))


def event_row(chosen: FoldedRecords) -> Row | None:
    """The outbox row, in Debezium's column order."""
    event = chosen.event
    if event is None:
        return None
    return (event.event_id, "order", chosen.saga_id, event.type, event.payload, chosen.transaction.version + 1)


def _put_saga(chosen: FoldedRecords, rows: Rows, shortage: str) -> None:
    transaction, save = chosen.transaction, chosen.save
    assert save is not None
    token = NOBODY if save.lease_seconds is None else transaction.token
    times = (save.lease_seconds, save.due_seconds)
    if chosen.saga is not None:
        stock = chosen.stock or StockState.NONE
        what = (chosen.saga_id, chosen.saga.definition, chosen.saga.definition_version)
        rows.add(groups.SAGAS, (*what, 1, save.tries, save.phase, stock, token, *times))
    else:
        fence = (chosen.saga_id, transaction.version, transaction.token)
        stocks = (chosen.presumed or "", chosen.stock or "")
        rows.add(groups.SAGA_SAVES, (*fence, token, save.phase, *stocks, save.tries, len(chosen.merged), *times))
    written = (transaction.commit_id, transaction.worker, save.entries, shortage)
    rows.add(groups.JOURNAL, (chosen.saga_id, transaction.version + 1, *written))


def _put_order(chosen: FoldedRecords, rows: Rows) -> None:
    order, move = chosen.order, chosen.move
    if order is None:
        if move is not None:
            reason = move.reason or ""
            rows.add(groups.ORDER_MOVES, (chosen.saga_id, move.status, reason, move.attention, move.reason_detail))
        return
    now = order if move is None else move
    who = (order.scope, order.user_id, order.cart_id, order.cart_revision)
    attention = Attention.NONE if move is None else move.attention
    state = (now.status, now.reason or "", attention, now.reason_detail)
    total = (order.total.minor, order.total.currency)
    rows.add(groups.ORDERS, (chosen.saga_id, *who, *total, *state, dump(order.details), order.previous_order_id))
    for position, item in enumerate(order.items):
        if item.price.currency != order.total.currency:
            raise chosen.broken("an item's currency differs from the order's")
        place = (chosen.saga_id, position, item.item_id, item.location)
        rows.add(groups.ORDER_ITEMS, (*place, item.qty, item.price.minor))


def _put_operations(chosen: FoldedRecords, rows: Rows, sealer: Sealer) -> None:
    for index, intent in enumerate(chosen.intents.values()):
        rows.add(groups.OPERATIONS, _intended(chosen, index, intent, sealer))
    for operation_id, outcome in chosen.outcomes.items():
        if operation_id not in chosen.intents:
            times = (chosen.quiet.get(operation_id), outcome.watch_seconds)
            told = (outcome.state, *_known(outcome), *times, int(outcome.erase_token))
            rows.add(groups.OUTCOMES, (chosen.saga_id, operation_id, *told))
    for operation_id, seconds in chosen.quiet.items():
        if operation_id not in chosen.intents and operation_id not in chosen.outcomes:
            rows.add(groups.SENDS, (chosen.saga_id, operation_id, seconds))


def _intended(chosen: FoldedRecords, index: int, intent: RecordIntent, sealer: Sealer) -> Row:
    """The operation's row, with its outcome where the same commit records both."""
    outcome = chosen.outcomes.get(intent.operation_id)
    if outcome is None:
        outcome = RecordOutcome(operation_id=intent.operation_id, state=OperationState.INTENDED)
    return (
        chosen.saga_id,
        intent.operation_id,
        (chosen.transaction.version + 1) * _OPERATIONS_PER_VERSION + index,
        intent.kind,
        intent.leg,
        intent.attempt,
        intent.provider,
        intent.account,
        intent.key,
        intent.reference,
        intent.amount.minor,
        intent.amount.currency,
        intent.request,
        "" if outcome.erase_token or not intent.token else sealer.seal(intent.token),
        outcome.state,
        *_known(outcome),
        intent.pay_by_seconds,
        intent.resend_seconds,
        chosen.quiet.get(intent.operation_id, intent.quiet_seconds),
        outcome.watch_seconds,
    )


def _known(outcome: RecordOutcome) -> tuple[Cell, ...]:
    decline_kind = outcome.decline_kind or ""
    return (outcome.provider_reference, outcome.moved_minor, outcome.code, decline_kind, outcome.action_url)
