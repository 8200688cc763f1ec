"""The life of a checkout: from the request to the result, with the provider's answers, crashes and late news."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import pytest

from checkout_core.checkout.execute import Call as Request
from checkout_core.checkout.execute import execute
from checkout_core.domain.cart import Adjustment, AdjustmentKind, Cart, CartLine
from checkout_core.domain.order import FailureReason, OrderStatus, StockState
from checkout_core.domain.request import CheckoutRequest
from checkout_core.domain.result import (
    CartTaken,
    Confirmed,
    DeclineKind,
    OutOfStock,
    PaymentDeclined,
    PaymentNotSent,
    Pending,
    ProviderUnavailable,
    Refused,
)
from checkout_core.effect import Done, Effect, advance
from checkout_core.errors import IdempotencyConflictError, InvalidRequestError
from checkout_core.ports.payment import Declined, NotFound, Succeeded
from checkout_core.ports.records import (
    AppendEvent,
    CommitStock,
    FreeGuard,
    RecordIntent,
    ReserveStock,
)
from checkout_core.saga.effects import OutcomeUnknown, Rejected, Wait
from tests.checkout.desk import Desk, eur, request
from tests.saga.driving import Driver

PAID = Succeeded(provider_reference="p1", amount=eur(1990))
NO = Declined(code="card_declined", kind=DeclineKind.SOFT)
LOST, NOTHING = OutcomeUnknown("timeout"), NotFound()


# --- the straight way ------------------------------------------------------------------------------------------------


def test_a_checkout_is_two_commits_around_one_charge() -> None:
    desk = Desk()
    result = desk.buy()
    assert isinstance(result, Confirmed)
    assert [type(effect).__name__ for effect in desk.driver.log] == ["Commit", "Call", "Commit"]
    first, second = desk.driver.commits()
    assert {ReserveStock, RecordIntent} < {type(record) for record in first.records}
    assert {CommitStock, AppendEvent} < {type(record) for record in second.records}
    assert (desk.available(), desk.order.stock) == (9, StockState.COMMITTED)
    assert desk.audit().clean


def test_a_zero_total_is_one_commit_and_no_charge() -> None:
    desk = Desk()
    result = desk.buy(request(minor=0))
    assert isinstance(result, Confirmed)
    assert [type(effect).__name__ for effect in desk.driver.log] == ["Commit"]
    assert result.order.payments == ()
    assert [event.type for event in desk.store.outbox_of(result.order_id)] == ["order.confirmed.v1"]
    assert desk.audit().clean


def test_a_discount_down_to_zero_needs_no_payment_method() -> None:
    desk = Desk()
    cart = Cart(
        cart_id="c",
        currency="EUR",
        lines=(CartLine(item_id="shirt", qty=1, price=eur(1990)),),
        adjustments=(Adjustment(kind=AdjustmentKind.DISCOUNT, amount=eur(1990)),),
    )
    assert isinstance(desk.buy(CheckoutRequest(idempotency_key="k", cart=cart)), Confirmed)


def test_the_token_is_erased_with_the_outcome() -> None:
    for answer in (PAID, NO, Rejected()):
        desk = Desk()
        desk.answers["charge"] = [answer]
        desk.buy()
        assert desk.file().operations[0].token == ""
        assert "tok_secret" not in desk.file().operations[0].request


@pytest.mark.parametrize(
    ("answer", "reason", "failure"),
    [
        (NO, PaymentDeclined(code="card_declined", kind=DeclineKind.SOFT), FailureReason.PAYMENT_DECLINED),
        (Rejected("bad"), PaymentNotSent(detail="bad"), FailureReason.PAYMENT_NOT_SENT),
    ],
)
def test_what_is_refused_is_undone_in_the_same_commit(answer: object, reason: object, failure: FailureReason) -> None:
    desk = Desk()
    desk.answers["charge"] = [answer]
    result = desk.buy()
    assert isinstance(result, Refused)
    assert result.reason == reason
    assert len(desk.driver.commits()) == 2
    assert (desk.order.status, desk.order.reason) == (OrderStatus.FAILED, failure)
    assert (desk.order.stock, desk.available()) == (StockState.RELEASED, 10)
    assert [event.type for event in desk.store.outbox_of(result.order_id)] == ["order.failed.v1"]
    assert desk.audit().clean
    assert isinstance(desk.buy(request("key-2", cart_id="cart of key-1")), Refused | Confirmed)


def test_after_a_refusal_the_same_cart_can_be_bought_with_a_new_key() -> None:
    desk = Desk()
    desk.answers["charge"] = [NO, PAID]
    desk.buy(request(cart_id="cart"))
    assert isinstance(desk.buy(request("key-2", cart_id="cart")), Confirmed)


def test_out_of_stock_charges_nothing_and_keeps_the_key() -> None:
    desk = Desk(stock=1)
    result = desk.buy(request(qty=2))
    assert isinstance(result, Refused)
    assert isinstance(result.reason, OutOfStock)
    assert [(line.wanted, line.available) for line in result.reason.lines] == [(2, 1)]
    assert desk.calls() == []
    assert (desk.order.status, desk.order.stock) == (OrderStatus.FAILED, StockState.NONE)
    again = desk.buy(request(qty=2))
    assert (again.order_id, again.replayed, again.reason) == (result.order_id, True, OutOfStock(lines=()))
    assert desk.audit().clean


def test_with_k_units_exactly_k_buyers_win_and_the_others_are_charged_nothing() -> None:
    desk = Desk(stock=3)
    results = [desk.buy(request(f"key-{n}")) for n in range(8)]
    assert [type(result) for result in results] == [Confirmed] * 3 + [Refused] * 5
    assert len(desk.sent("charge")) == 3
    assert desk.available() == 0


def test_an_unknown_item_stores_nothing() -> None:
    desk = Desk()
    line = CartLine(item_id="unheard-of", qty=1, price=eur(1))
    odd = replace(request(), cart=Cart(cart_id="c", currency="EUR", lines=(line,)))
    with pytest.raises(InvalidRequestError, match="unheard-of"):
        desk.buy(odd)
    assert desk.store.find("", "key-1") is None


# --- the same key, the same cart -------------------------------------------------------------------------------------


def test_the_same_key_gives_the_same_order() -> None:
    desk = Desk()
    first, again = desk.buy(), desk.buy()
    assert (again.order_id, again.status, again.replayed, first.replayed) == (first.order_id, first.status, True, False)
    assert len(desk.sent("charge")) == 1


def test_the_same_key_with_another_request_is_refused_without_effect() -> None:
    desk = Desk()
    desk.buy()
    with pytest.raises(IdempotencyConflictError):
        desk.buy(request(qty=2))
    assert len(desk.sent("charge")) == 1
    assert desk.available() == 9


def test_a_zero_total_needs_no_provider() -> None:
    assert isinstance(Desk().buy(request(minor=0), provider_open=True), Confirmed)


def test_the_same_key_while_it_runs_is_pending() -> None:
    desk = Desk()
    seen = list[Any]()

    def meanwhile(call: object) -> object:
        desk.answers["charge"] = []
        seen.append(desk.buy())
        return PAID

    desk.answers["charge"] = [meanwhile]
    result = desk.buy()
    assert isinstance(result, Confirmed)
    (pending,) = seen
    assert isinstance(pending, Pending)
    assert (pending.order_id, pending.replayed) == (result.order_id, True)
    assert len(desk.sent("charge")) == 1


def test_the_same_key_waits_for_whoever_is_at_work() -> None:
    desk = Desk()
    desk.buy(crash_after=0)
    begun = desk.clock.now
    assert isinstance(desk.buy(), Pending)
    assert desk.clock.now - begun == pytest.approx(10.0, abs=0.1)


def test_the_same_key_gets_the_result_as_soon_as_it_is_there() -> None:
    desk = Desk()
    first = execute(desk.shop, Request(request()))
    call = advance(first, desk.driver.perform(cast("Effect[Any]", advance(first))))
    waits = list[float]()

    class Beside(Driver):
        def perform(self, effect: Effect[Any]) -> Any:
            if isinstance(effect, Wait) and effect.seconds:
                waits.append(effect.seconds)
                if len(waits) == 3:
                    commit = advance(first, desk.driver.perform(cast("Effect[Any]", call)))
                    assert isinstance(advance(first, desk.driver.perform(cast("Effect[Any]", commit))), Done)
            return super().perform(effect)

    result = Beside(desk.store, desk.clock, desk.answer).run(execute(desk.shop, Request(request())))
    assert isinstance(result, Confirmed)
    assert (result.replayed, len(waits)) == (True, 3)


def test_the_same_key_takes_a_dead_worker_s_order_over() -> None:
    desk = Desk()
    desk.buy(crash_after=0)
    desk.clock.now += 60.0
    result = desk.buy()
    assert isinstance(result, Confirmed)
    assert result.replayed
    assert len(desk.sent("charge")) == 1
    assert desk.audit().clean


@pytest.mark.parametrize(("user", "told"), [("ann", True), ("bob", False)])
def test_a_taken_cart_names_the_order_only_to_its_own_buyer(user: str, told: bool) -> None:
    desk = Desk()
    winner = desk.buy(request(cart_id="cart", user_id="ann"))
    loser = desk.buy(request("key-2", cart_id="cart", user_id=user))
    assert isinstance(loser, Refused)
    assert loser.reason == CartTaken(order_id=winner.order_id if told else "")
    assert loser.order_id == ""
    assert desk.store.find("", "key-2") is None
    assert len(desk.sent("charge")) == 1


def test_a_cart_without_revision_can_be_bought_again_after_an_hour() -> None:
    desk = Desk()
    desk.buy(request(cart_id="cart"))
    desk.clock.now += 3599.0
    assert isinstance(desk.buy(request("key-2", cart_id="cart")).reason, CartTaken)
    desk.clock.now += 1.0
    assert isinstance(desk.buy(request("key-3", cart_id="cart")), Confirmed)


def test_a_cart_with_a_revision_is_sold_once() -> None:
    desk = Desk()
    desk.buy(request(cart_id="cart", revision="1"))
    desk.clock.now += 1e8
    assert isinstance(desk.buy(request("key-2", cart_id="cart", revision="1")).reason, CartTaken)
    assert isinstance(desk.buy(request("key-3", cart_id="cart", revision="2")), Confirmed)
    guards = [record for commit in desk.driver.commits() for record in commit.records if isinstance(record, FreeGuard)]
    assert guards == []


def test_while_the_provider_is_known_to_be_down_nothing_begins_and_what_is_known_is_told() -> None:
    desk = Desk()
    refused = desk.buy(provider_open=True)
    assert refused.reason == ProviderUnavailable(provider="testbank")
    assert desk.store.find("", "key-1") is None
    confirmed = desk.buy()
    again = desk.buy(provider_open=True)
    assert (again.order_id, again.replayed) == (confirmed.order_id, True)
    with pytest.raises(IdempotencyConflictError):
        desk.buy(request(qty=2), provider_open=True)


# --- left alone ------------------------------------------------------------------------------------------------------


def test_a_process_without_the_provider_leaves_the_order_alone() -> None:
    desk = Desk()
    desk.buy(crash_after=0)
    desk.clock.now += 60.0
    here = desk.account
    desk.account = replace(here, account="another")
    (left,) = desk.recover()
    assert (left.outcome, left.detail) == ("left_alone", "this process has no payment account testbank/main")
    assert desk.file().saga.due_in_seconds == 30.0
    desk.account = here
    desk.wait(31.0)
    assert desk.order.status is OrderStatus.CONFIRMED


def test_recovery_says_what_became_of_each() -> None:
    desk = Desk()
    desk.answers |= {"charge": [LOST], "lookup": [LOST]}
    desk.buy()
    desk.clock.now += 10.0
    assert [each.outcome for each in desk.recover()] == ["waiting"]
    desk.answers["charge"] = [PAID]
    desk.clock.now += 10.0
    assert [each.outcome for each in desk.recover()] == ["finished"]
