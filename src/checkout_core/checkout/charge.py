"""Take the payment: the charge as a remote action."""

from __future__ import annotations

from typing import assert_never

from pydantic_core import from_json, to_json

from checkout_core.checkout.money_action import MoneyAction
from checkout_core.checkout.moves import move
from checkout_core.checkout.plan import operation_id, provider_key, provider_reference
from checkout_core.checkout.shop import Shop
from checkout_core.checkout.state import CheckoutState
from checkout_core.checkout.transitions import Trigger, transition
from checkout_core.checkout.unknown_outcome import Inquiry, quiet_seconds
from checkout_core.domain.order import Attention, Order
from checkout_core.errors import InvariantError
from checkout_core.ports.payment import ActionNeeded, ChargeRequest, Declined, PaymentAnswer, Processing, Succeeded
from checkout_core.ports.records import OperationKind, OperationState, RecordIntent, RecordOutcome
from checkout_core.ports.store import Operation
from checkout_core.saga.journal import Verdict
from checkout_core.saga.step import Change, Intent, Sendable, Settlement


class Charge(MoneyAction):
    """Charge the order's total with the key that the intent made durable."""

    def intend(self, state: CheckoutState) -> Intent:
        request, order = state.request, state.opened
        if request is None or request.payment_method is None:
            raise InvariantError("a charge is only intended by the run that opens the order")
        account, settings = self.shop.account_for(request.payment_method), self.shop.settings
        name = operation_id(OperationKind.CHARGE, 0, state.attempts(OperationKind.CHARGE) + 1)
        record = RecordIntent(
            operation_id=name,
            kind=OperationKind.CHARGE,
            attempt=state.attempts(OperationKind.CHARGE) + 1,
            provider=account.name,
            account=account.account,
            key=provider_key(state.order_id, name),
            reference=provider_reference(state.order_id, name),
            amount=order.total,
            request=_canonical(order, request.payment_method.kind),
            token=request.payment_method.token,
            pay_by_seconds=settings.pay_by_seconds,
            resend_seconds=account.resend_seconds,
            quiet_seconds=quiet_seconds(self.shop, account),
        )
        return Intent(name, (record,))

    def inquiry(self, at: Sendable[CheckoutState]) -> Inquiry:
        operation = at.state.operation(at.operation_id)
        return Inquiry(
            shop=self.shop,
            account=self.account_of(operation),
            operation=operation,
            at=at,
            request=_wire(at.state.order_id, operation),
            answered=lambda answer: settle_charge(self.shop, at.state, operation, answer),
            not_executed=lambda detail: _not_executed(operation, detail),
            rejected=lambda detail: _not_executed(operation, detail),
        )


def settle_charge(shop: Shop, state: CheckoutState, operation: Operation, answer: PaymentAnswer) -> Settlement:
    """What an answer of the provider, from whichever way it came, means for the saga."""
    match answer:
        case Succeeded(provider_reference=reference, amount=amount) if amount.currency != operation.amount.currency:
            # Not ours to book or to give back: amounts are kept in the order's currency. The operation stays open.
            record = RecordOutcome(
                operation_id=operation.operation_id, state=OperationState.UNKNOWN, provider_reference=reference
            )
            return Settlement(Verdict.UNKNOWN, (record,), detail=f"charged {amount}", park="wrong_currency")
        case Succeeded(provider_reference=reference, amount=amount):
            record = RecordOutcome(
                operation_id=operation.operation_id,
                state=OperationState.SUCCEEDED,
                provider_reference=reference,
                moved_minor=amount.minor,
                erase_token=True,
            )
            return Settlement(Verdict.DONE, (record,), park="" if amount == operation.amount else "wrong_amount")
        case Declined(code=code, kind=kind, provider_reference=reference):
            record = RecordOutcome(
                operation_id=operation.operation_id,
                state=OperationState.DECLINED,
                provider_reference=reference,
                code=code,
                decline_kind=kind,
                erase_token=True,
            )
            return Settlement(Verdict.REFUSED, (record,), detail=code, turn="declined")
        case ActionNeeded(provider_reference=reference, action_url=url):
            record = RecordOutcome(
                operation_id=operation.operation_id,
                state=OperationState.ACTION_REQUIRED,
                provider_reference=reference,
                action_url=url,
            )
            asked = _ask_buyer(shop, state)
            return Settlement(Verdict.WAITING, (record, *asked.records), asked.entries)
        case Processing(provider_reference=reference):
            record = RecordOutcome(
                operation_id=operation.operation_id, state=OperationState.PROCESSING, provider_reference=reference
            )
            return Settlement(Verdict.WAITING, (record,))
        case _:
            assert_never(answer)


def _ask_buyer(shop: Shop, state: CheckoutState) -> Change:
    order = state.opened
    if order.attention is Attention.UNDOING or transition(order.status, Trigger.ACTION_REQUIRED) is None:
        return Change()
    return move(order, Trigger.ACTION_REQUIRED, shop.context.new_id)


def _not_executed(operation: Operation, detail: str) -> Settlement:
    record = RecordOutcome(operation_id=operation.operation_id, state=OperationState.NOT_EXECUTED, erase_token=True)
    return Settlement(Verdict.NOT_EXECUTED, (record,), detail=detail, turn="not_sent")


def _canonical(order: Order, method_kind: str) -> str:
    """Everything that the wire request is built from, but for what the operation's own columns hold (protocol 4.9)."""
    return to_json({"version": 1, "method_kind": method_kind, "return_url": order.details.return_url}).decode()


def _wire(order_id: str, operation: Operation) -> ChargeRequest:
    said = from_json(operation.request)
    return ChargeRequest(
        key=operation.key,
        reference=operation.reference,
        order_id=order_id,
        amount=operation.amount,
        method_kind=said["method_kind"],
        token=operation.token,
        return_url=said["return_url"],
        version=said["version"],
    )
