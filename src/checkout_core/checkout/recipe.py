"""The checkout, from top to bottom.

Between two calls of the provider everything is one commit, so that a checkout whose stock shares the database is two
commits (protocol section 1), and one where the total is zero:

    commit 1   open_order, guard_cart, reserve_stock, and the intent to charge
    call       take_payment
    commit 2   its outcome, then confirm_order; or the undo of everything, last step first, and the order FAILED
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache

from checkout_core.checkout.charge import Charge, settle_charge
from checkout_core.checkout.moves import attend, event, move
from checkout_core.checkout.plan import born_as, claim_key, open_order, take_guard
from checkout_core.checkout.refund import GiveBack, settle_refund
from checkout_core.checkout.shop import Recipe, Shop
from checkout_core.checkout.state import CheckoutState, apply, stock_lines
from checkout_core.checkout.transitions import Trigger, transition
from checkout_core.domain.money import Money
from checkout_core.domain.order import Attention, FailureReason, Order, OrderStatus
from checkout_core.domain.request import CheckoutRequest
from checkout_core.domain.value import evolve
from checkout_core.errors import InvariantError
from checkout_core.ports.payment import ActionNeeded, Declined, PaymentAnswer, Processing, Succeeded
from checkout_core.ports.records import (
    CommitStock,
    FreeGuard,
    MergeObservation,
    OperationKind,
    OperationState,
    RaiseAlarm,
    Record,
    RecordOutcome,
    ReleaseStock,
    ReserveStock,
    TakeGuard,
)
from checkout_core.ports.store import Operation
from checkout_core.saga.definition import Definition
from checkout_core.saga.journal import Moved, Turned, Verdict
from checkout_core.saga.retry import Backoff
from checkout_core.saga.step import Change, Kind, LocalStep, RemoteStep, Settlement

NAME = "checkout"
UNRESOLVED = frozenset({"outcome_unknown", "undecided_too_long"})
"""Causes of parking in which only the provider's books can tell what happened to the money."""
VERSION = 1
CONTRADICTION = "contradicting_outcome"
"""Money moved, and we had been told that it never would. A charge is a late success; a refund is for an operator."""


@lru_cache(maxsize=8)
def checkout(shop: Shop) -> Definition[CheckoutState]:
    """The checkout saga of this shop; made once, and forgotten when other shops have come (a process has few)."""
    settings, steps = shop.settings, _Steps(shop)
    return Definition(
        name=NAME,
        version=VERSION,
        steps=(
            LocalStep("open_order", run=steps.open_order),
            LocalStep("guard_cart", run=steps.guard_cart, undo=steps.free_cart),
            LocalStep("reserve_stock", run=steps.reserve_stock, undo=steps.release_stock, may_fall_short=True),
            RemoteStep("take_payment", run=Charge(shop), undo=GiveBack(shop), applies=_costs_something),
            LocalStep("confirm_order", run=steps.confirm_order, kind=Kind.PIVOT),
        ),
        aggregate=_Aggregate(shop),
        lease_seconds=settings.lease_seconds,
        backoff=Backoff(settings.retry_first_seconds, settings.retry_most_seconds),
        new_id=shop.context.new_id,
    )


RECIPES: tuple[Recipe, ...] = (checkout,)
"""Every version, newest first. Other steps, or another order of them, are a new :data:`VERSION`, and the old recipe
stays here until no saga of it is under way: a saga is only ever run by the version that opened it (protocol 3.6)."""


@dataclass(frozen=True, slots=True)
class _Steps:
    shop: Shop

    def open_order(self, state: CheckoutState) -> Change:
        request = _request(state)
        records = (claim_key(request, state.fingerprint), open_order(request))
        return Change(records, (Moved("", Trigger.OPENED, OrderStatus.PENDING),))

    def guard_cart(self, state: CheckoutState) -> Change:
        if state.request is not None:
            return Change((take_guard(state.request),))
        order = state.opened  # a late success takes the cart again
        return Change((TakeGuard(scope=order.scope, cart_id=order.cart_id, revision=order.cart_revision, owner=""),))

    def free_cart(self, state: CheckoutState) -> Change:
        return Change((_free(state.opened),))

    def reserve_stock(self, state: CheckoutState) -> Change:
        return Change((ReserveStock(lines=stock_lines(state.opened)),))

    def release_stock(self, state: CheckoutState) -> Change:
        return Change((ReleaseStock(lines=stock_lines(state.opened)),))

    def confirm_order(self, state: CheckoutState) -> Change:
        order = state.opened
        if (state.charged.moved_minor if state.charged is not None else 0) != order.total.minor:
            raise InvariantError(f"order {order.order_id} would be confirmed without its money (MONEY-3)")
        on = Trigger.PAID if order.status.is_open else Trigger.LATE_CONFIRMED
        confirmed = move(order, on, self.shop.context.new_id)
        guard = () if order.cart_revision else (_free(order, self.shop.settings.cart_guard_seconds),)
        return Change((CommitStock(), *guard, *confirmed.records), confirmed.entries)


@dataclass(frozen=True, slots=True)
class _Aggregate:
    """How the engine sees a checkout."""

    shop: Shop

    def apply(self, state: CheckoutState, records: tuple[Record, ...]) -> CheckoutState:
        return apply(state, records)

    def stamp(self, state: CheckoutState, at: datetime, asked_at: float) -> CheckoutState:
        opened = state.anchor is None
        order = state.opened
        stamped = evolve(order, created_at=at if opened else order.created_at, updated_at=at)
        return evolve(state, order=stamped, anchor=asked_at if opened else state.anchor)

    def stillborn(self, state: CheckoutState) -> Change:
        """Out of stock: the key is kept with a FAILED order that never held anything."""
        request = _request(state)
        opened = born_as(state.opened, OrderStatus.FAILED, FailureReason.OUT_OF_STOCK)
        order = evolve(state.opened, status=opened.status, reason=opened.reason)
        row = transition(None, Trigger.OPENED_SHORT)
        if row is None or row.event is None:
            raise InvariantError("the table has no row for an order that opens short")
        told = event(row.event, order, order.status, order.reason, self.shop.context.new_id())
        entry = Moved("", Trigger.OPENED_SHORT, OrderStatus.FAILED)
        return Change((claim_key(request, state.fingerprint), opened, told), (entry,))

    def close(self, state: CheckoutState, turned: Turned, late: bool) -> Change:
        if late:
            return move(state.opened, Trigger.LATE_RETURNED, self.shop.context.new_id)
        on, reason = _WHY[turned.reason]
        return move(state.opened, on, self.shop.context.new_id, reason=reason, detail=turned.detail)

    def park(self, state: CheckoutState, cause: str) -> Change:
        attention = Attention.UNDER_REVIEW if cause in UNRESOLVED else Attention.PARKED
        return Change((attend(state.opened, attention),))

    def alarm(self, state: CheckoutState, cause: str) -> Change:
        return Change((RaiseAlarm(alarm_id=self.shop.context.new_id(), kind=cause, detail=f"order {state.order_id}"),))

    def observed(self, state: CheckoutState) -> tuple[str, Settlement] | None:
        if not state.observations:
            return None
        seen = state.observations[0]
        operation = state.operation(seen.outcome.operation_id)
        answer = _as_answer(seen.outcome, operation.amount.currency)
        told = self._news(state, operation, answer)
        merged = MergeObservation(observation_id=seen.observation_id)
        return operation.operation_id, replace(told, records=(merged, *told.records))

    def _news(self, state: CheckoutState, operation: Operation, answer: PaymentAnswer | None) -> Settlement:
        """What a fenced-out worker's ``answer`` adds to what is known of the operation."""
        settled = operation.state in _FINAL
        decided = isinstance(answer, Succeeded | Declined)
        if answer is None or (not decided and (settled or operation.state is OperationState.PRESUMED_NOT_EXECUTED)):
            return Settlement(Verdict.UNKNOWN)
        if operation.state is OperationState.SUCCEEDED or (settled and not isinstance(answer, Succeeded)):
            known, found = operation.provider_reference, answer.provider_reference
            twice = isinstance(answer, Succeeded) and known and found and known != found
            return Settlement(Verdict.UNKNOWN, park="moved_twice" if twice else "")
        if operation.kind is OperationKind.REFUND:
            told = settle_refund(operation, answer)
            return replace(told, verdict=Verdict.UNKNOWN, park=CONTRADICTION) if settled else told
        told = settle_charge(self.shop, state, operation, answer)
        return replace(told, alarm=CONTRADICTION) if settled else told


_WHY: dict[str, tuple[Trigger, FailureReason]] = {
    "declined": (Trigger.DECLINED, FailureReason.PAYMENT_DECLINED),
    "not_sent": (Trigger.NOT_SENT, FailureReason.PAYMENT_NOT_SENT),
    "step_refused": (Trigger.STEP_REFUSED, FailureReason.STEP_REFUSED),
    "expired": (Trigger.EXPIRED, FailureReason.EXPIRED),
    "operator": (Trigger.CANCELLED, FailureReason.OPERATOR),
}


_FINAL = (OperationState.SUCCEEDED, OperationState.DECLINED, OperationState.NOT_EXECUTED)


def _costs_something(state: CheckoutState) -> bool:
    total = state.opened.total if state.order is not None else _request(state).priced_cart.payable
    return total.minor > 0


def _request(state: CheckoutState) -> CheckoutRequest:
    if state.request is None:
        raise InvariantError("only the opening run has the request")
    return state.request


def _free(order: Order, after_seconds: float = 0.0) -> FreeGuard:
    return FreeGuard(
        scope=order.scope, cart_id=order.cart_id, revision=order.cart_revision, after_seconds=after_seconds
    )


def _as_answer(outcome: RecordOutcome, currency: str) -> PaymentAnswer | None:
    """What the provider had told the fenced-out worker; None where it knew nothing for certain."""
    reference = outcome.provider_reference
    match outcome.state:
        case OperationState.SUCCEEDED:
            return Succeeded(provider_reference=reference, amount=Money(minor=outcome.moved_minor, currency=currency))
        case OperationState.DECLINED if outcome.decline_kind is not None:
            return Declined(code=outcome.code, kind=outcome.decline_kind, provider_reference=reference)
        case OperationState.PROCESSING:
            return Processing(provider_reference=reference)
        case OperationState.ACTION_REQUIRED:
            return ActionNeeded(provider_reference=reference, action_url=outcome.action_url)
        case _:
            return None
