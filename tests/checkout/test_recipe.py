"""The recipe as a whole: its steps, and what must never happen in it."""

from __future__ import annotations

import gc
import weakref

import pytest

from checkout_core.checkout.definitions import definitions
from checkout_core.checkout.recipe import checkout
from checkout_core.checkout.state import apply
from checkout_core.errors import InvariantError
from checkout_core.ports.records import OperationKind, OperationState, RecordIntent
from checkout_core.saga.step import Kind, LocalStep
from tests.checkout.asking import charged, operation, state_of
from tests.checkout.desk import Desk, eur


def test_the_steps_of_a_checkout_of_version_1() -> None:
    """LIVE-1: orders under way were opened with these steps. Other steps are a new version beside this one."""
    definition = definitions(Desk().shop)["checkout", 1]
    assert [(step.name, step.kind) for step in definition.steps] == [
        ("open_order", Kind.COMPENSATABLE),
        ("guard_cart", Kind.COMPENSATABLE),
        ("reserve_stock", Kind.COMPENSATABLE),
        ("take_payment", Kind.COMPENSATABLE),
        ("confirm_order", Kind.PIVOT),
    ]


@pytest.mark.parametrize(
    "charge",
    [operation(state=OperationState.UNKNOWN), operation(state=OperationState.SUCCEEDED, moved_minor=1989)],
    ids=["unknown", "short"],
)
def test_an_order_is_never_confirmed_without_its_money(charge: object) -> None:
    confirm = checkout(Desk().shop).step("confirm_order")
    assert isinstance(confirm, LocalStep)
    confirm.run(state_of(charged()))
    with pytest.raises(InvariantError, match="MONEY-3"):
        confirm.run(state_of(charge))  # type: ignore[arg-type]


def test_a_shop_s_recipe_is_made_once() -> None:
    shop = Desk().shop
    assert checkout(shop) is checkout(shop)
    assert checkout(Desk().shop) is not checkout(shop)


def test_shops_that_are_gone_are_forgotten() -> None:
    """Tests and tenants make many; what is made for one must not keep it for ever."""
    desk = Desk()
    checkout(desk.shop)
    ids = weakref.ref(desk.new_id)
    del desk
    for _ in range(10):
        checkout(Desk().shop)
    gc.collect()
    assert ids() is None


def test_what_is_intended_in_a_run_is_never_quiet_in_it() -> None:
    """Its quiet time counts from its own commit, which is later than the anchor of the run."""
    intent = RecordIntent(
        operation_id="charge/0/2",
        kind=OperationKind.CHARGE,
        attempt=2,
        provider="testbank",
        account="main",
        key="k",
        reference="r",
        amount=eur(1990),
        request="{}",
        token="",
        pay_by_seconds=900.0,
        resend_seconds=1.0,
        quiet_seconds=90.0,
    )
    later = apply(state_of(), (intent,)).operation("charge/0/2")
    assert (later.quiet_seconds, later.pay_by_seconds) == (float("inf"), 900.0)
