"""Clause 6, keys: what is declared of repeats, the key window and cancelling holds."""

from __future__ import annotations

from checkout_core.errors import KeyMismatchError, RejectedError
from checkout_core.ports.payment import (
    AsyncKeyCancelling,
    Declined,
    KeyCancelling,
    Lookup,
    Repeats,
    Succeeded,
)
from checkout_core.testing.contracts.payment_rehearsal import CheckList, NotPlayedError, Raised, Rehearsal, demand
from checkout_core.testing.contracts.payment_stage import DECISION_SECONDS, LONG, Behaviour

CHECKS = CheckList()


@CHECKS.clause(6)
def what_is_declared_agrees_with_itself(at: Rehearsal) -> None:
    said = at.provider.guarantees
    knows_keys = said.repeats is not Repeats.NONE
    demand(knows_keys == (said.key_window_seconds > 0), "expected a key window with repeats, and only with them")
    eventual = Lookup.EVENTUAL in (said.lookup_by_reference, said.lookup_by_provider_reference)
    demand(eventual == (said.lookup_lag_seconds > 0), "expected a lookup lag with eventual lookup, and only with it")
    cancels = isinstance(at.provider, KeyCancelling | AsyncKeyCancelling)
    demand(knows_keys or not cancels, "expected no cancel_by_key where the provider does not know keys")


@CHECKS.clause(
    6,
    Behaviour.APPROVE,
    Behaviour.RESET_WITH_EFFECT,
    Behaviour.GARBAGE_WITH_EFFECT,
    Behaviour.SERVER_ERROR_WITH_EFFECT,
    Behaviour.RESET_WITHOUT_EFFECT,
)
def a_repeat_never_charges_twice(at: Rehearsal) -> None:
    repeats = at.needs_keys()
    if repeats is Repeats.REPLAY_SUCCESS and at.behaviour is Behaviour.SERVER_ERROR_WITH_EFFECT:
        raise NotPlayedError("the provider may try again after a 500; the core does not repeat then")
    request = at.charge_request()
    for _ in range(3):
        at.send(request)
    demand(len(at.moved(request)) <= 1, f"expected at most one charge, found {len(at.moved(request))}")


@CHECKS.clause(6, Behaviour.APPROVE, Behaviour.DECLINE)
def a_repeat_gives_the_answer_again(at: Rehearsal) -> None:
    at.needs_keys()
    request = at.charge_request()
    first, second = at.send(request), at.send(request)
    if at.behaviour is Behaviour.DECLINE and at.provider.guarantees.repeats is Repeats.REPLAY_SUCCESS:
        raise NotPlayedError("after a decline the provider tries again")
    demand(first == second, f"expected {first} again, found: {second}")


@CHECKS.clause(6, Behaviour.DECIDE_LATER)
def a_repeat_gives_the_current_state(at: Rehearsal) -> None:
    if at.provider.guarantees.repeats is not Repeats.CURRENT_STATE:
        raise NotPlayedError("the adapter does not declare current_state")
    request = at.charge_request()
    at.send(request)
    at.advance(DECISION_SECONDS)
    again = at.send(request)
    demand(isinstance(again, Succeeded), f"expected Succeeded once it is decided, found: {again}")


@CHECKS.clause(6)
def a_key_is_known_until_its_window_ends(at: Rehearsal) -> None:
    at.needs_keys()
    request = at.charge_request()
    at.send(request)
    at.advance(at.provider.guarantees.key_window_seconds * 0.99)
    at.send(request)
    demand(len(at.moved(request)) == 1, "expected one charge after a repeat within the declared window")


@CHECKS.clause(6)
def one_key_from_many_callers_at_once_is_one_charge(at: Rehearsal) -> None:
    at.needs_keys()
    request = at.charge_request()
    outcomes = at.at_once(request, 8)
    for outcome in outcomes:
        waits = isinstance(outcome, Raised) and not isinstance(outcome.error, RejectedError | KeyMismatchError)
        demand(
            waits or isinstance(outcome, Succeeded), f"expected Succeeded or an error to wait with, found: {outcome}"
        )
    demand(len(at.moved(request)) == 1, f"expected one charge, found {len(at.moved(request))}")


@CHECKS.clause(6, Behaviour.APPROVE, Behaviour.RESET_WITHOUT_EFFECT)
def a_cancelled_key_never_takes_effect(at: Rehearsal) -> None:
    request = at.charge_request()
    if at.behaviour is not Behaviour.APPROVE:
        at.send(request)
    outcome = _cancel(at, request.key)
    demand(isinstance(outcome, Declined), f"expected Declined, found: {outcome}")
    after = at.send(request)
    demand(not isinstance(after, Succeeded) and not at.moved(request), f"expected a dead key, found: {after}")


@CHECKS.clause(6, Behaviour.APPROVE, Behaviour.RESET_WITH_EFFECT)
def a_cancel_that_comes_too_late_says_so(at: Rehearsal) -> None:
    request = at.charge_request()
    at.send(request)
    outcome = _cancel(at, request.key)
    demand(isinstance(outcome, Succeeded), f"expected Succeeded, found: {outcome}")


def _cancel(at: Rehearsal, key: str) -> object:
    provider = at.provider
    if not isinstance(provider, KeyCancelling | AsyncKeyCancelling):
        raise NotPlayedError("the adapter cannot cancel by key")
    return at.call(lambda: provider.cancel_by_key(key, LONG))
