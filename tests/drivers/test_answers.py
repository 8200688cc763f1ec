"""What an adapter says that could never be stored, or never be read back, holds no order: it is no answer (LIVE-1)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import pytest

from checkout_core import Cart, CartLine, Checkout, CheckoutRequest, Confirmed, Money, PaymentMethod
from checkout_core.adapters.sql import SqlStore
from checkout_core.domain.result import DeclineKind
from checkout_core.drivers.answers import pause_wished, readable
from checkout_core.ports.payment import (
    ActionNeeded,
    CallLimits,
    ChargeRequest,
    Declined,
    Guarantees,
    Lookup,
    LookupAnswer,
    PaymentAnswer,
    PaymentQuery,
    Processing,
    RefundRequest,
    Repeats,
    Succeeded,
)

EUR = Money.of("19.90", "EUR")
ODD: list[Any] = ["r" * 256, "r\x1fr", "r\x00r", "r\nr", "r\ud800r", None, 17]


@pytest.mark.parametrize("reference", ODD)
def test_a_reference_that_cannot_be_stored_makes_no_answer(reference: Any) -> None:
    assert readable(Succeeded(provider_reference=reference, amount=EUR), "") is None
    assert readable(Declined(code="no", provider_reference=reference), "") is None
    assert readable(ActionNeeded(provider_reference=reference), "") is None
    assert readable(Processing(provider_reference=reference), "") is None


@pytest.mark.parametrize("amount", [1990, "19.90", None, Money(minor=-1, currency="EUR")])
def test_an_amount_that_is_no_money_makes_no_answer(amount: Any) -> None:
    assert readable(Succeeded(provider_reference="ch_1", amount=amount), "") is None


def test_a_decline_of_an_unknown_kind_makes_no_answer() -> None:
    kind: Any = "hard"
    assert readable(Declined(code="no", kind=kind), "") is None


def test_an_action_without_a_usable_address_makes_no_answer() -> None:
    url: Any = None
    assert readable(ActionNeeded(provider_reference="ch_1", action_url=url), "") is None
    assert readable(ActionNeeded(provider_reference="ch_1", action_url="https://bank\x00"), "") is None


@pytest.mark.parametrize(
    "answer",
    [
        Succeeded(provider_reference="r" * 255, amount=EUR),
        Declined(code="insufficient_funds", kind=DeclineKind.SOFT),
        ActionNeeded(provider_reference="ch_1", action_url="https://bank/3ds?a=1"),
        Processing(provider_reference="ch_1"),
    ],
)
def test_an_ordinary_answer_is_handed_on_as_it_is(answer: PaymentAnswer) -> None:
    assert readable(answer, "tok_secret") == answer


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("c" * 300, "c" * 200),
        ("first\nsecond\x1f", "first second"),
        ("card 4242 4242 4242 4242", ""),
        ("x tok_1", ""),
        (None, ""),
    ],
)
def test_a_declines_code_is_mended_and_tells_no_secret(said: Any, kept: str) -> None:
    assert readable(Declined(code=said), "tok_1") == Declined(code=kept)


@pytest.mark.parametrize(("wished", "kept"), [(3, 3.0), (0.5, 0.5), (None, None), ("30", None), (math.nan, None)])
def test_a_pause_that_is_no_number_is_none(wished: object, kept: float | None) -> None:
    assert pause_wished(wished) == kept


class Muddled:
    """A provider whose adapter makes its first answer unreadable, whatever it is about."""

    name, account = "muddled", "test"
    guarantees = Guarantees(repeats=Repeats.REPLAY, key_window_seconds=3600.0, lookup_by_reference=Lookup.STRONG)

    def __init__(self, first: PaymentAnswer) -> None:
        self._answers: Iterator[PaymentAnswer] = iter([first])
        self.asked = 0

    def charge(self, request: ChargeRequest, limits: CallLimits) -> PaymentAnswer:
        self.asked += 1
        return next(self._answers, Succeeded(provider_reference="ch_1", amount=request.amount))

    def refund(self, request: RefundRequest, limits: CallLimits) -> PaymentAnswer:
        raise AssertionError("nothing is given back here")

    def lookup(self, query: PaymentQuery, limits: CallLimits) -> LookupAnswer:
        return next(self._answers, Succeeded(provider_reference="ch_1", amount=EUR))


@pytest.mark.parametrize("reference", ["r\x1fr", "r\x00r", "r" * 256])
def test_an_order_whose_charge_was_answered_unreadably_is_confirmed_all_the_same(sql_url: str, reference: str) -> None:
    store = SqlStore(sql_url)
    store.migrate()
    store.inventory.set_available("A", 1)
    bank = Muddled(Succeeded(provider_reference=reference, amount=EUR))
    request = CheckoutRequest(
        idempotency_key="key",
        cart=Cart(cart_id="cart", currency="EUR", lines=[CartLine(item_id="A", qty=1, price=EUR)]),
        payment_method=PaymentMethod(kind="card", token="tok_approve"),
    )
    with Checkout(store, payments=bank) as checkout:
        assert isinstance(checkout.execute(request), Confirmed)
        assert checkout.ops.audit().clean
    assert bank.asked == 2
    store.close()
