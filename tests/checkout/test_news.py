"""What becomes known later: unknown outcomes, late successes, and news from workers that lost their lease."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from checkout_core.checkout.operator import compensate, retry
from checkout_core.domain.order import Attention, FailureReason, OrderStatus, StockState
from checkout_core.domain.result import (
    ActionRequired,
    CartTaken,
    Confirmed,
    DeclineKind,
    Pending,
)
from checkout_core.ports.payment import ActionNeeded, Declined, NotFound, Processing, Succeeded
from checkout_core.ports.records import (
    Phase,
)
from checkout_core.saga.effects import NotSent, OutcomeUnknown
from tests.checkout.desk import BLIND, LOOKUP_ONLY, Desk, eur, request

PAID = Succeeded(provider_reference="p1", amount=eur(1990))
NO = Declined(code="card_declined", kind=DeclineKind.SOFT)
LOST, NOTHING = OutcomeUnknown("timeout"), NotFound()


# --- unknown ---------------------------------------------------------------------------------------------------------


def test_a_lost_answer_is_asked_by_the_same_key_at_once() -> None:
    desk = Desk()
    desk.answers["charge"] = [LOST, PAID]
    assert isinstance(desk.buy(), Confirmed)
    assert len({charge.key for charge in desk.sent("charge")}) == 1
    assert len(desk.driver.commits()) == 3  # the repeat is announced by a commit of its own


def test_an_unknown_charge_keeps_the_stock_and_the_cart() -> None:
    desk = Desk()
    desk.answers |= {"charge": [LOST], "lookup": [NOTHING]}
    result = desk.buy(request(cart_id="cart"))
    assert isinstance(result, Pending)
    assert (desk.available(), desk.order.stock) == (9, StockState.HELD)
    assert isinstance(desk.buy(request("key-2", cart_id="cart")).reason, CartTaken)


def test_nothing_is_sent_after_pay_by() -> None:
    desk = Desk()
    desk.answers |= {"charge": [LOST], "lookup": [LOST]}
    desk.buy()
    begun = desk.clock.now
    desk.wait(2000.0)
    times = [call.send_before for call in desk.driver.calls() if call.operation == "charge"]
    assert len(times) > 3
    assert max(times) <= begun + 900.0
    sends = len(times)
    desk.wait(10_000.0, every=60.0)
    assert len(desk.sent("charge")) == sends


def test_the_provider_is_not_asked_hot() -> None:
    desk = Desk()
    desk.answers |= {"charge": [LOST], "lookup": [LOST]}
    desk.buy()
    desk.wait(900.0, every=1.0)
    sends = len(desk.sent("charge"))
    assert sends < 15
    assert len(desk.file().journal) == 2 + sends, "what is sent, that its outcome is unknown, and the alarm"


def test_a_day_of_looks_that_learn_nothing_writes_what_was_learnt() -> None:
    """The intent, that its outcome is unknown, one alarm, and that it is under review after the parking age."""
    desk = Desk(LOOKUP_ONLY)
    desk.answers |= {"charge": [LOST], "lookup": [LOST, *[LOST] * 20, Processing(provider_reference="p1")]}
    desk.buy()
    desk.wait(3600.0, every=30.0)
    assert len(desk.sent("charge")) == 1
    assert desk.alarms() == ["outcome_still_unknown"]
    desk.wait(82_000.0, every=60.0)
    assert len(desk.file().journal) == 4
    assert desk.calls().count("lookup") > 200


def test_without_idempotency_a_charge_is_sent_at_most_once() -> None:
    for guarantees in (LOOKUP_ONLY, BLIND):
        desk = Desk(guarantees)
        desk.answers |= {"charge": [LOST], "lookup": [LOST]}
        desk.buy()
        desk.wait(5000.0, every=30.0)
        assert len(desk.sent("charge")) == 1
        desk.buy(crash_after=0)
        desk.wait(5000.0, every=30.0)
        assert len(desk.sent("charge")) == 1


def test_a_charge_that_is_not_found_fails_the_order_and_is_watched() -> None:
    desk = Desk(LOOKUP_ONLY)
    desk.answers |= {"charge": [LOST], "lookup": [NOTHING]}
    desk.buy()
    desk.wait(89.0)
    assert desk.order.status is OrderStatus.PENDING
    desk.wait(60.0)
    assert (desk.order.status, desk.order.reason) == (OrderStatus.FAILED, FailureReason.PAYMENT_NOT_SENT)
    assert desk.available() == 10
    assert desk.file().saga.phase is Phase.WATCHING
    desk.wait(87_000.0, every=300.0)
    assert desk.file().saga.phase is Phase.DONE
    assert desk.audit().clean


def watched(**more: Any) -> Desk:
    desk = Desk(LOOKUP_ONLY, **more)
    desk.answers |= {"charge": [LOST], "lookup": [NOTHING]}
    desk.buy(request(cart_id="cart"))
    desk.wait(200.0)
    assert desk.file().saga.phase is Phase.WATCHING
    return desk


def test_a_late_success_is_confirmed_where_cart_and_stock_are_still_there() -> None:
    desk = watched()
    desk.answers["lookup"] = [PAID]
    desk.wait(400.0)
    assert (desk.order.status, desk.order.reason, desk.order.stock) == (
        OrderStatus.CONFIRMED, None, StockState.COMMITTED,
    )  # fmt: skip
    assert desk.moved_in_books() == (1990, 0)
    assert isinstance(desk.buy(request("key-2", cart_id="cart")).reason, CartTaken)
    assert desk.audit().clean


@pytest.mark.parametrize("gone", ["stock", "cart"])
def test_a_late_success_is_given_back_once_where_they_are_gone(gone: str) -> None:
    desk = watched()
    if gone == "stock":
        desk.store.inventory.set_available("shirt", 0)
    else:
        desk.answers["charge"] = [PAID]
        assert isinstance(desk.buy(request("key-2", cart_id="cart")), Confirmed)
    desk.answers |= {
        "lookup": [lambda call: PAID if call.request.operation == "charge" else LOST],
        "refund": [NotSent(), NotSent(), NotSent(), LOST],
    }
    desk.wait(400.0)
    assert desk.order.attention is Attention.UNDOING
    desk.answers["lookup"] = [PAID]
    desk.wait(1000.0)
    assert (desk.order.status, desk.order.attention) == (OrderStatus.FAILED, Attention.NONE)
    assert desk.moved_in_books() == (1990, 1990)
    types = [event.type for event in desk.store.outbox_of(desk.order.order_id)]
    assert types == ["order.failed.v1", "order.late_payment_returned.v1"]
    assert desk.audit().clean


def test_a_provider_that_is_away_ends_no_watch() -> None:
    desk = watched()
    desk.answers["lookup"] = [LOST]
    desk.wait(100_000.0, every=300.0)
    assert desk.file().saga.phase is Phase.WATCHING
    desk.answers["lookup"] = [PAID]
    desk.wait(400.0)
    assert desk.order.status is OrderStatus.CONFIRMED


def test_a_charge_that_is_decided_later_is_waited_for() -> None:
    desk = Desk()
    later = Processing(provider_reference="p1")
    desk.answers |= {"charge": [later], "lookup": [later]}
    assert isinstance(desk.buy(), Pending)
    versions = desk.file().saga.version
    desk.wait(3000.0, every=30.0)
    assert desk.file().saga.version == versions
    desk.answers["lookup"] = [PAID]
    desk.wait(400.0)
    assert desk.order.status is OrderStatus.CONFIRMED
    assert len(desk.sent("charge")) == 1


def test_a_processing_charge_that_is_not_found_is_never_taken_as_not_executed() -> None:
    desk = Desk()
    desk.answers |= {"charge": [Processing(provider_reference="p1")], "lookup": [NOTHING]}
    desk.buy()
    desk.wait(50_000.0, every=300.0)
    assert desk.order.status is OrderStatus.PENDING
    desk.wait(50_000.0, every=300.0)
    assert desk.file().saga.phase is Phase.PARKED
    assert desk.order.attention is Attention.UNDER_REVIEW


def test_the_buyer_is_asked_and_then_confirmed() -> None:
    desk = Desk()
    act = ActionNeeded(provider_reference="p1", action_url="https://bank/act")
    desk.answers |= {"charge": [act], "lookup": [act]}
    result = desk.buy()
    assert isinstance(result, ActionRequired)
    assert result.action_url == "https://bank/act"
    assert desk.order.status is OrderStatus.REQUIRES_ACTION
    desk.answers["lookup"] = [PAID]
    desk.wait(10.0)
    assert desk.order.status is OrderStatus.CONFIRMED
    types = [event.type for event in desk.store.outbox_of(result.order_id)]
    assert types == ["order.action_required.v1", "order.confirmed.v1"]
    assert desk.audit().clean


@pytest.mark.parametrize(("age", "alarms"), [(590.0, []), (1200.0, ["outcome_still_unknown"])])
def test_an_unknown_charge_raises_an_alarm_after_ten_minutes(age: float, alarms: list[str]) -> None:
    desk = Desk()
    desk.answers |= {"charge": [LOST], "lookup": [LOST]}
    desk.buy()
    desk.wait(age, every=30.0)
    assert desk.alarms() == alarms


# --- fenced workers --------------------------------------------------------------------------------------------------


def slept(desk: Desk, answer: object, seconds: float = 61.0) -> object:
    """The first charge is answered only after its lease has run out and another worker was here; then the result."""

    def sleep(call: object) -> object:
        desk.answers["charge"] = [LOST]
        desk.clock.now += seconds
        desk.recover()
        return answer

    desk.answers["charge"] = [sleep]
    return desk.buy()


def test_a_fenced_worker_s_success_reaches_its_owner() -> None:
    desk = Desk(LOOKUP_ONLY)
    desk.answers["lookup"] = [LOST]
    result = slept(desk, PAID)
    assert isinstance(result, Pending)
    desk.wait(10.0)
    assert desk.order.status is OrderStatus.CONFIRMED
    assert desk.file().observations == ()
    assert desk.audit().clean


def test_a_fenced_worker_s_success_after_the_end_is_a_late_success() -> None:
    desk = Desk(LOOKUP_ONLY)
    desk.answers["lookup"] = [NO]
    slept(desk, PAID)
    assert desk.order.status is OrderStatus.FAILED
    desk.wait(10.0)
    assert desk.order.status is OrderStatus.CONFIRMED
    assert desk.moved_in_books() == (1990, 0)
    assert desk.alarms() == ["contradicting_outcome"]
    assert desk.audit().clean


def test_two_charges_for_one_key_are_for_an_operator() -> None:
    desk = Desk(LOOKUP_ONLY)
    desk.answers["lookup"] = [replace(PAID, provider_reference="p2")]
    slept(desk, PAID)
    assert desk.order.status is OrderStatus.CONFIRMED
    desk.wait(10.0)
    assert desk.alarms() == ["moved_twice"]
    assert desk.file().saga.phase is Phase.PARKED


def test_the_same_success_twice_is_nothing_new() -> None:
    desk = Desk(LOOKUP_ONLY)
    desk.answers["lookup"] = [PAID]
    slept(desk, PAID)
    desk.wait(10.0)
    assert desk.alarms() == []
    assert desk.file().saga.phase is Phase.DONE
    assert desk.file().observations == ()


@pytest.mark.parametrize("news", [Processing(provider_reference="p1"), ActionNeeded(provider_reference="p1")])
def test_news_that_decide_nothing_do_not_end_a_watch(news: object) -> None:
    desk = Desk(LOOKUP_ONLY)
    desk.answers["lookup"] = [NOTHING]
    slept(desk, news, seconds=100.0)
    assert desk.file().saga.phase is Phase.WATCHING
    desk.wait(400.0)
    assert desk.file().observations == ()
    assert desk.file().saga.phase is Phase.WATCHING
    desk.answers["lookup"] = [PAID]
    desk.wait(400.0)
    assert desk.order.status is OrderStatus.CONFIRMED


def test_a_fenced_worker_s_wrong_currency_is_not_taken_for_ours() -> None:
    desk = Desk(LOOKUP_ONLY)
    yen = replace(PAID, amount=replace(PAID.amount, currency="JPY"))
    desk.answers["lookup"] = [LOST]
    slept(desk, yen)
    desk.answers["lookup"] = [yen]
    desk.wait(10.0)
    assert desk.file().saga.phase is Phase.PARKED
    assert desk.alarms() == ["wrong_currency"]
    assert desk.moved_in_books() == (0, 0)


def test_a_contradiction_about_a_refund_is_for_an_operator() -> None:
    desk = Desk(LOOKUP_ONLY)
    desk.answers |= {"charge": [replace(PAID, amount=eur(1))], "lookup": [NO]}
    desk.buy()

    def sleep(call: object) -> object:
        desk.clock.now += 61.0
        desk.recover()
        return Succeeded(provider_reference="r1", amount=eur(1))

    desk.answers["refund"] = [sleep]
    desk.driver.run(compensate(desk.shop, desk.file().saga.saga_id, "undo"))
    assert desk.alarms() == ["wrong_amount", "refund_refused"]
    desk.answers["refund"] = [NotSent()]
    desk.driver.run(retry(desk.shop, desk.file().saga.saga_id, "again"))
    desk.wait(10.0)
    assert "contradicting_outcome" in desk.alarms()
    assert desk.file().saga.phase is Phase.PARKED
    assert desk.moved_in_books() == (1, 1)


def test_the_same_refusal_twice_is_nothing_new() -> None:
    desk = Desk(LOOKUP_ONLY)
    desk.answers["lookup"] = [NO]
    slept(desk, NO)
    desk.wait(10.0)
    assert desk.alarms() == []
    assert (desk.file().saga.phase, desk.file().observations) == (Phase.DONE, ())


def test_a_fenced_worker_s_refund_reaches_its_owner() -> None:
    desk = Desk(LOOKUP_ONLY)
    desk.answers |= {"charge": [replace(PAID, amount=eur(1))], "lookup": [LOST]}
    desk.buy()

    def sleep(call: object) -> object:
        desk.clock.now += 61.0
        desk.recover()
        return Succeeded(provider_reference="r1", amount=eur(1))

    desk.answers["refund"] = [sleep]
    desk.driver.run(compensate(desk.shop, desk.file().saga.saga_id, "undo"))
    desk.wait(10.0)
    assert desk.order.status is OrderStatus.CANCELLED
    assert desk.alarms() == ["wrong_amount"]
    assert (desk.moved_in_books(), len(desk.sent("refund"))) == ((1, 1), 1)
