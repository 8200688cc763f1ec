"""What an operator can do with a parked order, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from checkout_core.checkout.operator import Evidence, compensate, force, retry
from checkout_core.checkout.trace import trace_of
from checkout_core.domain.order import Attention, FailureReason, OrderStatus
from checkout_core.domain.result import OrderClosed, Refused
from checkout_core.effect import Effect
from checkout_core.errors import InvalidRequestError, OrderNotFoundError, TransitionRefusedError
from checkout_core.ports.payment import ActionNeeded, Declined, Lookup, NotFound, PaymentAnswer, Processing, Succeeded
from checkout_core.ports.records import Phase
from checkout_core.saga.effects import KeyMismatch, Load, OutcomeUnknown, Rejected
from tests.checkout.desk import BLIND, LOOKUP_ONLY, STRONG, Desk, eur
from tests.saga.driving import Driver

PAID = Succeeded(provider_reference="p1", amount=eur(1990))
SHORT_PAID = Succeeded(provider_reference="p1", amount=eur(1989))
MISMATCH, LOST, NOTHING = KeyMismatch(), OutcomeUnknown(), NotFound()


def parked(desk: Desk) -> str:
    """The order of the only key, which must be parked."""
    file = desk.file()
    assert file.saga.phase is Phase.PARKED
    return file.saga.saga_id


def frozen(**more: Any) -> Desk:
    """An order whose charge bears a key that the provider knows with another request."""
    desk = Desk(**more)
    desk.answers["charge"] = [MISMATCH]
    desk.buy()
    return desk


def uncovered() -> Desk:
    """An order for which the provider took one cent less."""
    desk = Desk()
    desk.answers["charge"] = [SHORT_PAID]
    desk.buy()
    return desk


def refund_refused(answer: PaymentAnswer | Rejected) -> Desk:
    desk = uncovered()
    desk.answers["refund"] = [answer]
    desk.driver.run(compensate(desk.shop, parked(desk), "undo"))
    return desk


def late(amount: int = 1990) -> Desk:
    """An order that failed because its charge was not found, and is found now with another amount."""
    desk = Desk(LOOKUP_ONLY)
    desk.answers |= {"charge": [LOST], "lookup": [NOTHING]}
    desk.buy()
    desk.wait(200.0)
    assert desk.file().saga.phase is Phase.WATCHING
    desk.answers["lookup"] = [Succeeded(provider_reference="p1", amount=eur(amount))]
    desk.wait(400.0)
    return desk


# --- retry -----------------------------------------------------------------------------------------------------------


def test_retry_goes_on_where_it_stopped() -> None:
    desk = frozen()
    desk.answers |= {"charge": [PAID], "lookup": [PAID]}
    order = desk.driver.run(retry(desk.shop, parked(desk), "the provider mended it"))
    assert order.attention is Attention.NONE
    desk.wait(10.0)
    assert desk.order.status is OrderStatus.CONFIRMED
    assert desk.moved_in_books() == (1990, 0)
    assert desk.audit().clean


def test_retry_of_what_still_cannot_be_known_parks_again() -> None:
    desk = Desk(BLIND)
    desk.answers["charge"] = [LOST]
    desk.buy()
    assert desk.alarms() == ["outcome_unknown"]
    desk.driver.run(retry(desk.shop, parked(desk), "again"))
    desk.wait(10.0)
    parked(desk)
    assert desk.alarms() == ["outcome_unknown", "outcome_unknown"]
    assert len(desk.sent("charge")) == 1


def test_retry_never_confirms_an_order_that_is_not_covered() -> None:
    desk = uncovered()
    with pytest.raises(TransitionRefusedError, match="compensate"):
        desk.driver.run(retry(desk.shop, parked(desk), "one cent"))
    desk.wait(100.0)
    parked(desk)


def test_retry_never_confirms_a_late_payment_of_a_wrong_amount() -> None:
    desk = late(1991)
    with pytest.raises(TransitionRefusedError, match="compensate"):
        desk.driver.run(retry(desk.shop, parked(desk), "never mind"))


# --- compensate ------------------------------------------------------------------------------------------------------


def test_compensate_gives_back_what_was_charged() -> None:
    desk = uncovered()
    order = desk.driver.run(compensate(desk.shop, parked(desk), "one cent short"))
    assert (order.status, order.reason, order.reason_detail) == (
        OrderStatus.CANCELLED, FailureReason.OPERATOR, "one cent short",
    )  # fmt: skip
    assert desk.moved_in_books() == (1989, 1989)
    assert [refund.amount for refund in desk.sent("refund")] == [eur(1989)]
    assert desk.available() == 10
    again = desk.buy()
    assert isinstance(again, Refused)
    assert again.reason == OrderClosed(status=OrderStatus.CANCELLED)
    assert [finding.property_id for finding in desk.audit().findings] == []


def test_compensate_resolves_the_unknown_before_it_undoes() -> None:
    desk = frozen(guarantees=LOOKUP_ONLY)
    desk.answers["lookup"] = [PAID]
    order = desk.driver.run(compensate(desk.shop, parked(desk), "undo"))
    assert (order.status, order.attention) == (OrderStatus.PENDING, Attention.UNDOING)
    assert desk.available() == 9
    desk.wait(10.0)
    assert desk.moved_in_books() == (1990, 1990)
    assert desk.available() == 10
    assert desk.order.status is OrderStatus.CANCELLED
    assert desk.audit().clean


@pytest.mark.parametrize("found", [NOTHING, LOST])
def test_compensate_never_charges_in_order_to_refund(found: object) -> None:
    """MONEY-4, MONEY-8: before pay_by an identical request could be the first that is executed."""
    desk = frozen()
    desk.answers |= {"charge": [MISMATCH, PAID], "lookup": [found]}
    desk.driver.run(compensate(desk.shop, parked(desk), "undo"))
    desk.wait(300.0)
    assert len(desk.sent("charge")) == 1
    assert desk.sent("refund") == []
    if found is NOTHING:  # nothing can be on its way any more
        assert (desk.order.status, desk.available()) == (OrderStatus.CANCELLED, 10)
    else:
        assert (desk.order.status, desk.order.attention) == (OrderStatus.PENDING, Attention.UNDOING)


def test_compensate_ends_the_key_where_the_provider_can() -> None:
    desk = frozen(cancels_keys=True)
    desk.answers |= {"charge": [MISMATCH, PAID], "lookup": [NOTHING], "cancel_by_key": [Declined(code="cancelled")]}
    desk.driver.run(compensate(desk.shop, parked(desk), "undo"))
    desk.wait(10.0)
    assert desk.order.status is OrderStatus.CANCELLED
    assert len(desk.sent("charge")) == 1


def test_what_can_only_be_repeated_stays_for_a_human_when_it_is_undone() -> None:
    desk = frozen(guarantees=replace(STRONG, lookup_by_reference=Lookup.NONE))
    desk.answers["charge"] = [MISMATCH, PAID]
    desk.driver.run(compensate(desk.shop, parked(desk), "undo"))
    desk.wait(10.0)
    assert len(desk.sent("charge")) == 1
    assert desk.order.attention is Attention.UNDER_REVIEW
    desk.driver.run(force(desk.shop, parked(desk), "not_charged", "", "nothing there"))
    assert desk.order.status is OrderStatus.CANCELLED


def test_a_retry_gives_an_undecided_refund_the_full_age_again() -> None:
    """LIVE-1: what is given back is looked at for as long as it was before, and not parked at the first look."""
    desk = uncovered()
    desk.answers |= {"refund": [Processing(provider_reference="r1")], "lookup": [Processing(provider_reference="r1")]}
    desk.driver.run(compensate(desk.shop, parked(desk), "undo"))
    desk.wait(87_000.0, every=300.0)
    desk.driver.run(retry(desk.shop, parked(desk), "the bank works on it"))
    assert desk.order.attention is Attention.UNDOING, "what is owed stays visible"
    desk.wait(86_000.0, every=300.0)
    assert desk.file().saga.phase is Phase.RUNNING
    desk.wait(1000.0, every=300.0)
    parked(desk)
    desk.driver.run(retry(desk.shop, parked(desk), "and still"))
    desk.answers["lookup"] = [Succeeded(provider_reference="r1", amount=eur(1989))]
    desk.wait(10.0)
    assert desk.moved_in_books() == (1989, 1989)
    assert desk.audit().clean


def test_a_retry_gives_an_undecided_watch_the_full_age_again() -> None:
    """LIVE-1: also where an order has failed, and the provider still works on what was taken as not executed."""
    desk = Desk(LOOKUP_ONLY)
    desk.answers |= {"charge": [LOST], "lookup": [NOTHING]}
    desk.buy()
    desk.wait(200.0)
    desk.answers["lookup"] = [Processing(provider_reference="p1")]
    desk.wait(90_000.0, every=300.0)
    desk.driver.run(retry(desk.shop, parked(desk), "the bank works on it"))
    desk.wait(86_000.0, every=300.0)
    assert desk.file().saga.phase is Phase.WATCHING
    desk.wait(1000.0, every=300.0)
    parked(desk)


def test_the_buyer_is_not_asked_to_act_on_an_order_that_is_being_undone() -> None:
    desk = frozen(guarantees=LOOKUP_ONLY)
    act = ActionNeeded(provider_reference="p1", action_url="https://bank/act")
    desk.answers["lookup"] = [act]
    order = desk.driver.run(compensate(desk.shop, parked(desk), "undo"))
    desk.wait(10.0)
    assert (desk.order.status, desk.order.attention) == (OrderStatus.PENDING, Attention.UNDOING)
    assert desk.store.outbox_of(order.order_id) == ()


def test_compensate_gives_a_late_payment_back_and_leaves_the_status() -> None:
    desk = late(1991)
    order = desk.driver.run(compensate(desk.shop, parked(desk), "too much"))
    assert (order.status, order.reason) == (OrderStatus.FAILED, FailureReason.PAYMENT_NOT_SENT)
    assert desk.moved_in_books() == (1991, 1991)
    assert [event.type for event in desk.store.outbox_of(order.order_id)] == [
        "order.failed.v1",
        "order.late_payment_returned.v1",
    ]


def test_compensate_refuses_an_order_that_has_ended() -> None:
    desk = Desk(LOOKUP_ONLY)
    desk.answers |= {"charge": [LOST], "lookup": [NOTHING]}
    desk.buy()
    desk.wait(200.0)
    desk.answers["lookup"] = [Processing(provider_reference="p1")]
    desk.wait(90_000.0, every=300.0)
    order_id = parked(desk)
    with pytest.raises(TransitionRefusedError, match="FAILED"):
        desk.driver.run(compensate(desk.shop, order_id, "undo"))
    parked(desk)


# --- force -----------------------------------------------------------------------------------------------------------


def test_forced_as_charged_confirms() -> None:
    desk = frozen()
    order = desk.driver.run(force(desk.shop, parked(desk), "charged", "p9", "seen in the dashboard"))
    assert order.status is OrderStatus.CONFIRMED
    assert desk.file().operations[0].provider_reference == "p9"
    assert desk.moved_in_books() == (1990, 0)
    assert desk.audit().clean


def test_forced_as_not_charged_fails_and_frees_the_stock() -> None:
    desk = frozen()
    order = desk.driver.run(force(desk.shop, parked(desk), "not_charged", "", "nothing in the dashboard"))
    assert (order.status, order.reason_detail) == (OrderStatus.FAILED, "nothing in the dashboard")
    assert desk.available() == 10
    assert desk.file().operations[0].token == ""
    assert desk.audit().clean


def test_who_looked_too_early_is_put_right_by_the_watch() -> None:
    """MONEY-4: the operator saw no charge, because the request was still on its way."""
    desk = frozen(guarantees=LOOKUP_ONLY)
    desk.answers["lookup"] = [NOTHING]
    desk.driver.run(force(desk.shop, parked(desk), "not_charged", "", "nothing in the dashboard"))
    assert (desk.order.status, desk.file().saga.phase) == (OrderStatus.FAILED, Phase.WATCHING)
    desk.store.inventory.set_available("shirt", 0)
    desk.answers["lookup"] = [PAID]
    desk.wait(400.0)
    assert desk.moved_in_books() == (1990, 1990)
    assert desk.order.status is OrderStatus.FAILED
    assert desk.audit().clean


def test_a_forced_end_that_proves_wrong_is_a_late_success() -> None:
    """The operator said that nothing was charged, and then the worker that had slept comes back with a success."""
    desk = Desk(BLIND)

    def sleep(call: object) -> object:
        desk.clock.now += 61.0
        desk.recover()
        desk.driver.run(force(desk.shop_of("operator"), parked(desk), "not_charged", "", "saw nothing"))
        return PAID

    desk.answers["charge"] = [sleep]
    desk.buy()
    desk.wait(10.0)
    assert desk.order.status is OrderStatus.CONFIRMED
    assert "contradicting_outcome" in desk.alarms()
    assert desk.audit().clean


@pytest.mark.parametrize("evidence", ["charged", "refunded"])
def test_what_happened_has_an_id_at_the_provider(evidence: Evidence) -> None:
    desk = frozen()
    with pytest.raises(InvalidRequestError, match="provider_reference"):
        desk.driver.run(force(desk.shop, parked(desk), evidence, "", "seen"))


@pytest.mark.parametrize("evidence", ["refunded", "not_refunded"])
def test_a_charge_in_doubt_cannot_be_settled_as_a_refund(evidence: Evidence) -> None:
    desk = frozen()
    with pytest.raises(TransitionRefusedError, match=evidence):
        desk.driver.run(force(desk.shop, parked(desk), evidence, "p9", "seen"))
    parked(desk)


@pytest.mark.parametrize("evidence", ["charged", "not_charged", "refunded", "not_refunded"])
def test_an_order_without_doubt_cannot_be_forced(evidence: Evidence) -> None:
    desk = uncovered()
    with pytest.raises(TransitionRefusedError, match=evidence):
        desk.driver.run(force(desk.shop, parked(desk), evidence, "p9", "seen"))


@pytest.mark.parametrize("answer", [Declined(code="closed account"), Rejected()])
def test_a_refused_refund_that_was_made_by_hand_ends_the_order(answer: PaymentAnswer | Rejected) -> None:
    desk = refund_refused(answer)
    assert "refund_refused" in desk.alarms()
    order = desk.driver.run(force(desk.shop, parked(desk), "refunded", "bank transfer 7", "sent by hand"))
    assert order.status is OrderStatus.CANCELLED
    assert desk.moved_in_books() == (1989, 1989)
    assert len(desk.sent("refund")) == 1
    assert desk.available() == 10


def test_a_refused_refund_can_be_tried_again_with_a_key_of_its_own() -> None:
    desk = refund_refused(Declined(code="no funds"))
    desk.answers["refund"] = []
    desk.driver.run(retry(desk.shop, parked(desk), "there is money now"))
    desk.wait(10.0)
    assert desk.moved_in_books() == (1989, 1989)
    keys = [refund.key for refund in desk.sent("refund")]
    assert len(set(keys)) == len(keys) == 2


def unknown_refund() -> Desk:
    desk = uncovered()
    desk.answers |= {"refund": [KeyMismatch()]}
    desk.driver.run(compensate(desk.shop, parked(desk), "undo"))
    return desk


def test_an_unknown_refund_can_be_settled_by_what_the_operator_saw() -> None:
    desk = unknown_refund()
    order = desk.driver.run(force(desk.shop, parked(desk), "refunded", "r9", "seen"))
    assert order.status is OrderStatus.CANCELLED
    assert desk.moved_in_books() == (1989, 1989)


def test_a_refund_that_the_operator_did_not_find_is_made_again() -> None:
    desk = unknown_refund()
    desk.answers["refund"] = []
    desk.driver.run(force(desk.shop, parked(desk), "not_refunded", "", "not there"))
    desk.wait(10.0)
    assert desk.moved_in_books() == (1989, 1989)
    keys = [refund.key for refund in desk.sent("refund")]
    assert len(set(keys)) == len(keys) == 2
    assert desk.audit().clean


def test_news_from_the_provider_come_before_the_operator_s_word() -> None:
    desk = Desk(BLIND)

    def sleep(call: object) -> object:
        desk.clock.now += 61.0
        desk.recover()
        return PAID

    desk.answers["charge"] = [sleep]
    desk.buy()
    with pytest.raises(TransitionRefusedError, match="retry"):
        desk.driver.run(force(desk.shop, parked(desk), "not_charged", "", "saw nothing"))
    desk.driver.run(retry(desk.shop, parked(desk), "there is news"))
    desk.wait(10.0)
    assert desk.order.status is OrderStatus.CONFIRMED
    assert len(desk.sent("charge")) == 1


# --- refused ---------------------------------------------------------------------------------------------------------


def actions(desk: Desk, order_id: str) -> list[Any]:
    return [
        retry(desk.shop, order_id, "note"),
        compensate(desk.shop, order_id, "note"),
        force(desk.shop, order_id, "not_charged", "", "note"),
    ]


def test_an_order_that_is_not_parked_is_left_alone() -> None:
    desk = Desk()
    desk.answers["charge"] = [OutcomeUnknown()]
    desk.answers["lookup"] = [OutcomeUnknown()]
    desk.buy()
    before = desk.file()
    for action in actions(desk, before.saga.saga_id):
        with pytest.raises(TransitionRefusedError, match="not parked"):
            desk.driver.run(action)
    assert desk.file().journal == before.journal
    assert desk.file().saga.lease_seconds <= 0


def test_a_finished_order_is_left_alone() -> None:
    desk = Desk()
    result = desk.buy()
    for action in actions(desk, result.order_id):
        with pytest.raises(TransitionRefusedError, match="not parked"):
            desk.driver.run(action)


def test_an_unknown_order_is_not_found() -> None:
    desk = Desk()
    for action in actions(desk, "nowhere"):
        with pytest.raises(OrderNotFoundError):
            desk.driver.run(action)


def test_an_order_of_a_provider_that_is_not_here_is_left_alone() -> None:
    desk = frozen()
    order_id = parked(desk)
    desk.account = replace(desk.account, account="another")
    desk.shop = desk.shop_of("elsewhere")
    for action in actions(desk, order_id):
        with pytest.raises(TransitionRefusedError, match="no payment account"):
            desk.driver.run(action)
    parked(desk)


def test_a_refused_action_gives_the_order_back() -> None:
    desk = uncovered()
    order_id = parked(desk)
    with pytest.raises(TransitionRefusedError):
        desk.driver.run(retry(desk.shop, order_id, "note"))
    desk.driver.run(compensate(desk.shop, order_id, "note"))  # at once: nobody holds a lease


def test_an_action_that_comes_too_late_is_refused() -> None:
    """Somebody else took the order between the operator's look and the operator's commit."""
    desk = frozen()
    order_id = parked(desk)

    class Interrupted(Driver):
        def perform(self, effect: Effect[Any]) -> Any:
            answer = super().perform(effect)
            if isinstance(effect, Load):
                self.clock.now += 61.0
                assert self.store.claim_one(order_id, token="another", lease_seconds=60.0)
            return answer

    for action in actions(desk, order_id):
        slow = Interrupted(desk.store, desk.clock, desk.answer)
        with pytest.raises(TransitionRefusedError, match="somebody else"):
            slow.run(action)
        desk.clock.now += 61.0


def test_every_action_leaves_its_note_in_the_trace() -> None:
    desk = frozen()
    desk.driver.run(force(desk.shop, parked(desk), "not_charged", "", "seen by Ann"))
    assert "seen by Ann" in trace_of(desk.file()).text()


def test_what_is_parked_says_why_in_the_order() -> None:
    unknown, odd = Desk(BLIND), uncovered()
    unknown.answers["charge"] = [LOST]
    unknown.buy()
    for desk, attention in ((unknown, Attention.UNDER_REVIEW), (odd, Attention.PARKED)):
        assert (desk.order.status, desk.order.attention) == (OrderStatus.PENDING, attention)
