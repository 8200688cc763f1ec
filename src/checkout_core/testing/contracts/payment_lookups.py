"""Clause 6, lookups: what is declared of finding an operation holds, and nothing is invented."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from checkout_core.ports.payment import ActionNeeded, Declined, Lookup, NotFound, Succeeded
from checkout_core.testing.contracts.payment_rehearsal import CheckList, NotPlayedError, Rehearsal, demand
from checkout_core.testing.contracts.payment_stage import DECISION_SECONDS, Behaviour

CHECKS = CheckList()

_FOUND: Mapping[Behaviour, tuple[type[object], ...]] = {
    Behaviour.APPROVE: (Succeeded,),
    Behaviour.RESET_WITH_EFFECT: (Succeeded,),
    Behaviour.SERVER_ERROR_WITH_EFFECT: (Succeeded,),
    Behaviour.RESET_WITHOUT_EFFECT: (NotFound,),
    Behaviour.DECLINE: (Declined, NotFound),
    Behaviour.REQUIRE_ACTION: (ActionNeeded,),
}


@CHECKS.clause(6, *_FOUND)
def a_lookup_by_our_reference_finds_what_happened(at: Rehearsal) -> None:
    strength = at.provider.guarantees.lookup_by_reference
    if strength is Lookup.NONE:
        raise NotPlayedError("the adapter declares no lookup by reference")
    request = at.charge_request()
    at.send(request)
    if strength is Lookup.EVENTUAL:
        early = at.look_up("charge", request.reference)
        demand(isinstance(early, (NotFound, *_FOUND[at.behaviour])), f"expected nothing or the truth, found: {early}")
        at.advance(at.provider.guarantees.lookup_lag_seconds)
    found = at.look_up("charge", request.reference)
    demand(isinstance(found, _FOUND[at.behaviour]), f"expected one of {_names(_FOUND[at.behaviour])}, found: {found}")
    right = not isinstance(found, Succeeded) or [found.amount] == at.moved(request)
    demand(right, f"expected the amount that moved, found {found}")


@CHECKS.clause(6)
def a_lookup_by_provider_reference_finds_the_charge(at: Rehearsal) -> None:
    strength = at.provider.guarantees.lookup_by_provider_reference
    if strength is Lookup.NONE:
        raise NotPlayedError("the adapter declares no lookup by provider reference")
    request, charged = at.charge_request(), at.charged()
    if strength is Lookup.EVENTUAL:
        at.advance(at.provider.guarantees.lookup_lag_seconds)
    found = at.look_up("charge", request.reference, charged.provider_reference)
    demand(found == charged, f"expected {charged}, found: {found}")


@CHECKS.clause(6)
def a_lookup_invents_nothing(at: Rehearsal) -> None:
    if at.provider.guarantees.lookup_by_reference is Lookup.NONE:
        raise NotPlayedError("the adapter declares no lookup by reference")
    for operation in ("charge", "refund"):
        found = at.look_up(operation, at.charge_request(name="never-sent").reference)
        demand(isinstance(found, NotFound), f"expected NotFound for what was never sent, found: {found}")


@CHECKS.clause(6, Behaviour.DECIDE_LATER)
def a_lookup_finds_the_later_decision(at: Rehearsal) -> None:
    said = at.provider.guarantees
    if Lookup.NONE in (said.lookup_by_reference, said.lookup_by_provider_reference):
        raise NotPlayedError("the adapter does not declare both lookups")
    request = at.charge_request()
    answer = at.send(request)
    at.advance(DECISION_SECONDS + said.lookup_lag_seconds)
    for reference in (getattr(answer, "provider_reference", ""), ""):
        found = at.look_up("charge", request.reference, reference)
        demand(isinstance(found, Succeeded), f"expected Succeeded once it is decided, found: {found}")
    demand(at.moved(request) == [request.amount], f"the stage does not play {at.behaviour}")


def _names(kinds: Sequence[type[object]]) -> str:
    return ", ".join(kind.__name__ for kind in kinds)
