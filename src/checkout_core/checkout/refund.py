"""Give the payment back: the undo of a charge, and of a late success, as a remote action.

It refunds the charge that this checkout recorded, never another's, and its amount counts from the intent
(protocol 4.6).
"""

from __future__ import annotations

from typing import assert_never

from checkout_core.checkout.money_action import MoneyAction
from checkout_core.checkout.moves import attend
from checkout_core.checkout.plan import operation_id, provider_key, provider_reference
from checkout_core.checkout.state import CheckoutState
from checkout_core.checkout.unknown_outcome import Inquiry, quiet_seconds
from checkout_core.domain.money import Money
from checkout_core.domain.order import Attention
from checkout_core.errors import InvariantError
from checkout_core.ports.payment import ActionNeeded, Declined, PaymentAnswer, Processing, RefundRequest, Succeeded
from checkout_core.ports.records import OperationKind, OperationState, RecordIntent, RecordOutcome
from checkout_core.ports.store import Operation
from checkout_core.saga.journal import Verdict
from checkout_core.saga.step import Intent, Sendable, Settlement

ALWAYS_SECONDS = 365 * 86_400.0
"""A refund creates no first charge: only the key's window bounds it."""


class GiveBack(MoneyAction):
    """Refund all that the charge moved, once."""

    def intend(self, state: CheckoutState) -> Intent:
        charge = _charge_of(state)
        account = self.account_of(charge)
        attempt = state.attempts(OperationKind.REFUND) + 1
        name = operation_id(OperationKind.REFUND, charge.leg, attempt)
        record = RecordIntent(
            operation_id=name,
            kind=OperationKind.REFUND,
            leg=charge.leg,
            attempt=attempt,
            provider=account.name,
            account=account.account,
            key=provider_key(state.order_id, name),
            reference=provider_reference(state.order_id, name),
            amount=Money(minor=charge.moved_minor, currency=charge.amount.currency),
            request='{"version":1}',
            token="",
            pay_by_seconds=ALWAYS_SECONDS,
            resend_seconds=account.resend_seconds,
            quiet_seconds=quiet_seconds(self.shop, account),
        )
        return Intent(name, (record, attend(state.opened, Attention.UNDOING)))

    def inquiry(self, at: Sendable[CheckoutState]) -> Inquiry:
        operation = at.state.operation(at.operation_id)
        request = RefundRequest(
            key=operation.key,
            reference=operation.reference,
            order_id=at.state.order_id,
            provider_reference=_charge_of(at.state).provider_reference,
            amount=operation.amount,
        )
        return Inquiry(
            shop=self.shop,
            account=self.account_of(operation),
            operation=operation,
            at=at,
            request=request,
            answered=lambda answer: settle_refund(operation, answer),
            not_executed=lambda detail: self._owed(at.state, operation, detail),
            rejected=lambda detail: _rejected(operation, detail),
        )

    def _owed(self, state: CheckoutState, operation: Operation, detail: str) -> Settlement:
        """Still owed: a later attempt has a key of its own."""
        record = RecordOutcome(operation_id=operation.operation_id, state=OperationState.NOT_EXECUTED)
        owed_for = max(op.age_seconds for op in state.operations if op.kind is OperationKind.REFUND)
        alarm = "refund_overdue" if owed_for > self.shop.settings.alarm_after_seconds else ""
        return Settlement(Verdict.NOT_EXECUTED, (record,), detail=detail, alarm=alarm)


def settle_refund(operation: Operation, answer: PaymentAnswer) -> Settlement:
    """What the provider's answer to a refund means. A refused refund is for a human: code cannot mend it."""
    match answer:
        case Succeeded(provider_reference=reference, amount=amount):
            record = RecordOutcome(
                operation_id=operation.operation_id,
                state=OperationState.SUCCEEDED,
                provider_reference=reference,
                moved_minor=amount.minor,
            )
            return Settlement(Verdict.DONE, (record,), park="" if amount == operation.amount else "wrong_refund_amount")
        case Declined(code=code, kind=kind):
            record = RecordOutcome(
                operation_id=operation.operation_id, state=OperationState.DECLINED, code=code, decline_kind=kind
            )
            return Settlement(Verdict.REFUSED, (record,), detail=code, park="refund_refused")
        case Processing(provider_reference=reference) | ActionNeeded(provider_reference=reference):
            record = RecordOutcome(
                operation_id=operation.operation_id, state=OperationState.PROCESSING, provider_reference=reference
            )
            return Settlement(Verdict.WAITING, (record,))
        case _:
            assert_never(answer)


def _rejected(operation: Operation, detail: str) -> Settlement:
    """The provider will never accept it: another attempt would end the same way."""
    record = RecordOutcome(operation_id=operation.operation_id, state=OperationState.NOT_EXECUTED)
    return Settlement(Verdict.REFUSED, (record,), detail=detail, park="refund_refused")


def _charge_of(state: CheckoutState) -> Operation:
    if state.charged is None:
        raise InvariantError("there is no charge to give back")
    return state.charged
