"""One provider operation, from its first send to a known outcome (protocol 3.4 and 4.3). Unknown is not failed.

Order of resolution: lookup by the provider's id; the identical request with the identical key, while the bounds and the
provider's guarantees allow it; lookup by our reference; cancel by key; else wait, alarm, and in the end ask a human.
Never a new key, never a blind refund.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import assert_never

from checkout_core.checkout.shop import Account, Shop
from checkout_core.checkout.state import CheckoutState
from checkout_core.errors import InvariantError
from checkout_core.ports.payment import (
    ActionNeeded,
    Declined,
    Lookup,
    NotFound,
    PaymentAnswer,
    PaymentQuery,
    Processing,
    Repeats,
    Succeeded,
)
from checkout_core.ports.records import OperationKind, OperationState, RecordOutcome, RecordSend
from checkout_core.ports.store import Operation
from checkout_core.saga.effects import (
    Call,
    CallFailure,
    KeyMismatch,
    NotExecuted,
    NotSent,
    OutcomeUnknown,
    Rejected,
    Wait,
)
from checkout_core.saga.journal import Verdict
from checkout_core.saga.retry import Backoff
from checkout_core.saga.step import Sendable, Settlement
from checkout_core.settings import Settings

FOREVER = float("inf")


@dataclass(frozen=True, slots=True)
class Inquiry:
    """One operation of one checkout at its provider, and what each kind of final answer means for the saga."""

    shop: Shop
    account: Account
    operation: Operation
    at: Sendable[CheckoutState]
    request: object
    answered: Callable[[PaymentAnswer], Settlement]
    not_executed: Callable[[str], Settlement]
    rejected: Callable[[str], Settlement]

    @property
    def send_before(self) -> float:
        """The lease must cover the call, and ``pay_by`` must not have passed (protocol 3.4, MONEY-8)."""
        lease_before = self.at.send_before - self.shop.settings.call_timeout_seconds
        return min(lease_before, self.at.state.remaining_before(self.operation.pay_by_seconds))

    @property
    def resend_before(self) -> float:
        """For a request that may have been sent before, also the provider's memory of its key (MONEY-6)."""
        return min(self.send_before, self.at.state.remaining_before(self.operation.resend_seconds))

    @property
    def repeats(self) -> bool:
        """Whether a repeat cannot be a second charge (protocol 3.5), and is welcome should it be the first to have an
        effect: what is being undone is not charged, only to be given back."""
        return self.at.wanted and self.account.repeats_safely

    @property
    def waited_seconds(self) -> float:
        """How long its outcome has been waited for: since its intent, or since an operator gave the order back."""
        return min(self.operation.age_seconds, self.at.state.given_back_seconds)

    def query(self, provider_reference: str = "") -> PaymentQuery:
        return PaymentQuery(
            operation=self.operation.kind.value,
            reference=self.operation.reference,
            provider_reference=provider_reference,
        )

    def call(self, operation: str, request: object, send_before: float = FOREVER) -> Call:
        timeout = self.shop.settings.call_timeout_seconds
        return Call(self.account.port, operation, request, timeout, send_before)


async def send(inquiry: Inquiry) -> Settlement:
    """Send the request; on an unknown outcome go on to resolve it.

    What did not leave is tried again. So is what the provider says it did not execute, but not at a provider that
    declares no idempotency: there at most one request with a key ever arrives (MONEY-2).
    """
    settings, at = inquiry.shop.settings, inquiry.at
    before = inquiry.resend_before if at.resent else inquiry.send_before
    for attempt in range(settings.send_tries):
        answer = await inquiry.call(inquiry.operation.kind, inquiry.request, before)
        match answer:
            case NotSent(too_late=True):
                break
            case NotExecuted() if inquiry.account.guarantees.repeats is Repeats.NONE:
                break
            case NotSent() | NotExecuted():
                if attempt + 1 < settings.send_tries:
                    await Wait(_pause_seconds(settings, attempt, answer))
            case Rejected() if at.resent:
                break
            case OutcomeUnknown():
                return await _sent_without_answer(inquiry)
            case _:
                return _settled(inquiry, answer)
    if at.resent:  # an earlier send may still be on its way: that this one was not executed proves nothing
        return await look_up(inquiry)
    return inquiry.not_executed("the provider was not reached, or refused to act, in every try")


def _pause_seconds(settings: Settings, attempt: int, failure: NotSent | NotExecuted) -> float:
    """The provider's own wish counts, within what the lease can bear."""
    wished = failure.retry_after_seconds if isinstance(failure, NotExecuted) else None
    backoff = settings.send_backoff_seconds * 2**attempt
    return min(wished if wished is not None and wished > 0 else backoff, settings.call_timeout_seconds)


async def resolve(inquiry: Inquiry) -> Settlement:
    """The intent is durable; whether and how often it was sent is not known."""
    known, by_its_id = inquiry.operation.provider_reference, inquiry.account.guarantees.lookup_by_provider_reference
    answer: object = None
    if known and by_its_id is not Lookup.NONE:
        answer = await inquiry.call("lookup", inquiry.query(known))
        told = _told(inquiry, answer)
        if told is not None:
            return told
    if await _may_resend(inquiry):
        return _send_again(inquiry)
    return await look_up(inquiry, answer)


async def look_up(inquiry: Inquiry, answer: object = None) -> Settlement:
    """Ask for the operation without sending it; conclude only what may be concluded. ``answer``: the last one given."""
    if inquiry.account.guarantees.lookup_by_reference is not Lookup.NONE:
        answer = await inquiry.call("lookup", inquiry.query())
        told = _told(inquiry, answer)
        if told is not None:
            return told
        if isinstance(answer, NotFound) and _was_never_seen(inquiry.operation) and await _is_quiet(inquiry):
            return presumed(inquiry.shop, inquiry.account, inquiry.operation, "not found at the provider")
    if inquiry.account.cancels_keys and inquiry.operation.kind is OperationKind.CHARGE:
        answer = await inquiry.call("cancel_by_key", inquiry.operation.key)
        if isinstance(answer, Succeeded):
            return inquiry.answered(answer)
        if isinstance(answer, Declined):
            return inquiry.not_executed("the key was cancelled at the provider")
    return _wait(inquiry, outage=isinstance(answer, NotSent | NotExecuted | OutcomeUnknown))


async def watch(inquiry: Inquiry) -> Settlement:
    """The operation was taken as not executed. Never sends; a success found now is a late success.

    Only "not found" ends the watch: a provider that does not answer, or has not decided yet, says nothing.
    """
    answer = await inquiry.call("lookup", inquiry.query())
    if isinstance(answer, Succeeded | Declined):
        return inquiry.answered(answer)
    over = (inquiry.operation.watch_seconds or 0.0) <= 0.0
    patient = inquiry.at.state.given_back_seconds <= inquiry.shop.settings.park_after_seconds
    if over and isinstance(answer, NotFound):
        return inquiry.not_executed("nothing was found until the end of the watch")
    if over and not patient and isinstance(answer, Processing | ActionNeeded):
        return Settlement(Verdict.UNKNOWN, park="undecided_too_long")
    return _nothing_new(inquiry, Verdict.PRESUMED)


async def _sent_without_answer(inquiry: Inquiry) -> Settlement:
    if inquiry.at.resent or not await _may_resend(inquiry):
        return await look_up(inquiry)
    return _send_again(inquiry)


def _told(inquiry: Inquiry, answer: object) -> Settlement | None:
    """What a lookup's answer settles; one that only repeats what is recorded is nothing new."""
    known = inquiry.operation.state
    repeats = (isinstance(answer, Processing) and known is OperationState.PROCESSING) or (
        isinstance(answer, ActionNeeded) and known is OperationState.ACTION_REQUIRED
    )
    if repeats and inquiry.waited_seconds > inquiry.shop.settings.park_after_seconds:
        return Settlement(Verdict.WAITING, park="undecided_too_long")
    if repeats:
        return _nothing_new(inquiry, Verdict.WAITING)
    if isinstance(answer, Succeeded | Declined | ActionNeeded | Processing):
        return inquiry.answered(answer)
    return None


def _nothing_new(inquiry: Inquiry, verdict: Verdict) -> Settlement:
    due_seconds = _backoff(inquiry.shop.settings).after(inquiry.waited_seconds)
    return Settlement(verdict, due_seconds=due_seconds, nothing_new=True)


def _backoff(settings: Settings) -> Backoff:
    return Backoff(settings.retry_first_seconds, settings.retry_most_seconds)


async def _may_resend(inquiry: Inquiry) -> bool:
    """Not for what the provider is working on, and not after the bounds."""
    if not inquiry.repeats:
        return False
    if inquiry.operation.state in (OperationState.PROCESSING, OperationState.ACTION_REQUIRED):
        return False
    return await Wait(0) < inquiry.resend_before


def _is_hopeless(inquiry: Inquiry) -> bool:
    """Nothing but a human can find out what became of the operation."""
    account = inquiry.account
    knows = account.guarantees.lookup_by_reference is not Lookup.NONE or account.cancels_keys
    return not (inquiry.operation.provider_reference or inquiry.repeats or knows)


def _was_never_seen(operation: Operation) -> bool:
    """Whether "not found" can mean "never happened": not for a refund, and not for what the provider said it has."""
    return operation.kind is OperationKind.CHARGE and not operation.provider_reference


async def _is_quiet(inquiry: Inquiry) -> bool:
    """Whether every request must have ended: only then does "not found" mean anything (protocol 3.4)."""
    return await Wait(0) > inquiry.at.state.remaining_before(inquiry.operation.quiet_seconds)


def quiet_seconds(shop: Shop, account: Account) -> float:
    """A call must have ended when its lease does, however late in the lease it was sent (protocol 3.4)."""
    settings = shop.settings
    return settings.lease_seconds + account.guarantees.lookup_lag_seconds + settings.quiet_margin_seconds


def _send_again(inquiry: Inquiry) -> Settlement:
    quiet = quiet_seconds(inquiry.shop, inquiry.account)
    record = RecordSend(operation_id=inquiry.operation.operation_id, quiet_seconds=quiet)
    return Settlement(Verdict.UNKNOWN, (record,), again=True)


def _settled(inquiry: Inquiry, answer: PaymentAnswer | CallFailure) -> Settlement:
    match answer:
        case Succeeded() | Declined() | ActionNeeded() | Processing():
            return inquiry.answered(answer)
        case Rejected(detail):
            return inquiry.rejected(detail or "the provider rejected the request")
        case KeyMismatch():
            return Settlement(Verdict.UNKNOWN, detail="the key is known with another request", park="key_mismatch")
        case NotSent() | NotExecuted() | OutcomeUnknown():
            raise InvariantError("only an answer or a final failure settles an operation")
        case _:
            assert_never(answer)


def presumed(shop: Shop, account: Account, operation: Operation, why: str) -> Settlement:
    """A charge is taken as not executed, and watched for as long as it might yet turn out otherwise."""
    window = max(shop.settings.watch_seconds, account.guarantees.key_window_seconds)
    record = RecordOutcome(
        operation_id=operation.operation_id,
        state=OperationState.PRESUMED_NOT_EXECUTED,
        watch_seconds=window,
        erase_token=True,
    )
    return Settlement(Verdict.PRESUMED, (record,), detail=why, turn="not_sent")


def _wait(inquiry: Inquiry, *, outage: bool) -> Settlement:
    """Nothing can be concluded now. Alarm when it is old, ask a human when it is very old or can never be known.

    ``outage``: the provider could not be asked, which is no reason to ask a human instead (protocol 3.7).
    """
    operation, settings = inquiry.operation, inquiry.shop.settings
    alarm = "outcome_still_unknown" if inquiry.waited_seconds > settings.alarm_after_seconds else ""
    state = operation.state if operation.provider_reference else OperationState.UNKNOWN
    record = RecordOutcome(
        operation_id=operation.operation_id,
        state=state,
        provider_reference=operation.provider_reference,
        action_url=operation.action_url,
    )
    if _is_hopeless(inquiry) or (inquiry.waited_seconds > settings.park_after_seconds and not outage):
        return Settlement(Verdict.UNKNOWN, (record,), park="outcome_unknown")
    if state is operation.state:
        patience = 2 if inquiry.repeats else 1  # where each look may send again, they are rarer
        due_seconds = _backoff(settings).after(patience * inquiry.waited_seconds)
        return Settlement(Verdict.UNKNOWN, alarm=alarm, due_seconds=due_seconds, nothing_new=True)
    return Settlement(Verdict.UNKNOWN, (record,), alarm=alarm)
