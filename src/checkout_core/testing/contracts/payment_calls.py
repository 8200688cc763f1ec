"""Clauses 1 to 5: what one call sends, answers and raises; and 7: what it must not show (SAFE-1)."""

from __future__ import annotations

from collections.abc import Mapping

from checkout_core.domain.result import DeclineKind
from checkout_core.errors import KeyMismatchError, NotExecutedError, NotSentError, RejectedError, RemoteError
from checkout_core.ports.payment import ActionNeeded, Declined, Processing, Succeeded
from checkout_core.testing.contracts.payment_rehearsal import (
    CheckList,
    MoneyRequest,
    NotPlayedError,
    Overheard,
    Raised,
    Rehearsal,
    demand,
    shown,
)
from checkout_core.testing.contracts.payment_stage import SHORT, Behaviour

CHECKS = CheckList()

_UNKNOWN = (
    Behaviour.SILENCE_WITH_EFFECT,
    Behaviour.SILENCE_WITHOUT_EFFECT,
    Behaviour.RESET_WITH_EFFECT,
    Behaviour.RESET_WITHOUT_EFFECT,
    Behaviour.SERVER_ERROR_WITH_EFFECT,
    Behaviour.SERVER_ERROR_WITHOUT_EFFECT,
    Behaviour.GARBAGE_WITH_EFFECT,
    Behaviour.GARBAGE_WITHOUT_EFFECT,
)
_WITHOUT_EFFECT: Mapping[Behaviour, type[RemoteError]] = {
    Behaviour.BUSY: NotExecutedError,
    Behaviour.REFUSED_CONNECTION: NotSentError,
    Behaviour.INVALID: RejectedError,
}
_DECLINES: Mapping[Behaviour, DeclineKind] = {
    Behaviour.DECLINE: DeclineKind.HARD,
    Behaviour.DECLINE_SOFT: DeclineKind.SOFT,
    Behaviour.DECLINE_FIX_INPUT: DeclineKind.FIX_INPUT,
    Behaviour.DECLINE_FRAUD: DeclineKind.FRAUD,
}
_CERTAIN = (NotSentError, NotExecutedError, RejectedError, KeyMismatchError)


@CHECKS.clause(1)
def an_approved_charge_moves_its_amount_under_our_reference(at: Rehearsal) -> None:
    request = at.charge_request()
    answer = at.send(request)
    demand(isinstance(answer, Succeeded) and answer.amount == request.amount, f"expected Succeeded, found {answer}")
    demand(at.moved(request) == [request.amount], "expected the provider's books to hold the charge by our reference")


@CHECKS.clause(1)
def two_keys_are_two_charges(at: Rehearsal) -> None:
    for request in (at.charge_request(name="a"), at.charge_request(name="b")):
        at.send(request)
        demand(at.moved(request) == [request.amount], "expected one charge for each key and reference")


@CHECKS.clause(1, Behaviour.APPROVE, Behaviour.RESET_WITH_EFFECT)
def a_restarted_adapter_builds_the_same_request(at: Rehearsal) -> None:
    at.needs_keys()
    request = at.charge_request()
    at.send(request)
    again = at.send(request, provider=at.stage.provider())
    demand(isinstance(again, Succeeded), f"expected the repeat to be recognised, found: {again}")
    demand(len(at.moved(request)) == 1, "expected one charge after the repeat by another adapter object")


@CHECKS.clause(1)
def name_and_account_are_stable(at: Rehearsal) -> None:
    one, other = at.provider, at.stage.provider()
    demand(bool(one.name) and bool(one.account), "expected a name and an account: they are stored with each attempt")
    demand((one.name, one.account) == (other.name, other.account), "expected the same name and account at each start")


@CHECKS.clause(2, Behaviour.APPROVE, Behaviour.DECLINE, Behaviour.BUSY, Behaviour.REFUSED_CONNECTION, *_UNKNOWN)
def a_charge_is_sent_at_most_once_per_call(at: Rehearsal) -> None:
    request = at.charge_request()
    at.send(request)
    _sent_at_most_once(at, request)


@CHECKS.clause(
    2, Behaviour.APPROVE, Behaviour.BUSY, Behaviour.RESET_WITHOUT_EFFECT, Behaviour.SERVER_ERROR_WITHOUT_EFFECT
)
def a_refund_is_sent_at_most_once_per_call(at: Rehearsal) -> None:
    request = at.refund_request(at.charged(refund=at.behaviour))
    at.send(request)
    _sent_at_most_once(at, request)


def _sent_at_most_once(at: Rehearsal, request: MoneyRequest) -> None:
    sends = at.stage.received(request.key)
    if sends is None:
        raise NotPlayedError("the stage does not tell how often it was asked")
    demand(sends <= 1, f"expected at most one send per call, found {sends}")
    demand(sends == 1 or not at.moved(request), "expected the request to bear the given key")


@CHECKS.clause(3, *_UNKNOWN)
def a_charge_without_a_final_answer_is_unknown(at: Rehearsal) -> None:
    request = at.charge_request()
    _is_unknown(at.send(request))
    expected = 0 if at.behaviour.endswith("without_effect") else 1
    demand(
        len(at.moved(request)) == expected, f"the stage does not play {at.behaviour}: {len(at.moved(request))} charges"
    )


@CHECKS.clause(3, *_UNKNOWN)
def a_refund_without_a_final_answer_is_unknown(at: Rehearsal) -> None:
    _is_unknown(at.send(at.refund_request(at.charged(refund=at.behaviour))))


def _is_unknown(outcome: object) -> None:
    demand(isinstance(outcome, Raised), f"expected OutcomeUnknownError, found the answer {outcome}")
    certain = isinstance(outcome, Raised) and isinstance(outcome.error, _CERTAIN)
    demand(not certain, f"expected OutcomeUnknownError, found: {outcome}")


@CHECKS.clause(3, *_WITHOUT_EFFECT)
def what_had_no_effect_is_told_as_such(at: Rehearsal) -> None:
    request = at.charge_request()
    outcome, expected = at.send(request), _WITHOUT_EFFECT[at.behaviour]
    told = isinstance(outcome, Raised) and isinstance(outcome.error, expected)
    demand(told, f"expected {expected.__name__}, found: {outcome}")
    demand(not at.moved(request), f"the stage does not play {at.behaviour}: money moved")


@CHECKS.clause(3)
def a_known_key_with_another_amount_is_a_mismatch(at: Rehearsal) -> None:
    at.needs_keys()
    first, second = at.charge_request(minor=1990), at.charge_request(minor=1991)
    at.send(first)
    outcome = at.send(second)
    told = isinstance(outcome, Raised) and isinstance(outcome.error, KeyMismatchError)
    demand(told, f"expected KeyMismatchError, found: {outcome}")
    demand(at.moved(first) == [first.amount], "expected the first charge alone")


@CHECKS.clause(3, Behaviour.WRONG_AMOUNT)
def the_answer_bears_the_amount_that_moved(at: Rehearsal) -> None:
    request = at.charge_request()
    answer = at.send(request)
    told = isinstance(answer, Succeeded) and [answer.amount] == at.moved(request)
    demand(told, f"expected the amount of the provider's books, found {answer}")


@CHECKS.clause(3, Behaviour.REQUIRE_ACTION, Behaviour.DECIDE_LATER)
def what_is_not_decided_is_no_success(at: Rehearsal) -> None:
    request = at.charge_request()
    answer = at.send(request)
    expected = Processing if at.behaviour is Behaviour.DECIDE_LATER else ActionNeeded
    demand(isinstance(answer, expected), f"expected {expected.__name__}, found {answer}")
    bears = isinstance(answer, Processing | ActionNeeded) and bool(answer.provider_reference)
    demand(bears, "expected a provider_reference to ask by")
    demand(not isinstance(answer, ActionNeeded) or bool(answer.action_url), "expected an action_url for the buyer")
    demand(not at.moved(request), f"the stage does not play {at.behaviour}: money moved")


@CHECKS.clause(4, *_DECLINES)
def a_decline_is_an_answer(at: Rehearsal) -> None:
    request = at.charge_request()
    answer = at.send(request)
    demand(isinstance(answer, Declined), f"expected Declined, found: {answer}")
    told = isinstance(answer, Declined) and bool(answer.code) and answer.kind is _DECLINES[at.behaviour]
    demand(told, f"expected the provider's code and kind {_DECLINES[at.behaviour]}, found {answer}")
    demand(not at.moved(request), f"the stage does not play {at.behaviour}: money moved")


@CHECKS.clause(4, Behaviour.DECLINE)
def a_refused_refund_is_an_answer(at: Rehearsal) -> None:
    answer = at.send(at.refund_request(at.charged(refund=at.behaviour)))
    demand(isinstance(answer, Declined) and bool(answer.code), f"expected Declined, found: {answer}")


@CHECKS.clause(5, Behaviour.SLOW)
def an_answer_after_the_timeout_is_not_waited_for(at: Rehearsal) -> None:
    _is_unknown(at.send(at.charge_request(), limits=SHORT))


@CHECKS.clause(
    7, Behaviour.APPROVE, Behaviour.DECLINE, Behaviour.INVALID, Behaviour.BUSY, Behaviour.REFUSED_CONNECTION, *_UNKNOWN
)
def no_token_is_shown(at: Rehearsal) -> None:
    request = at.charge_request()
    with Overheard() as logs:
        outcome = at.send(request)
    where = {"the outcome": shown(outcome), "the log": "\n".join(logs.lines), "the adapter": repr(at.provider)}
    for place, text in where.items():
        demand(request.token not in text, f"expected no token, found it in {place}")
