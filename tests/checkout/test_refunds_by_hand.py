"""Refunds that an operator makes, or makes up, by hand: what is accepted, and what the auditor says of it (MONEY-4).

The rule: a refund that stands on an operator's word counts in our books as made. The provider's ledger may show less of
it under our reference, since the money can have gone another way; never more, and never twice.
"""

from __future__ import annotations

import pytest

from checkout_core.checkout.audit import LedgerEntry
from checkout_core.checkout.operator import compensate, force, retry
from checkout_core.domain.order import OrderStatus
from checkout_core.errors import TransitionRefusedError
from checkout_core.ports.payment import Declined, Succeeded
from checkout_core.ports.records import OperationKind, Phase
from checkout_core.saga.effects import KeyMismatch
from tests.checkout.desk import Desk, eur


def refunded_with(answer: object) -> Desk:
    """An order that was charged one cent too little, is being undone, and whose refund got this answer."""
    desk = Desk()
    desk.answers |= {"charge": [Succeeded(provider_reference="p1", amount=eur(1989))], "refund": [answer]}
    desk.buy()
    desk.driver.run(compensate(desk.shop, desk.file().saga.saga_id, "one cent short"))
    assert desk.file().saga.phase is Phase.PARKED
    return desk


def too_small() -> Desk:
    """The bank gave 1000 of 1989 back."""
    return refunded_with(Succeeded(provider_reference="r1", amount=eur(1000)))


def refused() -> Desk:
    return refunded_with(Declined(code="closed account"))


def by_hand(desk: Desk) -> None:
    desk.driver.run(force(desk.shop, desk.file().saga.saga_id, "refunded", "transfer 7", "sent by hand"))
    assert desk.order.status is OrderStatus.CANCELLED
    assert desk.moved_in_books() == (1989, 1989)


def ledger(desk: Desk, *refunds: int) -> list[LedgerEntry]:
    """The provider's books: the charge, and refunds of these amounts under the reference of the last refund."""
    charge, *_, refund = desk.file().operations
    assert (charge.kind, refund.kind) == (OperationKind.CHARGE, OperationKind.REFUND)
    entries = [(charge, 1989), *((refund, minor) for minor in refunds)]
    return [
        LedgerEntry(kind=op.kind.value, reference=op.reference, key=op.key, minor=minor, currency="EUR")
        for op, minor in entries
    ]


def found(desk: Desk, *refunds: int) -> list[str]:
    assert desk.audit().clean, "our own books agree with each other"
    return [each.property_id for each in desk.audit(ledger(desk, *refunds)).findings]


def test_a_refused_refund_made_by_hand_is_no_finding_whether_or_not_the_bank_shows_it() -> None:
    desk = refused()
    by_hand(desk)
    assert found(desk) == []
    assert found(desk, 1989) == []


def test_a_refund_made_up_by_hand_is_no_finding() -> None:
    desk = too_small()
    by_hand(desk)
    assert found(desk, 1000) == []
    assert len(desk.sent("refund")) == 1


@pytest.mark.parametrize("booked", [(1989, 1989), (1000, 989), (2000,)])
def test_by_hand_and_twice_at_the_bank_is_found(booked: tuple[int, ...]) -> None:
    desk = refused()
    by_hand(desk)
    assert set(found(desk, *booked)) == {"MONEY-2"}


def test_retry_never_ends_an_order_that_got_back_less_than_it_paid() -> None:
    """MONEY-4: it would be CANCELLED for good with 989 of the buyer's money."""
    desk = too_small()
    with pytest.raises(TransitionRefusedError, match="less was given back"):
        desk.driver.run(retry(desk.shop, desk.file().saga.saga_id, "never mind"))
    assert desk.file().saga.phase is Phase.PARKED
    assert desk.moved_in_books() == (1989, 1000)


def test_a_refund_of_too_much_ends_the_order_and_stays_a_finding() -> None:
    """MONEY-1: nothing that an operator says brings the shop's money back."""
    desk = refunded_with(Succeeded(provider_reference="r1", amount=eur(2500)))
    desk.driver.run(retry(desk.shop, desk.file().saga.saga_id, "noted"))
    desk.wait(10.0)
    assert desk.order.status is OrderStatus.CANCELLED
    assert {each.property_id for each in desk.audit().findings} == {"MONEY-1", "MONEY-4"}


def test_a_retry_after_a_hand_made_refund_is_a_second_refund_and_found_where_the_bank_shows_it() -> None:
    """Whoever has given the money back by hand must say so: a retry asks the bank once more, with a key of its own."""
    desk = refused()
    desk.answers["refund"] = []
    desk.driver.run(retry(desk.shop, desk.file().saga.saga_id, "try again"))
    desk.wait(10.0)
    first, second = [op for op in desk.file().operations if op.kind is OperationKind.REFUND]
    books = ledger(desk, 1989)
    assert desk.audit(books).clean
    twice = LedgerEntry(kind="refund", reference=first.reference, key=first.key, minor=1989, currency="EUR")
    assert [each.property_id for each in desk.audit([*books, twice]).findings] == ["MONEY-2"]
    assert second.key != first.key


def test_a_refund_by_the_provider_s_own_word_must_be_in_its_books() -> None:
    """MONEY-2: what only an operator may explain is not explained for everybody."""
    desk = refused()
    desk.answers["refund"] = []
    desk.driver.run(retry(desk.shop, desk.file().saga.saga_id, "there is money now"))
    desk.wait(10.0)
    assert found(desk) == ["MONEY-2"]


def test_an_unknown_refund_that_was_seen_is_no_finding() -> None:
    desk = refunded_with(KeyMismatch())
    by_hand(desk)
    assert found(desk, 1989) == []
