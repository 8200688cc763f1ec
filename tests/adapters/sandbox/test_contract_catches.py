"""Saboteurs: adapters that each break one clause. The payment contract must catch every one by that clause."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from itertools import count

import pytest

from checkout_core.adapters.sandbox import (
    AsyncSandboxPayments,
    BankPolicy,
    CancelKey,
    CancellingSandboxPayments,
    SandboxBank,
    SandboxPayments,
)
from checkout_core.adapters.sandbox.answers import BankRequest
from checkout_core.errors import (
    KeyMismatchError,
    NotExecutedError,
    NotSentError,
    OutcomeUnknownError,
    RejectedError,
)
from checkout_core.ports.payment import (
    CallLimits,
    ChargeRequest,
    Declined,
    Guarantees,
    Lookup,
    LookupAnswer,
    NotFound,
    PaymentAnswer,
    PaymentQuery,
    RefundRequest,
    Repeats,
    Succeeded,
)
from checkout_core.testing.contracts.payment import PAYMENT_CHECKS, payment_violations
from tests.adapters.sandbox.stages import InProcessStage

LOG = logging.getLogger("careless")
NUMBERS = count(1)
PROMISES = BankPolicy().guarantees()


class RetriesByItself(SandboxPayments):
    def _ask(self, request: BankRequest, limits: CallLimits) -> LookupAnswer:
        try:
            return super()._ask(request, limits)
        except (OutcomeUnknownError, NotExecutedError):
            return super()._ask(request, limits)


class AsyncRetriesByItself(AsyncSandboxPayments):
    async def _ask(self, request: BankRequest, limits: CallLimits) -> LookupAnswer:
        try:
            return await super()._ask(request, limits)
        except OutcomeUnknownError:
            await asyncio.sleep(0)
            return await super()._ask(request, limits)


class TurnsTimeoutIntoDecline(SandboxPayments):
    def charge(self, request: ChargeRequest, limits: CallLimits) -> PaymentAnswer:
        try:
            return super().charge(request, limits)
        except OutcomeUnknownError:
            return Declined(code="timeout")


class TakesUnknownForNotExecuted(SandboxPayments):
    def refund(self, request: RefundRequest, limits: CallLimits) -> PaymentAnswer:
        try:
            return super().refund(request, limits)
        except OutcomeUnknownError as error:
            raise NotExecutedError(str(error)) from None


class TakesGarbageForNotSent(SandboxPayments):
    def charge(self, request: ChargeRequest, limits: CallLimits) -> PaymentAnswer:
        try:
            return super().charge(request, limits)
        except OutcomeUnknownError as error:
            raise NotSentError(str(error)) from None


class TakesBusyForRejected(SandboxPayments):
    def charge(self, request: ChargeRequest, limits: CallLimits) -> PaymentAnswer:
        try:
            return super().charge(request, limits)
        except NotExecutedError:
            raise RejectedError from None


class IgnoresTheKey(SandboxPayments):
    def charge(self, request: ChargeRequest, limits: CallLimits) -> PaymentAnswer:
        return super().charge(replace(request, key=f"own-{next(NUMBERS)}"), limits)


class RefundsUnderTheOrdersKey(SandboxPayments):
    def refund(self, request: RefundRequest, limits: CallLimits) -> PaymentAnswer:
        return super().refund(replace(request, key=request.order_id), limits)


class ChangesTheRequestAtEachSend(SandboxPayments):
    def charge(self, request: ChargeRequest, limits: CallLimits) -> PaymentAnswer:
        return super().charge(replace(request, return_url=f"https://shop.invalid/{next(NUMBERS)}"), limits)


class SwapsTheKeyOnMismatch(SandboxPayments):
    def charge(self, request: ChargeRequest, limits: CallLimits) -> PaymentAnswer:
        try:
            return super().charge(request, limits)
        except KeyMismatchError:
            return super().charge(replace(request, key=request.key + "-2"), limits)


class LosesTheReference(SandboxPayments):
    def charge(self, request: ChargeRequest, limits: CallLimits) -> PaymentAnswer:
        return super().charge(replace(request, reference=request.order_id), limits)


class AnswersTheAmountAsAsked(SandboxPayments):
    def charge(self, request: ChargeRequest, limits: CallLimits) -> PaymentAnswer:
        answer = super().charge(request, limits)
        return replace(answer, amount=request.amount) if isinstance(answer, Succeeded) else answer


class TakesProcessingForSuccess(SandboxPayments):
    def charge(self, request: ChargeRequest, limits: CallLimits) -> PaymentAnswer:
        answer = super().charge(request, limits)
        decided = isinstance(answer, Succeeded | Declined)
        return answer if decided else Succeeded(provider_reference=answer.provider_reference, amount=request.amount)


class RaisesDeclines(SandboxPayments):
    def charge(self, request: ChargeRequest, limits: CallLimits) -> PaymentAnswer:
        answer = super().charge(request, limits)
        if isinstance(answer, Declined):
            raise RejectedError(answer.code)
        return answer


class KnowsOneKindOfDecline(SandboxPayments):
    def charge(self, request: ChargeRequest, limits: CallLimits) -> PaymentAnswer:
        answer = super().charge(request, limits)
        return Declined(code=answer.code) if isinstance(answer, Declined) else answer


class ReturnsAfterItsTimeout(SandboxPayments):
    def _ask(self, request: BankRequest, limits: CallLimits) -> LookupAnswer:
        return super()._ask(request, CallLimits(timeout_seconds=60.0))


class InventsLookups(SandboxPayments):
    def lookup(self, query: PaymentQuery, limits: CallLimits) -> LookupAnswer:
        answer = super().lookup(query, limits)
        return Declined(code="not_found") if isinstance(answer, NotFound) else answer


class LooksUpTheWrongOperation(SandboxPayments):
    def lookup(self, query: PaymentQuery, limits: CallLimits) -> LookupAnswer:
        return super().lookup(replace(query, operation="charge"), limits)


class CancelsNothing(CancellingSandboxPayments):
    def cancel_by_key(self, key: str, limits: CallLimits) -> PaymentAnswer:
        return Declined(code="cancelled")


class CancelsWithoutLooking(CancellingSandboxPayments):
    def cancel_by_key(self, key: str, limits: CallLimits) -> PaymentAnswer:
        self._ask(CancelKey(key), limits)
        return Declined(code="cancelled")


class RaisesDeclinedRefunds(SandboxPayments):
    def refund(self, request: RefundRequest, limits: CallLimits) -> PaymentAnswer:
        answer = super().refund(request, limits)
        if isinstance(answer, Declined):
            raise OutcomeUnknownError(answer.code)
        return answer


class TakesRefusedRefundsForDone(SandboxPayments):
    def refund(self, request: RefundRequest, limits: CallLimits) -> PaymentAnswer:
        answer = super().refund(request, limits)
        return Succeeded(provider_reference="r", amount=request.amount) if isinstance(answer, Declined) else answer


class TakesRejectionsForUnknown(SandboxPayments):
    def charge(self, request: ChargeRequest, limits: CallLimits) -> PaymentAnswer:
        try:
            return super().charge(request, limits)
        except (RejectedError, NotSentError):
            raise OutcomeUnknownError from None


class NamesTheTokenInErrors(SandboxPayments):
    def charge(self, request: ChargeRequest, limits: CallLimits) -> PaymentAnswer:
        try:
            return super().charge(request, limits)
        except OutcomeUnknownError:
            raise OutcomeUnknownError("no answer") from ValueError(vars(self), request.token)


class LogsTheToken(SandboxPayments):
    def charge(self, request: ChargeRequest, limits: CallLimits) -> PaymentAnswer:
        LOG.debug("charging %s", request.token)
        return super().charge(request, limits)


class ChangesItsAccount(SandboxPayments):
    @property
    def account(self) -> str:
        return f"account-{next(NUMBERS)}"


def declaring(guarantees: Guarantees) -> Callable[[SandboxBank], SandboxPayments]:
    return lambda bank: SandboxPayments(bank, guarantees=guarantees)


CANCELS = BankPolicy(cancel_by_key=True)
SABOTEURS = [
    pytest.param(RetriesByItself, BankPolicy(), "2-a_charge_is_sent_at_most_once_per_call-reset_with_effect"),
    pytest.param(RetriesByItself, BankPolicy(), "2-a_refund_is_sent_at_most_once_per_call-busy"),
    pytest.param(AsyncRetriesByItself, BankPolicy(), "2-a_charge_is_sent_at_most_once_per_call-silence_with_effect"),
    pytest.param(TurnsTimeoutIntoDecline, BankPolicy(), "3-a_charge_without_a_final_answer_is_unknown-silence_with"),
    pytest.param(TakesUnknownForNotExecuted, BankPolicy(), "3-a_refund_without_a_final_answer_is_unknown-server_error"),
    pytest.param(TakesGarbageForNotSent, BankPolicy(), "3-a_charge_without_a_final_answer_is_unknown-garbage"),
    pytest.param(TakesBusyForRejected, BankPolicy(), "3-what_had_no_effect_is_told_as_such-busy"),
    pytest.param(IgnoresTheKey, BankPolicy(), "6-a_repeat_never_charges_twice-approve"),
    pytest.param(IgnoresTheKey, BankPolicy(), "2-a_charge_is_sent_at_most_once_per_call-approve"),
    pytest.param(RefundsUnderTheOrdersKey, BankPolicy(), "6-two_keys_are_two_partial_refunds"),
    pytest.param(ChangesTheRequestAtEachSend, BankPolicy(), "1-a_restarted_adapter_builds_the_same_request-approve"),
    pytest.param(SwapsTheKeyOnMismatch, BankPolicy(), "3-a_known_key_with_another_amount_is_a_mismatch"),
    pytest.param(LosesTheReference, BankPolicy(), "1-an_approved_charge_moves_its_amount_under_our_reference"),
    pytest.param(AnswersTheAmountAsAsked, BankPolicy(), "3-the_answer_bears_the_amount_that_moved"),
    pytest.param(TakesProcessingForSuccess, BankPolicy(), "3-what_is_not_decided_is_no_success-decide_later"),
    pytest.param(RaisesDeclines, BankPolicy(), "4-a_decline_is_an_answer-decline"),
    pytest.param(KnowsOneKindOfDecline, BankPolicy(), "4-a_decline_is_an_answer-decline_fraud"),
    pytest.param(ReturnsAfterItsTimeout, BankPolicy(), "5-an_answer_after_the_timeout_is_not_waited_for"),
    pytest.param(InventsLookups, BankPolicy(), "6-a_lookup_invents_nothing"),
    pytest.param(LooksUpTheWrongOperation, BankPolicy(), "6-a_refund_is_found_under_its_own_reference"),
    pytest.param(RaisesDeclinedRefunds, BankPolicy(), "4-a_refused_refund_is_an_answer"),
    pytest.param(TakesRefusedRefundsForDone, BankPolicy(), "6-more_than_was_charged_is_never_given_back"),
    pytest.param(TakesRejectionsForUnknown, BankPolicy(), "3-what_had_no_effect_is_told_as_such-invalid"),
    pytest.param(TakesRejectionsForUnknown, BankPolicy(), "3-what_had_no_effect_is_told_as_such-refused"),
    pytest.param(CancelsNothing, CANCELS, "6-a_cancelled_key_never_takes_effect"),
    pytest.param(CancelsWithoutLooking, CANCELS, "6-a_cancel_that_comes_too_late_says_so"),
    pytest.param(NamesTheTokenInErrors, BankPolicy(), "7-no_token_is_shown-reset_with_effect"),
    pytest.param(LogsTheToken, BankPolicy(), "7-no_token_is_shown-approve"),
    pytest.param(ChangesItsAccount, BankPolicy(), "1-name_and_account_are_stable"),
]
LIARS = [
    pytest.param(declaring(PROMISES), BankPolicy(repeats=Repeats.NONE), "6-a_repeat_never_charges_twice", id="keys"),
    pytest.param(
        declaring(PROMISES), BankPolicy(key_window_seconds=60.0), "6-a_key_is_known_until_its_window", id="window"
    ),
    pytest.param(
        declaring(PROMISES),
        BankPolicy(repeats=Repeats.REPLAY_SUCCESS),
        "6-a_repeat_never_charges_twice-server",
        id="failures",
    ),
    pytest.param(
        declaring(replace(PROMISES, repeats=Repeats.CURRENT_STATE)),
        BankPolicy(),
        "6-a_repeat_gives_the_current",
        id="state",
    ),
    pytest.param(
        declaring(PROMISES),
        BankPolicy(lookup_by_reference=Lookup.EVENTUAL, lookup_lag_seconds=60.0),
        "6-a_lookup_by_our_reference_finds_what_happened-approve",
        id="strength",
    ),
    pytest.param(
        declaring(replace(PROMISES, lookup_by_reference=Lookup.EVENTUAL, lookup_lag_seconds=30.0)),
        BankPolicy(lookup_by_reference=Lookup.EVENTUAL, lookup_lag_seconds=60.0),
        "6-a_lookup_by_our_reference_finds_what_happened-reset_with_effect",
        id="lag",
    ),
    pytest.param(
        declaring(PROMISES),
        BankPolicy(lookup_by_reference=Lookup.NONE),
        "6-a_lookup_by_our_reference_finds",
        id="lookup",
    ),
    pytest.param(
        declaring(PROMISES),
        BankPolicy(lookup_by_provider_reference=Lookup.NONE, lookup_by_reference=Lookup.NONE),
        "6-a_lookup_by_provider_reference_finds_the_charge",
        id="provider_reference",
    ),
    pytest.param(
        declaring(replace(PROMISES, key_window_seconds=0.0)), BankPolicy(), "6-what_is_declared_agrees", id="no_window"
    ),
]


@cache
def violations(adapter: Callable[[SandboxBank], SandboxPayments], policy: BankPolicy) -> dict[str, str]:
    return payment_violations(lambda: InProcessStage(policy, make=adapter))


@pytest.mark.parametrize(("adapter", "policy", "caught_by"), [*SABOTEURS, *LIARS])
def test_a_saboteur_is_caught(
    adapter: Callable[[SandboxBank], SandboxPayments], policy: BankPolicy, caught_by: str
) -> None:
    found = violations(adapter, policy)
    assert [name for name in found if name.startswith(caught_by)], found


def test_every_check_catches_a_saboteur() -> None:
    caught = {name for each in (*SABOTEURS, *LIARS) for name in violations(*each.values[:2])}
    idle = {check.name for check in PAYMENT_CHECKS} - {name.split("-")[1] for name in caught}
    assert idle == set()


def test_an_honest_adapter_has_no_violations() -> None:
    assert violations(CancellingSandboxPayments, CANCELS) == {}


def test_a_violation_says_what_was_expected_and_what_was_found() -> None:
    found = violations(RaisesDeclines, BankPolicy())
    assert found["4-a_decline_is_an_answer-decline"] == "expected Declined, found: raised RejectedError"
