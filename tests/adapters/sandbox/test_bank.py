"""What the bank does follows from its policy, the tokens and the times alone."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from checkout_core.adapters.sandbox import TOKENS, BankPolicy, CancelKey, Failed, Fault, SandboxBank
from checkout_core.domain.result import DeclineKind
from checkout_core.ports.payment import ActionNeeded, Declined, Lookup, NotFound, Processing, Repeats, Succeeded
from tests.adapters.sandbox.requests import ask, charge, euros, refund

FIRST_FAULT = {
    "tok_timeout_with_effect": (Fault.NO_ANSWER, 1),
    "tok_timeout_without_effect": (Fault.NO_ANSWER, 0),
    "tok_reset_with_effect": (Fault.RESET, 1),
    "tok_reset_without_effect": (Fault.RESET, 0),
    "tok_500_with_effect": (Fault.SERVER_ERROR, 1),
    "tok_500_without_effect": (Fault.SERVER_ERROR, 0),
    "tok_garbage_with_effect": (Fault.GARBAGE, 1),
    "tok_garbage_without_effect": (Fault.GARBAGE, 0),
    "tok_busy": (Fault.BUSY, 0),
    "tok_refused_connection": (Fault.CONNECTION_REFUSED, 0),
    "tok_key_mismatch": (Fault.KEY_MISMATCH, 0),
    "tok_key_mismatch_with_effect": (Fault.KEY_MISMATCH, 1),
}


def bank(repeats: Repeats = Repeats.REPLAY, **policy: object) -> SandboxBank:
    return SandboxBank(BankPolicy(repeats=repeats, **policy), clock=lambda: 1000.0)  # type: ignore[arg-type]


def fault(reply: object) -> Fault:
    assert isinstance(reply, Failed)
    return reply.fault


@pytest.mark.parametrize("token", FIRST_FAULT)
def test_a_fault_meets_the_first_send_with_or_without_its_effect(token: str) -> None:
    at = bank()
    expected, charges = FIRST_FAULT[token]
    handled = at.handle(charge(token))
    assert fault(handled.reply) is expected
    assert (handled.effect is not None) == bool(charges)
    assert len(at.charges_of("ref-key-1")) == charges


@pytest.mark.parametrize("repeats", [Repeats.REPLAY, Repeats.CURRENT_STATE, Repeats.REPLAY_SUCCESS])
@pytest.mark.parametrize("token", ["tok_approve", "tok_timeout_with_effect", "tok_garbage_with_effect"])
def test_a_repeat_of_a_charge_whose_answer_was_lost_gives_the_success_and_charges_once(
    token: str, repeats: Repeats
) -> None:
    at = bank(repeats)
    at.handle(charge(token))
    assert isinstance(at.handle(charge(token)).reply, Succeeded)
    assert len(at.ledger()) == 1


@pytest.mark.parametrize(
    ("repeats", "charges", "answer"),
    [
        (Repeats.REPLAY, 1, Failed),
        (Repeats.CURRENT_STATE, 1, Succeeded),
        (Repeats.REPLAY_SUCCESS, 2, Succeeded),
        (Repeats.NONE, 2, Succeeded),
    ],
)
def test_a_repeat_after_a_500_that_hid_a_charge_is_where_banks_differ(
    repeats: Repeats, charges: int, answer: type
) -> None:
    at = bank(repeats)
    at.handle(charge("tok_500_with_effect"))
    assert isinstance(at.handle(charge("tok_500_with_effect")).reply, answer)
    assert len(at.ledger()) == charges


def test_a_bank_that_replays_answers_a_500_without_effect_for_ever() -> None:
    at = bank()
    for _ in range(3):
        assert fault(at.handle(charge("tok_500_without_effect")).reply) is Fault.SERVER_ERROR
    assert isinstance(at.handle(ask()).reply, NotFound)


@pytest.mark.parametrize("repeats", [Repeats.CURRENT_STATE, Repeats.REPLAY_SUCCESS, Repeats.NONE])
def test_other_banks_charge_at_the_repeat_after_a_500_without_effect(repeats: Repeats) -> None:
    at = bank(repeats)
    at.handle(charge("tok_500_without_effect"))
    assert isinstance(at.handle(charge("tok_500_without_effect")).reply, Succeeded)
    assert len(at.ledger()) == 1


def test_a_bank_without_keys_charges_at_every_send() -> None:
    at = bank(Repeats.NONE)
    at.handle(charge())
    at.handle(charge())
    assert len(at.charges_of("ref-key-1")) == 2


def test_a_key_is_forgotten_after_its_window_and_the_repeat_charges_again() -> None:
    at = bank(key_window_seconds=60.0)
    at.handle(charge(), 0.0)
    at.handle(charge(), 59.9)
    assert len(at.ledger(59.9)) == 1
    at.handle(charge(), 60.0)
    assert len(at.ledger(60.0)) == 2


def test_a_known_key_with_another_request_is_a_mismatch_and_has_no_effect() -> None:
    at = bank()
    at.handle(charge(minor=100))
    assert fault(at.handle(charge(minor=101)).reply) is Fault.KEY_MISMATCH
    assert [entry.amount for entry in at.ledger()] == [euros(100)]


@pytest.mark.parametrize(
    ("token", "kind"),
    [
        ("tok_decline", DeclineKind.HARD),
        ("tok_decline_soft", DeclineKind.SOFT),
        ("tok_decline_fix_input", DeclineKind.FIX_INPUT),
        ("tok_decline_fraud", DeclineKind.FRAUD),
    ],
)
def test_a_decline_bears_its_kind_is_found_and_moves_nothing(token: str, kind: DeclineKind) -> None:
    at = bank()
    declined = at.handle(charge(token)).reply
    assert isinstance(declined, Declined)
    assert declined.kind is kind
    assert at.handle(ask()).reply == declined
    assert at.ledger() == ()


def test_a_lost_decline_is_found_by_lookup() -> None:
    at = bank()
    assert fault(at.handle(charge("tok_timeout_decline")).reply) is Fault.NO_ANSWER
    assert isinstance(at.handle(ask()).reply, Declined)


@pytest.mark.parametrize(
    ("token", "final"), [("tok_decide_later:3", Succeeded), ("tok_decide_later_decline:3", Declined)]
)
def test_a_deferred_charge_is_decided_by_the_lookup_with_that_number(token: str, final: type) -> None:
    at = bank()
    handled = at.handle(charge(token))
    assert isinstance(handled.reply, Processing)
    assert handled.effect is None
    assert [type(at.handle(ask()).reply) for _ in range(4)] == [Processing, Processing, final, final]
    assert len(at.ledger()) == (final is Succeeded)


def test_a_deferred_charge_is_decided_when_its_time_has_passed_whoever_asks() -> None:
    at = bank()
    at.handle(charge("tok_decide_later:30s"), 0.0)
    assert isinstance(at.handle(ask(), 29.9).reply, Processing)
    assert isinstance(at.handle(ask(), 30.0).reply, Succeeded)
    assert [entry.at for entry in at.ledger(100.0)] == [30.0]


@pytest.mark.parametrize("asked_at", [[], [15.0, 25.0]])
def test_what_happens_later_is_booked_in_the_order_of_time_whenever_anybody_asks(asked_at: list[float]) -> None:
    at = bank()
    at.handle(charge("tok_timeout_with_late_effect:20s", key="late"), 0.0)
    at.handle(charge("tok_decide_later:10s", key="decided"), 0.0)
    for now in asked_at:
        at.ledger(now)
    entries = at.ledger(100.0)
    assert [(entry.entry_id, entry.key, entry.at) for entry in entries] == [(1, "decided", 10.0), (2, "late", 20.0)]
    assert len({entry.provider_reference for entry in entries}) == 2


def test_a_replayed_answer_stays_processing_while_the_current_state_moves_on() -> None:
    answers = []
    for repeats in (Repeats.REPLAY, Repeats.CURRENT_STATE):
        at = bank(repeats)
        at.handle(charge("tok_decide_later:1s"), 0.0)
        answers.append(type(at.handle(charge("tok_decide_later:1s"), 5.0).reply))
    assert answers == [Processing, Succeeded]


def test_a_late_request_takes_its_effect_after_the_caller_gave_up() -> None:
    at = bank()
    assert fault(at.handle(charge("tok_timeout_with_late_effect:60s"), 0.0).reply) is Fault.NO_ANSWER
    assert isinstance(at.handle(ask(), 59.0).reply, NotFound)
    assert isinstance(at.handle(ask(), 60.0).reply, Succeeded)


def test_a_late_request_whose_repeat_was_quicker_charges_once_where_keys_are_known() -> None:
    counts = {}
    for repeats in (Repeats.REPLAY, Repeats.NONE):
        at = bank(repeats)
        at.handle(charge("tok_timeout_with_late_effect:60s"), 0.0)
        at.handle(charge("tok_timeout_with_late_effect:60s"), 30.0)
        counts[repeats] = len(at.ledger(90.0))
    assert counts == {Repeats.REPLAY: 1, Repeats.NONE: 2}


def test_a_slow_charge_moves_the_money_at_once_and_says_in_progress_until_it_has_answered() -> None:
    at = bank()
    handled = at.handle(charge("tok_slow:2s"), 0.0)
    assert (handled.after_seconds, handled.effect is not None) == (2.0, True)
    meanwhile = at.handle(charge("tok_slow:2s"), 0.5).reply
    assert meanwhile == Failed(fault=Fault.IN_PROGRESS, retry_after_seconds=1.5)
    assert isinstance(at.handle(charge("tok_slow:2s"), 2.0).reply, Succeeded)
    assert len(at.ledger(2.0)) == 1


def test_a_slow_bank_without_keys_charges_at_every_send() -> None:
    at = bank(Repeats.NONE)
    for now in (0.0, 1.0):
        assert isinstance(at.handle(charge("tok_slow:2s"), now).reply, Succeeded)
    assert len(at.ledger(1.0)) == 2


@pytest.mark.parametrize("token", ["tok_busy:2", "tok_refused_connection:2"])
def test_a_passing_obstacle_stands_for_that_many_sends_of_each_key(token: str) -> None:
    at = bank()
    for key in ("a", "b"):
        kinds = [type(at.handle(charge(token, key=key)).reply) for _ in range(3)]
        assert kinds == [Failed, Failed, Succeeded]
    assert len(at.ledger()) == 2


def test_a_wrong_amount_is_what_moved_in_fact() -> None:
    at = bank()
    answer = at.handle(charge("tok_wrong_amount", minor=500)).reply
    assert isinstance(answer, Succeeded)
    assert answer.amount == at.ledger()[0].amount == euros(499)


def test_the_buyer_must_act_until_the_bank_is_told() -> None:
    at = bank()
    needed = at.handle(charge("tok_requires_action")).reply
    assert isinstance(needed, ActionNeeded)
    assert at.handle(ask()).reply == needed
    at.decide(needed.provider_reference, approve=True)
    at.decide(needed.provider_reference, approve=False)
    assert isinstance(at.handle(ask()).reply, Succeeded)
    assert len(at.ledger()) == 1


def test_the_buyer_may_refuse() -> None:
    at = bank()
    needed = at.handle(charge("tok_requires_action")).reply
    assert isinstance(needed, ActionNeeded)
    at.decide(needed.provider_reference, approve=False)
    assert isinstance(at.handle(ask()).reply, Declined)
    assert at.ledger() == ()
    with pytest.raises(LookupError):
        at.decide("unknown", approve=True)


@pytest.mark.parametrize("minor", [0, -1])
def test_only_a_positive_amount_is_taken(minor: int) -> None:
    at = bank()
    assert fault(at.handle(charge(minor=minor)).reply) is Fault.INVALID
    assert at.ledger() == ()


@pytest.mark.parametrize("token", ["tok_unknown", "tok_busy:x", "tok_approve+refund_unknown", "tok_slow:-1s", ""])
def test_a_token_that_was_never_issued_is_refused_without_naming_it(token: str) -> None:
    at = bank()
    reply = at.handle(charge(token)).reply
    assert fault(reply) is Fault.INVALID
    assert token == "" or token not in repr(reply)


def test_an_eventual_lookup_finds_a_charge_only_after_the_lag() -> None:
    at = bank(lookup_by_reference=Lookup.EVENTUAL, lookup_lag_seconds=10.0)
    charged = at.handle(charge(), 0.0).reply
    assert isinstance(charged, Succeeded)
    assert isinstance(at.handle(ask(), 9.9).reply, NotFound)
    assert at.handle(ask(), 10.0).reply == charged
    assert at.handle(ask(provider_reference=charged.provider_reference), 0.0).reply == charged


def test_a_bank_that_cannot_be_asked_says_so() -> None:
    at = bank(lookup_by_reference=Lookup.NONE, lookup_by_provider_reference=Lookup.NONE)
    at.handle(charge())
    assert fault(at.handle(ask(provider_reference="sandbox_charge_000001")).reply) is Fault.INVALID


def test_a_lookup_by_an_unsupported_provider_reference_goes_by_our_reference() -> None:
    at = bank(lookup_by_provider_reference=Lookup.NONE)
    at.handle(charge())
    assert isinstance(at.handle(ask(provider_reference="sandbox_charge_000001")).reply, Succeeded)


def test_refunds_never_exceed_the_charge_and_undecided_ones_count() -> None:
    at = bank()
    charged = at.handle(charge("tok_approve+refund_decide_later", minor=100)).reply
    assert isinstance(charged, Succeeded)
    of = charged.provider_reference
    assert isinstance(at.handle(refund(of, key="r1", minor=60)).reply, Processing)
    exceeding = at.handle(refund(of, key="r2", minor=41)).reply
    assert isinstance(exceeding, Declined)
    assert exceeding.code == "refund_exceeds_charge"
    assert isinstance(at.handle(ask("ref-r1", refund=True)).reply, Succeeded)
    assert [(entry.kind, entry.amount) for entry in at.ledger()] == [("charge", euros(100)), ("refund", euros(60))]
    assert at.ledger()[1].charge_reference == of
    assert at.balance("EUR") == euros(40)
    assert at.charges_of("ref-r1") == ()
    assert isinstance(at.handle(ask(provider_reference=of, refund=True)).reply, NotFound)


def test_a_refund_meets_the_faults_that_its_charge_was_given() -> None:
    at = bank()
    charged = at.handle(charge("tok_approve+refund_500_with_effect")).reply
    assert isinstance(charged, Succeeded)
    again = [at.handle(refund(charged.provider_reference)).reply for _ in range(2)]
    assert [fault(reply) for reply in again] == [Fault.SERVER_ERROR, Fault.SERVER_ERROR]
    assert isinstance(at.handle(ask("ref-refund-1", refund=True)).reply, Succeeded)
    assert [entry.kind for entry in at.ledger()] == ["charge", "refund"]


def test_a_refund_of_nothing_is_refused() -> None:
    at = bank()
    assert fault(at.handle(refund("sandbox_charge_000009")).reply) is Fault.INVALID
    declined = at.handle(charge("tok_decline")).reply
    assert isinstance(declined, Declined)
    assert isinstance(at.handle(refund(declined.provider_reference)).reply, Declined)


def test_a_cancelled_key_never_takes_effect() -> None:
    at = bank(cancel_by_key=True)
    assert isinstance(at.handle(CancelKey("key-1"), 0.0).reply, Declined)
    assert isinstance(at.handle(charge(), 1e9).reply, Declined)
    assert at.ledger(1e9) == ()


def test_a_cancelled_key_stops_a_late_request_and_an_undecided_charge() -> None:
    at = bank(cancel_by_key=True)
    at.handle(charge("tok_timeout_with_late_effect:60s", key="late"), 0.0)
    at.handle(charge("tok_decide_later:60s", key="open"), 0.0)
    for key in ("late", "open"):
        assert isinstance(at.handle(CancelKey(key), 1.0).reply, Declined)
    assert at.ledger(100.0) == ()


def test_a_cancel_that_comes_too_late_gives_the_success() -> None:
    at = bank(cancel_by_key=True)
    charged = at.handle(charge()).reply
    assert at.handle(CancelKey("key-1")).reply == charged


def test_a_bank_without_cancellation_says_so() -> None:
    assert fault(bank().handle(CancelKey("key-1")).reply) is Fault.INVALID
    with pytest.raises(ValueError, match="cannot cancel"):
        BankPolicy(repeats=Repeats.NONE, cancel_by_key=True)


def test_one_key_from_many_threads_is_charged_once() -> None:
    at = bank()
    with ThreadPoolExecutor(16) as pool:
        replies = list(pool.map(lambda _: at.handle(charge()).reply, range(200)))
    assert len(set(replies)) == 1
    assert len(at.ledger()) == 1


def test_the_same_requests_at_the_same_times_give_the_same_books() -> None:
    def run() -> tuple[object, ...]:
        at = bank(key_window_seconds=20.0)
        replies = [at.handle(charge(token, key=token), float(i)).reply for i in range(3) for token in TOKENS]
        return (*replies, *at.ledger(1e6))

    assert run() == run()


def test_no_token_is_shown_by_what_the_bank_keeps_or_gives() -> None:
    at = bank()
    for token in TOKENS:
        handled = at.handle(charge(token, key=f"key of {TOKENS.index(token)}"))
        assert "tok_" not in repr(handled)
    assert "tok_" not in repr(vars(at)) + repr(vars(at._books)) + repr(at.ledger())
