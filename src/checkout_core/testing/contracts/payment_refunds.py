"""Clause 6, refunds: money goes back once, is found, and never exceeds the charge."""

from __future__ import annotations

from checkout_core.ports.payment import Lookup, Repeats, Succeeded
from checkout_core.testing.contracts.payment_rehearsal import CheckList, NotPlayedError, Rehearsal, demand
from checkout_core.testing.contracts.payment_stage import Behaviour

CHECKS = CheckList()


@CHECKS.clause(6, Behaviour.APPROVE, Behaviour.RESET_WITH_EFFECT, Behaviour.SERVER_ERROR_WITHOUT_EFFECT)
def a_repeated_refund_gives_back_once(at: Rehearsal) -> None:
    repeats = at.needs_keys()
    request = at.refund_request(at.charged(refund=at.behaviour), minor=1000)
    outcomes = [at.send(request) for _ in range(2)]
    if at.behaviour is Behaviour.APPROVE:
        demand(isinstance(outcomes[0], Succeeded), f"expected Succeeded, found: {outcomes[0]}")
    most = 0 if at.behaviour is Behaviour.SERVER_ERROR_WITHOUT_EFFECT and repeats is Repeats.REPLAY else 1
    demand(len(at.moved(request)) == most, f"expected {most} refunds, found {len(at.moved(request))}")


@CHECKS.clause(6, Behaviour.APPROVE, Behaviour.RESET_WITH_EFFECT)
def a_refund_is_found_under_its_own_reference(at: Rehearsal) -> None:
    strength = at.provider.guarantees.lookup_by_reference
    if strength is Lookup.NONE:
        raise NotPlayedError("the adapter declares no lookup by reference")
    request = at.refund_request(at.charged(refund=at.behaviour), minor=1000)
    at.send(request)
    if strength is Lookup.EVENTUAL:
        at.advance(at.provider.guarantees.lookup_lag_seconds)
    found = at.look_up("refund", request.reference)
    demand(isinstance(found, Succeeded) and found.amount == request.amount, f"expected the refund, found: {found}")


@CHECKS.clause(6)
def two_keys_are_two_partial_refunds(at: Rehearsal) -> None:
    charged = at.charged()
    for request in (at.refund_request(charged, name=name, minor=800) for name in ("r1", "r2")):
        outcome = at.send(request)
        demand(isinstance(outcome, Succeeded), f"expected Succeeded, found: {outcome}")
        demand(at.moved(request) == [request.amount], "expected one refund for each key and reference")


@CHECKS.clause(6)
def more_than_was_charged_is_never_given_back(at: Rehearsal) -> None:
    charged = at.charged()
    requests = [at.refund_request(charged, name=name, minor=1000) for name in ("r1", "r2")]
    outcomes = [at.send(each) for each in requests]
    demand(isinstance(outcomes[0], Succeeded), f"expected Succeeded, found: {outcomes[0]}")
    demand(not isinstance(outcomes[1], Succeeded), "expected the second refund to be refused")
    given = sum(len(at.moved(each)) for each in requests)
    demand(given == 1, f"expected one refund in the provider's books, found {given}")
