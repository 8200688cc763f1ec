"""What an operator can do with a parked checkout: give it back, say what happened, or undo it. Each leaves its note."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, NoReturn, assert_never

from checkout_core.checkout.charge import settle_charge
from checkout_core.checkout.definitions import definition_of
from checkout_core.checkout.moves import attend
from checkout_core.checkout.recovery import foreign, saga_in_hand
from checkout_core.checkout.refund import settle_refund
from checkout_core.checkout.setback import give_back, is_parked_for_failures
from checkout_core.checkout.shop import Shop
from checkout_core.checkout.state import CheckoutState
from checkout_core.checkout.unknown_outcome import presumed
from checkout_core.domain.order import Attention, Order
from checkout_core.errors import InvalidRequestError, OrderNotFoundError, Problem, TransitionRefusedError
from checkout_core.ports.payment import Lookup, Succeeded
from checkout_core.ports.records import MoveOrder, OperationKind, OperationState, Phase, RecordOutcome
from checkout_core.ports.store import Operation, SagaFile
from checkout_core.saga.definition import Definition
from checkout_core.saga.draft import Saga, Told
from checkout_core.saga.effects import Claim, Load, PutBack
from checkout_core.saga.engine import Ended, steer
from checkout_core.saga.journal import Direction, Intended, Resumed, Verdict, decode, read_row
from checkout_core.saga.machine import Late, Undo, next_todo
from checkout_core.saga.step import RemoteStep, Settlement

Evidence = Literal["charged", "not_charged", "refunded", "not_refunded"]


async def retry(shop: Shop, order_id: str, note: str) -> Order:
    """Give the parked order back to the workers, who go on where it stopped."""
    taken = await _take_parked(shop, order_id)
    if is_parked_for_failures(taken.file):
        return await _try_again(shop, taken, note)
    definition, saga = await _in_hand(shop, taken)
    if _would_sell_uncovered(saga):
        await _refuse(saga, "what was charged is not its total; compensate it")
    if _gave_back_too_little(saga):
        await _refuse(saga, "less was given back than was charged; give back the rest, and force it as refunded")
    resumed = Settlement(Verdict.UNKNOWN, (_resumed(saga),), (Resumed(note),), due_seconds=0.0)
    return _order_after(saga, await steer(definition, saga, Told(resumed)))


async def compensate(shop: Shop, order_id: str, note: str) -> Order:
    """Undo the parked order: what is unknown is resolved first, what was charged is given back, the order CANCELLED.

    An order that had ended when a late payment was found keeps its status; the payment is given back.
    """
    definition, saga = await _in_hand(shop, await _take_parked(shop, order_id))
    if not saga.state.opened.status.is_open and saga.progress.late is not Late.FOUND:
        await _refuse(saga, f"it is {saga.state.opened.status}, and only an open order or a late payment can be undone")
    undoing = attend(saga.state.opened, Attention.UNDOING)
    turned = Settlement(Verdict.DONE, (undoing,), (Resumed(note),), detail=note, turn="operator")
    return _order_after(saga, await steer(definition, saga, Told(turned), revive=False))


async def force(shop: Shop, order_id: str, evidence: Evidence, provider_reference: str, note: str) -> Order:
    """Settle an operation by what the operator saw in the provider's books: the unknown charge, or the refund that is
    unknown, or that was refused or too small and has been made, or made up, by hand. ``provider_reference`` is needed
    for what has happened. That all is given back is then the operator's word: an audit expects of the provider's
    books no more than that they do not show more.
    """
    if evidence in ("charged", "refunded") and not provider_reference:
        raise InvalidRequestError([Problem("provider_reference", "expected the provider's id of what happened")])
    taken = await _take_parked(shop, order_id)
    definition, saga = await _in_hand(shop, taken)
    if saga.state.observations:
        await _refuse(saga, "there is news from the provider that no worker has looked at; retry it first")
    step, operation = _in_doubt(definition, saga, taken.file, evidence)
    if operation is None:
        await _refuse(saga, f"it has no operation of which one could say {evidence}")
    told = replace(_said(shop, saga, operation, evidence, provider_reference), detail=note)
    told = replace(told, records=(*told.records, _resumed(saga)), entries=(Resumed(note), *told.entries))
    direction: Direction = "run" if operation.kind is OperationKind.CHARGE else "undo"
    return _order_after(saga, await steer(definition, saga, Told(told, step, operation.operation_id, direction)))


def _said(
    shop: Shop, saga: Saga[CheckoutState], operation: Operation, evidence: Evidence, provider_reference: str
) -> Settlement:
    happened = Succeeded(provider_reference=provider_reference, amount=operation.amount)
    record = RecordOutcome(operation_id=operation.operation_id, state=OperationState.NOT_EXECUTED, erase_token=True)
    match evidence:
        case "charged":
            return settle_charge(shop, saga.state, operation, happened)
        case "not_charged":
            account = shop.account_of(operation)
            if account is None or account.guarantees.lookup_by_reference is Lookup.NONE:
                return Settlement(Verdict.NOT_EXECUTED, (record,), turn="not_sent")
            return presumed(shop, account, operation, "not found by an operator")  # who may have looked too early
        case "refunded":
            return settle_refund(operation, happened)
        case "not_refunded":
            return Settlement(Verdict.NOT_EXECUTED, (record,))
        case _:
            assert_never(evidence)


def _in_doubt(
    definition: Definition[CheckoutState], saga: Saga[CheckoutState], file: SagaFile, evidence: Evidence
) -> tuple[str, Operation | None]:
    """The operation that ``evidence`` can be about, and its step."""
    kind = OperationKind.CHARGE if evidence in ("charged", "not_charged") else OperationKind.REFUND
    if saga.progress.open is not None:
        operation = saga.state.operation(saga.progress.open.operation_id)
        return saga.progress.open.step, operation if operation.kind is kind else None
    refunds = [each for each in saga.state.operations if each.kind is OperationKind.REFUND]
    if evidence != "refunded" or not refunds:
        return "", None
    todo = next_todo(definition, replace(saga.progress, parked=""), saga.state)
    is_due = isinstance(todo, Undo) and isinstance(todo.step, RemoteStep)
    if not (is_due or _gave_back_too_little(saga)):
        return "", None
    intents = (entry for entry in decode(file.journal) if isinstance(entry, Intended))
    return next(each.step for each in intents if each.operation_id == refunds[-1].operation_id), refunds[-1]


def _gave_back_too_little(saga: Saga[CheckoutState]) -> bool:
    """Whether going on would end the order although the refund that was made was not of all (MONEY-4)."""
    refunds = [each for each in saga.state.operations if each.kind is OperationKind.REFUND]
    return saga.state.owes_back and bool(refunds) and refunds[-1].state is OperationState.SUCCEEDED


def _would_sell_uncovered(saga: Saga[CheckoutState]) -> bool:
    """Whether going on would confirm an order for another amount than its total (MONEY-3)."""
    charge = saga.state.charged
    forward = saga.progress.turned is None or saga.progress.late is Late.FOUND
    return forward and charge is not None and charge.moved_minor != saga.state.opened.total.minor


def _order_after(before: Saga[CheckoutState], ended: Ended[CheckoutState]) -> Order:
    if ended.saga.version == before.version:
        raise TransitionRefusedError(f"order {before.saga_id}: somebody else has just taken it; look at it again")
    return ended.saga.state.opened


def _resumed(saga: Saga[CheckoutState]) -> MoveOrder:
    """Nobody need look at the order any more; what it owes back stays visible (STATE-4)."""
    undoing = (saga.progress.turned is not None and not saga.progress.closed) or saga.state.owes_back
    return attend(saga.state.opened, Attention.UNDOING if undoing else Attention.NONE)


async def _refuse(saga: Saga[CheckoutState], why: str) -> NoReturn:
    await PutBack(saga.saga_id, saga.token, 0.0)
    raise TransitionRefusedError(f"order {saga.saga_id}: {why}")


@dataclass(frozen=True, slots=True)
class _Taken:
    """A parked order whose lease the operator holds. Nothing is known of its journal yet."""

    file: SagaFile
    token: str
    asked_at: float
    claimed_at: float


async def _take_parked(shop: Shop, order_id: str) -> _Taken:
    token = shop.context.new_id()
    claimed = await Claim(order_id, token, shop.settings.lease_seconds)
    loaded = await Load(saga_id=order_id)
    if loaded.value is None:
        raise OrderNotFoundError(f"no order {order_id} in this store")
    if not claimed.value or loaded.value.saga.phase is not Phase.PARKED:
        if claimed.value:
            await PutBack(order_id, token, 0.0)
        raise TransitionRefusedError(f"order {order_id} is not parked")
    return _Taken(loaded.value, token, loaded.asked_at, claimed.asked_at)


async def _in_hand(shop: Shop, taken: _Taken) -> tuple[Definition[CheckoutState], Saga[CheckoutState]]:
    file, definition = taken.file, definition_of(shop, taken.file.saga)
    if any(read_row(row) is None for row in file.journal):
        why = "its journal cannot be read here; use a version that can, or retry it"
    else:
        why = foreign(shop, file)
    if why or definition is None:
        await PutBack(file.saga.saga_id, taken.token, 0.0)
        raise TransitionRefusedError(f"order {file.saga.saga_id}: {why}")
    return definition, saga_in_hand(shop, file, taken.token, taken.asked_at, taken.claimed_at)


async def _try_again(shop: Shop, taken: _Taken, note: str) -> Order:
    order_id = taken.file.saga.saga_id
    given = await give_back(shop, taken.file, taken.token, note)
    loaded = await Load(saga_id=order_id)
    if not given or loaded.value is None or loaded.value.order is None:
        raise TransitionRefusedError(f"order {order_id}: somebody else has just taken it; look at it again")
    return loaded.value.order
