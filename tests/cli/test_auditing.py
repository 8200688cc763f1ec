"""The auditor on a shop that is selling: what falls between two reads is no finding, what is wrong stays one."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from checkout_core.checkout.audit import LedgerEntry
from checkout_core.drivers import auditing
from checkout_core.drivers.auditing import audit_store
from checkout_core.ports.store import OutboxEvent
from tests.cli.shops import Shop


def _ledger(shop: Shop) -> list[LedgerEntry]:
    return [
        LedgerEntry(
            kind=each.kind,
            reference=each.reference,
            key=each.key,
            minor=each.amount.minor,
            currency=each.amount.currency,
        )
        for each in shop.bank.ledger()
    ]


def _once(act: Callable[[], object]) -> Callable[[], None]:
    acts = [act]

    def run() -> None:
        if acts:
            acts.pop()()

    return run


def test_a_sale_between_the_ledger_and_the_orders_is_no_finding(shop: Shop) -> None:
    shop.buy("1")
    sell = _once(lambda: shop.buy("2"))

    def read() -> list[LedgerEntry]:
        entries = _ledger(shop)
        sell()
        return entries

    report = audit_store(shop.store, read)
    assert (report.orders, report.ledger_entries, report.findings) == (2, 2, [])


def test_a_shop_that_sells_during_each_look_has_no_findings(shop: Shop) -> None:
    keys = iter("123456789")

    def read() -> list[LedgerEntry]:
        entries = _ledger(shop)
        shop.buy(next(keys))
        return entries

    report = audit_store(shop.store, read)
    assert (report.orders, report.findings) == (2, [])


def test_an_event_that_came_after_its_order_was_read_is_no_finding(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    order_id = shop.buy("1").order_id
    outbox_of = shop.store.outbox_of

    def with_a_later_event(saga_id: str) -> tuple[OutboxEvent, ...]:
        (event,) = outbox_of(saga_id)
        later = OutboxEvent(
            event_id="later",
            aggregatetype=event.aggregatetype,
            aggregateid=order_id,
            type="order.refunded.v1",
            payload="{}",
            aggregate_seq=event.aggregate_seq + 1,
        )
        return event, later

    monkeypatch.setattr(shop.store, "outbox_of", with_a_later_event)
    assert audit_store(shop.store).clean


def test_an_event_that_no_transition_made_is_one(shop: Shop) -> None:
    order_id = shop.buy("1").order_id
    shop.tamper("UPDATE checkout_outbox SET type = 'order.failed.v1'")
    found = audit_store(shop.store).findings
    assert [(each.property_id, each.subject) for each in found] == [("EVENT-1", order_id)]


def test_what_is_wrong_at_each_look_is_found_once(shop: Shop) -> None:
    shop.buy("1")
    looks: list[int] = []

    def read() -> list[LedgerEntry]:
        looks.append(len(looks))
        return []

    found = audit_store(shop.store, read).findings
    assert [each.property_id for each in found] == ["MONEY-2"]
    assert len(looks) == 2


def test_a_clean_shop_is_looked_at_once(shop: Shop) -> None:
    shop.buy("1")
    told: list[int] = []
    assert audit_store(shop.store, _ledger(shop), told.append).clean
    assert told == [1]


def test_stock_that_does_not_add_up_is_found(shop: Shop) -> None:
    shop.tamper("UPDATE checkout_stock SET available_qty = available_qty + 1 WHERE item_id = 'MUG'")
    found = audit_store(shop.store).findings
    assert [(each.property_id, each.subject) for each in found] == [("STOCK-1", "MUG")]


def test_pages_are_read_to_the_end(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auditing, "PAGE", 2)
    for key in "12345":
        shop.buy(key)
    assert audit_store(shop.store, _ledger(shop)).orders == 5
