"""Versions: an order is only ever run by the version of the checkout that opened it (protocol 3.6)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from checkout_core.checkout.definitions import definition_of, newest
from checkout_core.checkout.execute import Call, execute
from checkout_core.checkout.operator import retry
from checkout_core.checkout.recipe import checkout
from checkout_core.checkout.recovery import LEFT_ALONE_SECONDS, RecoveredSaga, recover_one
from checkout_core.checkout.shop import Recipe, Shop
from checkout_core.domain.order import OrderStatus
from checkout_core.domain.result import Confirmed, Pending
from checkout_core.errors import ConfigurationError, TransitionRefusedError
from checkout_core.ports.payment import NotFound, Succeeded
from checkout_core.saga.effects import KeyMismatch, OutcomeUnknown
from checkout_core.saga.journal import Stepped, decode
from tests.checkout.desk import LOOKUP_ONLY, Desk, eur, request
from tests.checkout.versions import GREETING, NEW, OLD, friendlier_checkout

PAID = Succeeded(provider_reference="p1", amount=eur(1990))
LOST = OutcomeUnknown("timeout")


class Deploying(Desk):
    """A store at which processes of two versions work."""

    def process(self, recipes: tuple[Recipe, ...]) -> Shop:
        return replace(self.shop, recipes=recipes)

    def bought_at(self, recipes: tuple[Recipe, ...]) -> Any:
        return self.driver.run(execute(self.process(recipes), Call(request())))

    def recovered_by(self, recipes: tuple[Recipe, ...]) -> RecoveredSaga:
        self.clock.now += max(self.file().saga.due_in_seconds or 0.0, 0.0)
        token, asked_at = self.new_id(), self.clock.now
        (due,) = self.store.claim_due(token=token, lease_seconds=60.0, limit=10)
        recovered: RecoveredSaga = self.driver.run(recover_one(self.process(recipes), due, token, asked_at))
        return recovered

    def steps(self) -> list[str]:
        return [entry.step for entry in decode(self.file().journal) if isinstance(entry, Stepped)]


def unknown_at(recipes: tuple[Recipe, ...], **answers: list[Any]) -> Deploying:
    """An order that a process with ``recipes`` opened, and whose charge got no answer."""
    desk = Deploying(LOOKUP_ONLY)
    desk.answers |= {"charge": [LOST], "lookup": [LOST], **answers}
    assert isinstance(desk.bought_at(recipes), Pending)
    return desk


def test_a_new_order_is_opened_by_the_newest_version() -> None:
    desk = Deploying()
    assert isinstance(desk.bought_at(NEW), Confirmed)
    assert desk.file().saga.definition_version == 2
    assert desk.steps()[:2] == ["open_order", GREETING]


def test_an_order_under_way_is_finished_by_the_version_that_opened_it() -> None:
    """A step that stands before finished ones in the new version is not run in an old order (LIVE-1)."""
    desk = unknown_at(OLD)
    desk.answers["lookup"] = [PAID]
    assert desk.recovered_by(NEW).outcome == "finished"
    assert desk.order.status is OrderStatus.CONFIRMED
    assert GREETING not in desk.steps()
    assert desk.file().saga.definition_version == 1


def test_a_process_without_the_version_leaves_the_order_alone_and_says_so() -> None:
    desk = unknown_at(NEW)
    desk.answers["lookup"] = [PAID]
    before = desk.file().journal
    recovered = desk.recovered_by(OLD)
    assert (recovered.outcome, recovered.detail) == ("left_alone", "this process does not know checkout version 2")
    assert desk.file().journal == before
    assert desk.file().saga.due_in_seconds == LEFT_ALONE_SECONDS
    assert desk.recovered_by(NEW).outcome == "finished"
    assert desk.order.status is OrderStatus.CONFIRMED


def test_a_caller_in_an_old_process_is_told_of_the_order_and_does_not_touch_it() -> None:
    desk = unknown_at(NEW)
    desk.clock.now += 70.0
    before = desk.file().journal
    assert isinstance(desk.bought_at(OLD), Pending)
    assert desk.file().journal == before


def test_an_operator_in_an_old_process_cannot_act_on_a_new_order() -> None:
    desk = Deploying()
    desk.answers["charge"] = [KeyMismatch()]
    desk.bought_at(NEW)
    desk.answers["lookup"] = [NotFound()]
    with pytest.raises(TransitionRefusedError, match="does not know checkout version 2"):
        desk.driver.run(retry(desk.process(OLD), desk.file().saga.saga_id, "note"))
    desk.driver.run(retry(desk.process(NEW), desk.file().saga.saga_id, "note"))


def test_the_first_recipe_opens_and_all_are_known() -> None:
    shop = replace(Desk().shop, recipes=NEW)
    assert newest(shop) is friendlier_checkout(shop)
    row = unknown_at(OLD).file().saga
    assert definition_of(shop, row) is checkout(shop)
    assert definition_of(shop, replace(row, definition_version=3)) is None
    assert definition_of(shop, replace(row, definition="trip")) is None


def test_two_recipes_of_one_version_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="expected one checkout of version 1"):
        newest(replace(Desk().shop, recipes=(checkout, lambda shop: replace(checkout(shop)))))
