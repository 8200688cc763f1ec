"""Whatever a provider guarantees and answers, within whatever bounds: what is never sent and never concluded."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from checkout_core.ports.payment import (
    ActionNeeded,
    Declined,
    Guarantees,
    Lookup,
    NotFound,
    Processing,
    Repeats,
    Succeeded,
)
from checkout_core.ports.records import OperationKind, OperationState
from checkout_core.ports.store import Operation
from checkout_core.saga.effects import Call, KeyMismatch, NotExecuted, NotSent, OutcomeUnknown, Rejected
from checkout_core.saga.journal import Verdict
from tests.checkout.asking import Asked, How, ask, operation
from tests.checkout.desk import eur
from tests.saga.driving import START

decided = st.sampled_from(
    [
        Succeeded(provider_reference="p1", amount=eur(1990)),
        Declined(code="no"),
        Processing(provider_reference="p1"),
        ActionNeeded(provider_reference="p1"),
    ]
)
failures = st.sampled_from(
    [NotSent(), NotExecuted(), NotExecuted("", 7.0), Rejected(), KeyMismatch(), OutcomeUnknown()]
)
sends = st.lists(decided | failures, min_size=1, max_size=4)
finds = st.lists(decided | failures | st.just(NotFound()), min_size=1, max_size=3)
guarantees = st.builds(
    Guarantees,
    repeats=st.sampled_from(Repeats),
    key_window_seconds=st.sampled_from([0.0, 60.0, 86400.0]),
    lookup_by_reference=st.sampled_from(Lookup),
    lookup_by_provider_reference=st.sampled_from(Lookup),
    lookup_lag_seconds=st.sampled_from([0.0, 300.0]),
)
around_now = st.sampled_from([-1e6, -1.0, -0.1, 0.1, 5.0, 30.0, 1e6])
operations = st.builds(
    operation,
    st.sampled_from(OperationKind),
    state=st.sampled_from(
        [OperationState.INTENDED, OperationState.UNKNOWN, OperationState.PROCESSING, OperationState.ACTION_REQUIRED]
    ),
    provider_reference=st.sampled_from(["", "p1"]),
    age_seconds=st.sampled_from([0.0, 100.0, 1000.0, 1e5]),
    pay_by_seconds=around_now,
    resend_seconds=around_now,
    quiet_seconds=around_now,
)


@st.composite
def asked(draw: st.DrawFn) -> tuple[Operation, Guarantees, bool, bool, Asked]:
    about, said, how = draw(operations), draw(guarantees), draw(st.sampled_from(["send", "resolve"]))
    resent, cancels = draw(st.booleans()), draw(st.booleans())
    answers = {"lookup": draw(finds), "cancel_by_key": draw(sends), "charge": draw(sends), "refund": draw(sends)}
    lease = draw(st.sampled_from([5.0, 11.0, 60.0]))
    kind: How = "send" if how == "send" else "resolve"
    told = ask(kind, about, answers, guarantees=said, cancels_keys=cancels, resent=resent, lease_seconds=lease)
    return about, said, resent, cancels, told


Case = tuple[Operation, Guarantees, bool, bool, Asked]


def sent(told: Asked) -> list[Call]:
    return [call for call in told.calls if call.operation in ("charge", "refund")]


@settings(max_examples=100, deadline=None)
@given(asked())
def test_every_send_is_bounded_by_lease_pay_by_and_key_window(case: Case) -> None:
    about, _, resent, _, told = case
    for call in sent(told):
        assert call.send_before <= START + 50.0
        assert call.send_before <= START + about.pay_by_seconds
        assert not resent or call.send_before <= START + about.resend_seconds


@settings(max_examples=100, deadline=None)
@given(asked())
def test_a_repeat_is_announced_only_where_it_is_safe_and_in_time(case: Case) -> None:
    about, said, _, _, told = case
    if told.settlement.again:
        assert said.repeats in (Repeats.REPLAY, Repeats.CURRENT_STATE)
        assert about.resend_seconds > 0
        assert about.pay_by_seconds > 0
        assert not told.settlement.verdict.is_final


@settings(max_examples=100, deadline=None)
@given(asked())
def test_within_one_run_nothing_follows_an_unknown_outcome_but_questions(case: Case) -> None:
    _, _, _, _, told = case
    names = told.operations
    first_question = next((n for n, name in enumerate(names) if name in ("lookup", "cancel_by_key")), len(names))
    assert all(name in ("lookup", "cancel_by_key") for name in names[first_question:])


@settings(max_examples=100, deadline=None)
@given(asked())
def test_a_presumption_needs_a_charge_that_was_never_seen_and_quiet(case: Case) -> None:
    about, said, _, _, told = case
    if told.settlement.verdict is Verdict.PRESUMED:
        assert about.kind is OperationKind.CHARGE
        assert about.provider_reference == ""
        assert about.quiet_seconds < told.seconds
        assert said.lookup_by_reference is not Lookup.NONE


@settings(max_examples=100, deadline=None)
@given(asked())
def test_the_saga_turns_only_for_what_is_final(case: Case) -> None:
    told = case[-1]
    if told.settlement.turn:
        assert told.settlement.verdict.is_final
    if not told.settlement.verdict.is_final:
        assert told.settlement.turn == ""


@settings(max_examples=100, deadline=None)
@given(asked())
def test_not_executed_is_said_only_when_no_send_can_be_on_its_way_or_the_key_is_dead(case: Case) -> None:
    _, _, resent, cancels, told = case
    if told.settlement.verdict is Verdict.NOT_EXECUTED:
        cancelled = cancels and "cancel_by_key" in told.operations
        assert cancelled or not resent
