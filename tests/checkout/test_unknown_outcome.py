"""From a send to a known outcome: each guarantee, each answer, each bound."""

from __future__ import annotations

from dataclasses import replace

import pytest

from checkout_core.domain.result import DeclineKind
from checkout_core.ports.payment import (
    ActionNeeded,
    Declined,
    Guarantees,
    Lookup,
    NotFound,
    PaymentQuery,
    Processing,
    Repeats,
    Succeeded,
)
from checkout_core.ports.records import OperationKind, OperationState, RecordOutcome, RecordSend
from checkout_core.saga.effects import Call, KeyMismatch, NotExecuted, NotSent, OutcomeUnknown, Rejected
from checkout_core.saga.journal import Verdict
from tests.checkout.asking import Asked, How, ask, operation
from tests.checkout.desk import BLIND, LOOKUP_ONLY, STRONG, eur

PAID = Succeeded(provider_reference="p1", amount=eur(1990))
NO = Declined(code="card_declined", kind=DeclineKind.SOFT)
LATER = Processing(provider_reference="p1")
ACT = ActionNeeded(provider_reference="p1", action_url="https://bank/act")
UNKNOWN, NOT_SENT, BUSY = OutcomeUnknown("timeout"), NotSent("refused"), NotExecuted("busy")
REJECTED, MISMATCH, NOTHING = Rejected("malformed"), KeyMismatch("other request"), NotFound()

REPLAY_SUCCESS = replace(STRONG, repeats=Repeats.REPLAY_SUCCESS)
CURRENT_STATE = replace(STRONG, repeats=Repeats.CURRENT_STATE)
KEYS_ONLY = Guarantees(repeats=Repeats.REPLAY, key_window_seconds=86400.0)
LATE_LOOKUP = Guarantees(lookup_by_reference=Lookup.EVENTUAL, lookup_lag_seconds=300.0)
SEEN = {"state": OperationState.PROCESSING, "provider_reference": "p1"}


def outcome(asked: Asked) -> RecordOutcome:
    (record,) = (each for each in asked.settlement.records if isinstance(each, RecordOutcome))
    return record


# --- send ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "verdict", "state", "turn"),
    [
        (PAID, Verdict.DONE, OperationState.SUCCEEDED, ""),
        (NO, Verdict.REFUSED, OperationState.DECLINED, "declined"),
        (LATER, Verdict.WAITING, OperationState.PROCESSING, ""),
        (ACT, Verdict.WAITING, OperationState.ACTION_REQUIRED, ""),
        (REJECTED, Verdict.NOT_EXECUTED, OperationState.NOT_EXECUTED, "not_sent"),
    ],
)
def test_an_answer_settles_the_charge(answer: object, verdict: Verdict, state: OperationState, turn: str) -> None:
    asked = ask("send", operation(), {"charge": [answer]})
    assert asked.operations == ["charge"]
    assert (asked.settlement.verdict, asked.settlement.turn) == (verdict, turn)
    assert outcome(asked).state is state
    assert asked.settlement.park == ""


def test_a_known_key_with_another_request_is_frozen() -> None:
    asked = ask("send", operation(), {"charge": [MISMATCH]})
    assert asked.settlement.verdict is Verdict.UNKNOWN
    assert asked.settlement.park == "key_mismatch"


@pytest.mark.parametrize("failure", [NOT_SENT, BUSY])
def test_what_certainly_did_not_happen_is_sent_again_with_the_same_key(failure: object) -> None:
    asked = ask("send", operation(), {"charge": [failure, failure, PAID]})
    assert asked.operations == ["charge"] * 3
    assert len({repr(call.request) for call in asked.calls}) == 1
    assert asked.settlement.verdict is Verdict.DONE


@pytest.mark.parametrize("failure", [NOT_SENT, BUSY])
def test_after_every_try_the_charge_did_not_happen(failure: object) -> None:
    asked = ask("send", operation(), {"charge": [failure]})
    assert asked.operations == ["charge"] * 3
    assert (asked.settlement.verdict, asked.settlement.turn) == (Verdict.NOT_EXECUTED, "not_sent")
    assert outcome(asked).erase_token


@pytest.mark.parametrize(
    ("failure", "seconds"),
    [
        (NOT_SENT, 0.2 + 0.4),
        (BUSY, 0.2 + 0.4),
        (NotExecuted("", 2.0), 4.0),
        (NotExecuted("", 0.0), 0.2 + 0.4),
        (NotExecuted("", -5.0), 0.2 + 0.4),
        (NotExecuted("", 1e9), 20.0),
    ],
)
def test_tries_keep_their_distance_and_none_follows_the_last(failure: object, seconds: float) -> None:
    assert ask("send", operation(), {"charge": [failure]}).seconds == pytest.approx(seconds)


def test_what_cannot_be_sent_in_time_was_not_sent() -> None:
    asked = ask("send", operation(pay_by_seconds=-0.1), {"charge": [PAID]})
    assert (asked.settlement.verdict, asked.settlement.turn) == (Verdict.NOT_EXECUTED, "not_sent")


@pytest.mark.parametrize("guarantees", [STRONG, CURRENT_STATE, KEYS_ONLY])
def test_an_unknown_outcome_is_asked_by_the_identical_request(guarantees: Guarantees) -> None:
    asked = ask("send", operation(), {"charge": [UNKNOWN]}, guarantees=guarantees)
    assert asked.operations == ["charge"]
    assert asked.settlement.again
    assert [type(record) for record in asked.settlement.records] == [RecordSend]


@pytest.mark.parametrize("guarantees", [REPLAY_SUCCESS, LOOKUP_ONLY, LATE_LOOKUP])
def test_where_a_repeat_might_charge_twice_it_is_looked_up(guarantees: Guarantees) -> None:
    asked = ask("send", operation(), {"charge": [UNKNOWN], "lookup": [PAID]}, guarantees=guarantees)
    assert asked.operations == ["charge", "lookup"]
    assert asked.settlement.verdict is Verdict.DONE


@pytest.mark.parametrize("failure", [NOT_SENT, BUSY, REJECTED])
def test_when_an_earlier_send_may_be_on_its_way_a_failure_to_send_proves_nothing(failure: object) -> None:
    asked = ask("send", operation(), {"charge": [failure], "lookup": [NOTHING]}, resent=True)
    assert asked.operations[-1] == "lookup"
    assert asked.settlement.verdict is Verdict.UNKNOWN
    assert asked.settlement.turn == ""


@pytest.mark.parametrize("answer", [PAID, NO, LATER, ACT])
def test_an_answer_to_a_repeat_settles(answer: object) -> None:
    asked = ask("send", operation(), {"charge": [answer]}, resent=True)
    assert asked.operations == ["charge"]
    assert asked.settlement.verdict is not Verdict.UNKNOWN


def test_a_second_unknown_outcome_is_looked_up_and_not_sent_a_third_time() -> None:
    asked = ask("send", operation(), {"charge": [UNKNOWN], "lookup": [NOTHING]}, resent=True)
    assert asked.operations == ["charge", "lookup"]
    assert asked.settlement.verdict is Verdict.UNKNOWN
    assert not asked.settlement.again


# --- resolve: what may be sent ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("guarantees", [STRONG, CURRENT_STATE, KEYS_ONLY])
def test_within_all_bounds_the_identical_request_is_sent_again_first(guarantees: Guarantees) -> None:
    asked = ask("resolve", operation(age_seconds=61.0), guarantees=guarantees)
    assert asked.operations == []
    assert asked.settlement.again


BOUNDS = {
    "pay_by has passed": ({"pay_by_seconds": -1.0}, 60.0),
    "the key's window has passed": ({"resend_seconds": -1.0}, 60.0),
    "the lease does not cover the call": ({}, 9.0),
}


@pytest.mark.parametrize(("changes", "lease"), BOUNDS.values(), ids=BOUNDS)
@pytest.mark.parametrize("guarantees", [STRONG, CURRENT_STATE])
def test_beyond_any_bound_nothing_is_sent(guarantees: Guarantees, changes: dict[str, float], lease: float) -> None:
    about = operation(age_seconds=61.0, **changes)
    asked = ask("resolve", about, {"lookup": [NOTHING]}, guarantees=guarantees, lease_seconds=lease)
    assert asked.operations == ["lookup"]
    assert not asked.settlement.again


def test_a_refund_has_no_pay_by() -> None:
    about = operation(OperationKind.REFUND, age_seconds=61.0, pay_by_seconds=1e7)
    assert ask("resolve", about).settlement.again


@pytest.mark.parametrize("guarantees", [REPLAY_SUCCESS, LOOKUP_ONLY, LATE_LOOKUP])
def test_without_safe_repeats_nothing_is_ever_sent_again(guarantees: Guarantees) -> None:
    asked = ask("resolve", operation(age_seconds=61.0), {"lookup": [NOTHING]}, guarantees=guarantees)
    assert asked.operations == ["lookup"]
    assert not asked.settlement.again


@pytest.mark.parametrize("known", [OperationState.PROCESSING, OperationState.ACTION_REQUIRED])
def test_what_the_provider_is_working_on_is_not_sent_again(known: OperationState) -> None:
    about = operation(state=known, provider_reference="p1")
    asked = ask("resolve", about, {"lookup": [UNKNOWN]})
    assert asked.operations == ["lookup", "lookup"]
    assert not asked.settlement.again


def test_the_provider_s_own_id_is_asked_first() -> None:
    asked = ask("resolve", operation(**SEEN), {"lookup": [UNKNOWN, PAID]})
    assert [call.request for call in asked.calls] == [
        PaymentQuery(operation="charge", reference="reference of charge", provider_reference="p1"),
        PaymentQuery(operation="charge", reference="reference of charge"),
    ]


@pytest.mark.parametrize("answer", [PAID, NO, ACT])
def test_what_is_found_by_the_provider_s_own_id_is_enough(answer: object) -> None:
    asked = ask("resolve", operation(**SEEN), {"lookup": [answer]})
    assert asked.operations == ["lookup"]


def test_a_provider_that_cannot_be_asked_by_its_id_is_not() -> None:
    guarantees = replace(STRONG, lookup_by_provider_reference=Lookup.NONE)
    asked = ask("resolve", operation(**SEEN), {"lookup": [PAID]}, guarantees=guarantees)
    assert [call.request.provider_reference for call in asked.calls] == [""]


# --- resolve: what may be concluded ----------------------------------------------------------------------------------

OVERDUE = {"pay_by_seconds": -1.0}


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [(PAID, Verdict.DONE), (NO, Verdict.REFUSED), (LATER, Verdict.WAITING), (ACT, Verdict.WAITING)],
)
def test_what_a_lookup_finds_is_true(answer: object, verdict: Verdict) -> None:
    asked = ask("resolve", operation(**OVERDUE), {"lookup": [answer]})
    assert asked.settlement.verdict is verdict


@pytest.mark.parametrize("answer", [UNKNOWN, NOT_SENT, BUSY, REJECTED, MISMATCH])
def test_a_lookup_that_fails_says_nothing(answer: object) -> None:
    asked = ask("resolve", operation(**OVERDUE, quiet_seconds=-1.0), {"lookup": [answer]})
    assert (asked.settlement.verdict, asked.settlement.turn) == (Verdict.UNKNOWN, "")


def test_not_found_says_nothing_before_it_is_quiet() -> None:
    asked = ask("resolve", operation(**OVERDUE, quiet_seconds=0.1), {"lookup": [NOTHING]})
    assert (asked.settlement.verdict, asked.settlement.turn) == (Verdict.UNKNOWN, "")


def test_not_found_after_the_quiet_time_is_taken_as_not_executed_and_watched() -> None:
    asked = ask("resolve", operation(**OVERDUE, quiet_seconds=-0.1), {"lookup": [NOTHING]})
    assert (asked.settlement.verdict, asked.settlement.turn) == (Verdict.PRESUMED, "not_sent")
    record = outcome(asked)
    assert record.state is OperationState.PRESUMED_NOT_EXECUTED
    assert record.watch_seconds == 86400.0
    assert record.erase_token


def test_a_watch_lasts_as_long_as_the_key() -> None:
    guarantees = replace(STRONG, key_window_seconds=30 * 86400.0)
    asked = ask("resolve", operation(**OVERDUE, quiet_seconds=-0.1), {"lookup": [NOTHING]}, guarantees=guarantees)
    assert outcome(asked).watch_seconds == 30 * 86400.0


def test_not_found_says_nothing_of_what_the_provider_had_said_it_has() -> None:
    asked = ask("resolve", operation(**SEEN, **OVERDUE, quiet_seconds=-1.0), {"lookup": [NOTHING]})
    assert asked.settlement.verdict is Verdict.UNKNOWN
    assert asked.settlement.nothing_new


def test_not_found_never_ends_a_refund() -> None:
    about = operation(OperationKind.REFUND, resend_seconds=-1.0, quiet_seconds=-1.0, pay_by_seconds=1e7)
    asked = ask("resolve", about, {"lookup": [NOTHING]})
    assert asked.settlement.verdict is Verdict.UNKNOWN


def test_a_cancelled_key_never_takes_effect() -> None:
    asked = ask("resolve", operation(), {"cancel_by_key": [NO]}, guarantees=BLIND, cancels_keys=True)
    assert [(call.operation, call.request) for call in asked.calls] == [("cancel_by_key", "key of charge")]
    assert (asked.settlement.verdict, asked.settlement.turn) == (Verdict.NOT_EXECUTED, "not_sent")


def test_a_key_that_is_too_late_to_cancel_has_charged() -> None:
    asked = ask("resolve", operation(), {"cancel_by_key": [PAID]}, guarantees=BLIND, cancels_keys=True)
    assert asked.settlement.verdict is Verdict.DONE


@pytest.mark.parametrize("answer", [UNKNOWN, NOT_SENT, BUSY, REJECTED, LATER, ACT])
def test_a_key_that_could_not_be_cancelled_stays_open(answer: object) -> None:
    asked = ask("resolve", operation(), {"cancel_by_key": [answer]}, guarantees=BLIND, cancels_keys=True)
    assert (asked.settlement.verdict, asked.settlement.park, asked.settlement.turn) == (Verdict.UNKNOWN, "", "")


def test_a_refund_is_never_cancelled() -> None:
    about = operation(OperationKind.REFUND, pay_by_seconds=1e7)
    asked = ask("resolve", about, {"lookup": [NOTHING]}, guarantees=LOOKUP_ONLY, cancels_keys=True)
    assert asked.operations == ["lookup"]


def test_a_provider_that_cannot_be_asked_at_all_is_for_an_operator_at_once() -> None:
    asked = ask("resolve", operation(), guarantees=BLIND)
    assert asked.operations == []
    assert asked.settlement.park == "outcome_unknown"


# --- waiting, alarm, operator ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("age", "alarm", "park"),
    [
        (600.0, "", ""),
        (600.1, "outcome_still_unknown", ""),
        (86400.0, "outcome_still_unknown", ""),
        (86400.1, "", "outcome_unknown"),
    ],
)
def test_an_old_unknown_raises_an_alarm_and_a_very_old_one_asks_an_operator(age: float, alarm: str, park: str) -> None:
    about = operation(age_seconds=age, pay_by_seconds=-1.0, quiet_seconds=1.0)
    asked = ask("resolve", about, {"lookup": [NOTHING]})
    assert (asked.settlement.alarm, asked.settlement.park) == (alarm, park)
    assert outcome(asked).state is OperationState.UNKNOWN


@pytest.mark.parametrize("answer", [UNKNOWN, NOT_SENT, BUSY])
@pytest.mark.parametrize("known", [{}, SEEN], ids=["never seen", "seen"])
def test_an_outage_raises_an_alarm_and_never_asks_an_operator(answer: object, known: dict[str, object]) -> None:
    about = operation(**known, age_seconds=1e6, pay_by_seconds=-1.0, resend_seconds=-1.0)
    asked = ask("resolve", about, {"lookup": [answer]})
    assert (asked.settlement.alarm, asked.settlement.park) == ("outcome_still_unknown", "")


@pytest.mark.parametrize(
    ("known", "answer"),
    [(OperationState.PROCESSING, LATER), (OperationState.ACTION_REQUIRED, ACT)],
)
def test_what_is_still_undecided_is_nothing_new_until_it_is_very_old(known: OperationState, answer: object) -> None:
    about = operation(state=known, provider_reference="p1", age_seconds=100.0)
    asked = ask("resolve", about, {"lookup": [answer]})
    assert asked.settlement.nothing_new
    assert asked.settlement.due_seconds == 50.0
    old = ask("resolve", replace(about, age_seconds=86400.1), {"lookup": [answer]})
    assert (old.settlement.nothing_new, old.settlement.park) == (False, "undecided_too_long")


@pytest.mark.parametrize(
    ("known", "answer", "state"),
    [
        (OperationState.PROCESSING, ACT, OperationState.ACTION_REQUIRED),
        (OperationState.ACTION_REQUIRED, LATER, OperationState.PROCESSING),
    ],
)
def test_what_has_changed_is_stored(known: OperationState, answer: object, state: OperationState) -> None:
    about = operation(state=known, provider_reference="p1", age_seconds=1e6)
    asked = ask("resolve", about, {"lookup": [answer]})
    assert not asked.settlement.nothing_new
    assert outcome(asked).state is state


# --- watch -----------------------------------------------------------------------------------------------------------

PRESUMED = {"state": OperationState.PRESUMED_NOT_EXECUTED, "age_seconds": 1000.0}


@pytest.mark.parametrize(("answer", "verdict"), [(PAID, Verdict.DONE), (NO, Verdict.REFUSED)])
@pytest.mark.parametrize("left", [100.0, -1.0])
def test_a_watch_ends_with_what_is_found(answer: object, verdict: Verdict, left: float) -> None:
    asked = ask("watch", operation(**PRESUMED, watch_seconds=left), {"lookup": [answer]})
    assert asked.operations == ["lookup"]
    assert asked.settlement.verdict is verdict


@pytest.mark.parametrize("answer", [NOTHING, UNKNOWN, NOT_SENT, BUSY, REJECTED, LATER, ACT])
def test_before_its_end_a_watch_goes_on(answer: object) -> None:
    asked = ask("watch", operation(**PRESUMED, watch_seconds=0.1), {"lookup": [answer]})
    assert asked.settlement.nothing_new
    assert asked.settlement.due_seconds == 300.0


def test_at_its_end_not_found_is_the_end() -> None:
    asked = ask("watch", operation(**PRESUMED, watch_seconds=0.0), {"lookup": [NOTHING]})
    assert (asked.settlement.verdict, asked.settlement.park) == (Verdict.NOT_EXECUTED, "")
    assert outcome(asked).state is OperationState.NOT_EXECUTED


@pytest.mark.parametrize("answer", [UNKNOWN, NOT_SENT, BUSY, REJECTED])
def test_a_watch_does_not_end_while_the_provider_cannot_be_asked(answer: object) -> None:
    assert ask("watch", operation(**PRESUMED, watch_seconds=-1.0), {"lookup": [answer]}).settlement.nothing_new


@pytest.mark.parametrize("answer", [LATER, ACT])
def test_what_is_undecided_at_the_end_of_its_watch_is_for_an_operator(answer: object) -> None:
    asked = ask("watch", operation(**PRESUMED, watch_seconds=-1.0), {"lookup": [answer]})
    assert asked.settlement.park == "undecided_too_long"
    assert not asked.settlement.verdict.is_final


# --- refunds ---------------------------------------------------------------------------------------------------------

REFUND = operation(OperationKind.REFUND, pay_by_seconds=1e7)


@pytest.mark.parametrize(
    ("answer", "verdict", "state", "park"),
    [
        (PAID, Verdict.DONE, OperationState.SUCCEEDED, ""),
        (replace(PAID, amount=eur(1)), Verdict.DONE, OperationState.SUCCEEDED, "wrong_refund_amount"),
        (NO, Verdict.REFUSED, OperationState.DECLINED, "refund_refused"),
        (REJECTED, Verdict.REFUSED, OperationState.NOT_EXECUTED, "refund_refused"),
        (LATER, Verdict.WAITING, OperationState.PROCESSING, ""),
        (ACT, Verdict.WAITING, OperationState.PROCESSING, ""),
    ],
)
def test_an_answer_settles_the_refund(answer: object, verdict: Verdict, state: OperationState, park: str) -> None:
    asked = ask("send", REFUND, {"refund": [answer]})
    assert (asked.settlement.verdict, asked.settlement.park, asked.settlement.turn) == (verdict, park, "")
    assert outcome(asked).state is state


@pytest.mark.parametrize(("age", "alarm"), [(600.0, ""), (601.0, "refund_overdue")])
def test_a_refund_that_is_owed_for_long_raises_an_alarm(age: float, alarm: str) -> None:
    asked = ask("send", replace(REFUND, age_seconds=age), {"refund": [NOT_SENT]})
    assert asked.settlement.verdict is Verdict.NOT_EXECUTED
    assert asked.settlement.alarm == alarm


# --- the amount ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("minor", [1989, 1991, 0])
def test_a_wrong_amount_is_recorded_and_for_an_operator(minor: int) -> None:
    asked = ask("send", operation(), {"charge": [replace(PAID, amount=eur(minor))]})
    assert (asked.settlement.verdict, asked.settlement.park) == (Verdict.DONE, "wrong_amount")
    assert outcome(asked).moved_minor == minor


def test_a_wrong_currency_is_never_booked_as_ours() -> None:
    yen = replace(PAID, amount=replace(PAID.amount, currency="JPY"))
    asked = ask("send", operation(), {"charge": [yen]})
    assert (asked.settlement.verdict, asked.settlement.park) == (Verdict.UNKNOWN, "wrong_currency")
    assert outcome(asked).moved_minor == 0


def test_the_request_bears_what_was_stored() -> None:
    asked = ask("send", operation(), {"charge": [PAID]})
    request = asked.calls[0].request
    assert (request.key, request.reference, request.order_id) == ("key of charge", "reference of charge", "order-1")
    assert (request.amount, request.token, request.method_kind) == (eur(1990), "tok_secret", "card")
    refund = ask("send", REFUND, {"refund": [PAID]}).calls[0].request
    assert (refund.provider_reference, refund.amount, refund.order_id) == ("p0", eur(1990), "order-1")


def test_a_send_must_begin_before_every_bound() -> None:
    def bound(*, resent: bool = False, **changes: float) -> float:
        call: Call = ask("send", operation(**changes), {"charge": [PAID]}, resent=resent).calls[0]
        return call.send_before - 1_700_000_000.0

    assert bound() == 50.0
    assert bound(pay_by_seconds=20.0) == 20.0
    assert bound(resend_seconds=20.0) == 50.0  # the first send meets no forgotten key
    assert bound(resend_seconds=20.0, resent=True) == 20.0


def test_many_tries_never_pause_for_longer_than_a_call() -> None:
    asked = ask("send", operation(), {"charge": [NOT_SENT]}, send_tries=20)
    assert asked.seconds <= 60.0
    assert asked.settlement.verdict is Verdict.NOT_EXECUTED


def test_a_blind_provider_that_has_said_it_has_the_charge_is_waited_for() -> None:
    asked = ask("resolve", operation(**SEEN), guarantees=BLIND)
    assert (asked.settlement.verdict, asked.settlement.park) == (Verdict.UNKNOWN, "")


def test_a_watch_without_an_end_is_over() -> None:
    asked = ask("watch", operation(**PRESUMED), {"lookup": [NOTHING]})
    assert asked.settlement.verdict is Verdict.NOT_EXECUTED


@pytest.mark.parametrize(("said", "detail"), [("bad", "bad"), ("", "the provider rejected the request")])
def test_a_rejection_says_why(said: str, detail: str) -> None:
    assert ask("send", operation(), {"charge": [Rejected(said)]}).settlement.detail == detail


def test_without_idempotency_at_most_one_request_arrives() -> None:
    """MONEY-2: a provider without keys that says "not executed" is believed, and is not asked for the money twice."""
    for guarantees in (LOOKUP_ONLY, BLIND):
        asked = ask("send", operation(), {"charge": [NOT_SENT, BUSY, PAID]}, guarantees=guarantees)
        assert asked.operations == ["charge", "charge"], "what did not leave did not arrive"
        assert (asked.settlement.verdict, asked.settlement.turn) == (Verdict.NOT_EXECUTED, "not_sent")


# --- undoing ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("guarantees", [STRONG, CURRENT_STATE, KEYS_ONLY])
@pytest.mark.parametrize("how", ["send", "resolve"])
def test_what_is_being_undone_is_never_sent_again(how: How, guarantees: Guarantees) -> None:
    """MONEY-8: a repeat may be the first to have an effect."""
    answers = {"charge": [UNKNOWN], "lookup": [NOTHING]}
    asked = ask(how, operation(), answers, guarantees=guarantees, wanted=False)
    assert not asked.settlement.again


def test_what_is_being_undone_and_can_only_be_repeated_is_for_a_human() -> None:
    asked = ask("resolve", operation(), guarantees=KEYS_ONLY, wanted=False)
    assert (asked.operations, asked.settlement.park) == ([], "outcome_unknown")


def test_a_refund_is_repeated_also_while_the_order_is_undone() -> None:
    about = operation(OperationKind.REFUND, pay_by_seconds=1e7)
    assert ask("resolve", about, {"lookup": [NOTHING]}).settlement.again


# --- looking again ---------------------------------------------------------------------------------------------------


def test_a_look_that_learns_nothing_has_nothing_to_store() -> None:
    about = operation(state=OperationState.UNKNOWN, age_seconds=200.0, **OVERDUE)
    asked = ask("resolve", about, {"lookup": [UNKNOWN]})
    assert (asked.settlement.nothing_new, asked.settlement.records) == (True, ())
    assert asked.settlement.due_seconds is not None


def test_the_first_look_says_that_the_outcome_is_unknown() -> None:
    asked = ask("resolve", operation(**OVERDUE), {"lookup": [UNKNOWN]})
    assert not asked.settlement.nothing_new
    assert outcome(asked).state is OperationState.UNKNOWN
