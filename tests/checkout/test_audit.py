"""The auditor: for each rule a store that breaks it, and none that is clean is accused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from checkout_core.checkout.audit import Audited, AuditReport, LedgerEntry, audit
from checkout_core.checkout.plan import provider_reference
from checkout_core.domain.order import Attention, Order, OrderStatus, StockState
from checkout_core.ports.payment import Declined, NotFound
from checkout_core.ports.records import OperationState, Phase, RecordOutcome
from checkout_core.ports.store import Observation, SagaFile, StockBalance
from checkout_core.saga.effects import KeyMismatch, OutcomeUnknown
from checkout_core.saga.journal import Moved, decode, encode
from tests.checkout.desk import LOOKUP_ONLY, Desk, eur, request


def sold() -> Audited:
    """A confirmed order."""
    desk = Desk()
    desk.buy(request(revision="1"))
    return audited(desk)


def failed() -> Audited:
    """An order whose payment was declined."""
    desk = Desk()
    desk.answers["charge"] = [Declined(code="no")]
    desk.buy()
    return audited(desk)


def returned() -> Audited:
    """An order whose late payment was given back."""
    desk = Desk(LOOKUP_ONLY)
    desk.answers |= {"charge": [OutcomeUnknown()], "lookup": [NotFound()]}
    desk.buy()
    desk.wait(200.0)
    desk.store.inventory.set_available("shirt", 0)
    desk.answers["lookup"] = [lambda call: desk.moved_for(call, 1990)]
    desk.wait(400.0)
    return audited(desk)


def audited(desk: Desk) -> Audited:
    file = desk.file()
    return Audited(file=file, events=desk.store.outbox_of(file.saga.saga_id))


def order_of(each: Audited) -> Order:
    assert each.file.order is not None
    return each.file.order


def with_order(each: Audited, **changes: object) -> Audited:
    return replace(each, file=replace(each.file, order=replace(order_of(each), **changes)))


def with_operation(each: Audited, number: int, **changes: object) -> Audited:
    operations = list(each.file.operations)
    operations[number] = replace(operations[number], **changes)
    return replace(each, file=replace(each.file, operations=tuple(operations)))


def with_saga(each: Audited, **changes: object) -> Audited:
    return replace(each, file=replace(each.file, saga=replace(each.file.saga, **changes)))


def without_moves(each: Audited) -> Audited:
    """The journal tells of no transition after the first."""
    rows = list(each.file.journal)
    for number, row in enumerate(rows[1:], 1):
        kept = [entry for entry in decode([row]) if not isinstance(entry, Moved)]
        rows[number] = replace(row, entries=encode(kept))
    return replace(each, file=replace(each.file, journal=tuple(rows)))


def with_move(each: Audited, old: str, new: str) -> Audited:
    """The journal tells of another transition."""
    last = each.file.journal[-1]
    changed = replace(last, entries=last.entries.replace(f'"{old}"', f'"{new}"'))
    return replace(each, file=replace(each.file, journal=(*each.file.journal[:-1], changed)))


def told(report: AuditReport) -> list[str]:
    return [finding.property_id for finding in report.findings]


BALANCED = StockBalance(item_id="shirt", location="", available=9, received=10, held=0, committed=1)


@pytest.mark.parametrize("story", [sold, failed, returned])
def test_what_is_as_it_should_be_is_clean(story: Callable[[], Audited]) -> None:
    report = audit([story()], [BALANCED], None)
    assert (told(report), report.clean) == ([], True)
    assert (report.orders, report.items, report.unfinished, report.parked) == (1, 1, 0, 0)


BROKEN: dict[str, tuple[Callable[[], Audited], list[str]]] = {
    "the total is not the sum of the lines": (
        lambda: with_order(sold(), total=eur(1989)),
        ["ORDER-4", "MONEY-1", "ORDER-4"],
    ),
    "another amount was asked for": (lambda: with_operation(sold(), 0, amount=eur(1989)), ["ORDER-4"]),
    "more was charged than the total": (lambda: with_operation(sold(), 0, moved_minor=1991), ["MONEY-1"]),
    "more was given back than charged": (
        lambda: with_operation(returned(), 1, moved_minor=1991),
        ["MONEY-1", "MONEY-4"],
    ),
    "a refund is under way beyond what was charged": (
        lambda: with_operation(with_operation(returned(), 0, moved_minor=1989), 1, state=OperationState.UNKNOWN),
        ["MONEY-1", "MONEY-4"],
    ),
    "a journal row is missing": (
        lambda: replace(sold(), file=replace(sold().file, journal=sold().file.journal[1:])),
        ["STATE-3", "STATE-1"],
    ),
    "the journal ends elsewhere": (lambda: without_moves(sold()), ["STATE-3", "EVENT-1"]),
    "a move that the table does not know": (lambda: with_move(sold(), "paid", "expired"), ["STATE-1", "EVENT-1"]),
    "a move of a kind that nobody knows": (lambda: with_move(sold(), "paid", "flown"), ["STATE-1", "EVENT-1"]),
    "a move to a status that the table does not know": (
        lambda: with_order(with_move(sold(), "CONFIRMED", "REFUNDED"), status=OrderStatus.REFUNDED),
        ["STATE-1", "EVENT-1"],
    ),
    "the order moved without the journal": (
        lambda: with_order(sold(), status=OrderStatus.PARTIALLY_REFUNDED),
        ["STATE-3"],
    ),
    "an event is missing": (lambda: replace(sold(), events=()), ["EVENT-1"]),
    "an event is there twice": (lambda: replace(sold(), events=sold().events * 2), ["EVENT-1"]),
    "an event has another number": (
        lambda: replace(sold(), events=(replace(sold().events[0], aggregate_seq=1),)),
        ["EVENT-1"],
    ),
    "an event has another type": (
        lambda: replace(sold(), events=(replace(sold().events[0], type="order.failed.v1"),)),
        ["EVENT-1"],
    ),
    "sold without its money": (lambda: with_operation(sold(), 0, state=OperationState.UNKNOWN), ["MONEY-3"]),
    "sold for less": (lambda: with_operation(sold(), 0, moved_minor=1989), ["MONEY-3"]),
    "sold, and the stock only held": (lambda: with_order(sold(), stock=StockState.HELD), ["STOCK-3"]),
    "failed, and the money kept": (
        lambda: with_operation(failed(), 0, state=OperationState.SUCCEEDED, moved_minor=1990),
        ["MONEY-4"],
    ),
    "failed, and the stock still held": (lambda: with_order(failed(), stock=StockState.HELD), ["STOCK-3"]),
    "failed, and the stock committed": (lambda: with_order(failed(), stock=StockState.COMMITTED), ["STOCK-3"]),
}


@pytest.mark.parametrize(("broken", "findings"), BROKEN.values(), ids=BROKEN)
def test_what_is_broken_is_found(broken: Callable[[], Audited], findings: list[str]) -> None:
    each = broken()
    report = audit([each], [BALANCED], None)
    assert told(report) == findings
    assert not report.clean
    assert {finding.subject for finding in report.findings} == {order_of(each).order_id}


def unfinished(**changes: object) -> Audited:
    desk = Desk()
    desk.buy(crash_after=0)
    return with_saga(audited(desk), **changes) if changes else audited(desk)


def test_an_order_under_way_is_not_at_rest() -> None:
    report = audit([unfinished()], [BALANCED], None)
    assert (told(report), report.unfinished) == ([], 1)


def test_an_open_order_that_nobody_will_look_at_again_is_found() -> None:
    report = audit([unfinished(phase=Phase.DONE)], [BALANCED], None)
    assert told(report) == ["LIVE-1"]


def parked() -> Audited:
    desk = Desk()
    desk.answers["charge"] = [lambda call: replace(desk.moved(call), amount=eur(5000))]
    desk.buy()
    return audited(desk)


def test_too_much_that_was_given_back_is_no_finding() -> None:
    each = with_operation(with_operation(returned(), 0, moved_minor=5000), 1, moved_minor=5000)
    assert told(audit([each], [BALANCED], None)) == []


def test_an_order_that_waits_for_an_operator_is_counted_and_may_have_charged_too_much() -> None:
    report = audit([parked()], [BALANCED], None)
    assert (told(report), report.parked) == ([], 1)
    unattended = with_order(parked(), attention=Attention.NONE)
    assert told(audit([unattended], [BALANCED], None)) == ["MONEY-1"]


def test_an_order_that_is_watched_is_counted() -> None:
    desk = Desk(LOOKUP_ONLY)
    desk.answers |= {"charge": [OutcomeUnknown()], "lookup": [NotFound()]}
    desk.buy()
    desk.wait(200.0)
    report = audit([audited(desk)], [BALANCED], None)
    assert (told(report), report.watched) == ([], 1)


def renamed(each: Audited, order_id: str) -> Audited:
    return with_saga(with_order(each, order_id=order_id), saga_id=order_id)


def test_two_orders_of_one_key_are_found() -> None:
    report = audit([failed(), renamed(failed(), "other")], [BALANCED], None)
    assert [(each.property_id, each.subject) for each in report.findings] == [("ORDER-1", "/key-1")]


def test_two_live_orders_of_one_cart_revision_are_found() -> None:
    other = renamed(sold(), "other")
    other = replace(other, file=replace(other.file, key="key-2"))
    report = audit([sold(), other], [BALANCED], None)
    assert [(each.property_id, each.subject) for each in report.findings] == [("ORDER-3", "/cart of key-1/1")]
    ended = with_order(other, cart_revision="2")
    assert told(audit([sold(), ended], [BALANCED], None)) == []


@pytest.mark.parametrize(
    "broken",
    [
        replace(BALANCED, available=-1, received=0),
        replace(BALANCED, available=10),
        replace(BALANCED, received=9),
        replace(BALANCED, held=1),
        replace(BALANCED, committed=0),
    ],
)
def test_stock_that_does_not_add_up_is_found(broken: StockBalance) -> None:
    report = audit([], [BALANCED, broken, replace(broken, location="north")], None)
    assert [(each.property_id, each.subject) for each in report.findings] == [
        ("STOCK-1", "shirt"),
        ("STOCK-1", "shirt@north"),
    ]
    assert report.items == 3


def test_an_observation_that_nobody_will_merge_is_found() -> None:
    """A finished saga is never loaded again: what a worker was told must not lie there unread."""
    desk = Desk()

    def sleep(call: object) -> object:
        desk.answers["charge"] = []
        desk.clock.now += 61.0
        desk.recover()
        return KeyMismatch()

    desk.answers["charge"] = [sleep]
    desk.buy()
    seen = audited(desk)
    unread = replace(
        seen,
        file=replace(seen.file, observations=observations_of(seen), saga=replace(seen.file.saga, phase=Phase.DONE)),
    )
    assert told(audit([unread], [BALANCED], None)) == ["MONEY-4"]
    assert told(audit([with_saga(unread, phase=Phase.WATCHING)], [BALANCED], None)) == []


def observations_of(each: Audited) -> tuple[Observation, ...]:
    outcome = RecordOutcome(
        operation_id=each.file.operations[0].operation_id, state=OperationState.SUCCEEDED, moved_minor=1990
    )
    return (Observation(observation_id="o", outcome=outcome),)


# --- the provider's own books ----------------------------------------------------------------------------------------


def booked(file: SagaFile, number: int = 0, **changes: object) -> LedgerEntry:
    """The provider's entry for our operation with this number."""
    operation = file.operations[number]
    entry = LedgerEntry(
        kind=operation.kind,
        reference=operation.reference,
        key=operation.key,
        minor=operation.moved_minor,
        currency="EUR",
    )
    return replace(entry, **changes)


def test_books_that_agree_are_clean() -> None:
    for each in (sold(), returned()):
        ledger = [booked(each.file, number) for number in range(len(each.file.operations))]
        report = audit([each], [BALANCED], ledger)
        assert (told(report), report.ledger_entries) == ([], len(ledger))
    assert told(audit([failed()], [BALANCED], [])) == []


BOOKS: dict[str, tuple[Callable[[], Audited], Callable[[SagaFile], list[LedgerEntry]], list[str]]] = {
    "charged twice": (sold, lambda file: [booked(file)] * 2, ["MONEY-2", "MONEY-2"]),
    "never charged": (sold, lambda _: [], ["MONEY-2"]),
    "charged another amount": (sold, lambda file: [booked(file, minor=1989)], ["MONEY-2"]),
    "charged in another currency": (sold, lambda file: [booked(file, currency="JPY")], ["MONEY-2"]),
    "charged though it failed": (failed, lambda file: [booked(file, minor=1990)], ["MONEY-2"]),
    "never given back": (returned, lambda file: [booked(file)], ["MONEY-2"]),
    "charged under another key": (sold, lambda file: [booked(file, key="another")], ["MONEY-2"]),
    "a refund stands where a charge should": (sold, lambda file: [booked(file, kind="refund")], ["MONEY-2"]),
}


@pytest.mark.parametrize(("story", "ledger", "findings"), BOOKS.values(), ids=BOOKS)
def test_books_that_differ_are_found(
    story: Callable[[], Audited], ledger: Callable[[SagaFile], list[LedgerEntry]], findings: list[str]
) -> None:
    each = story()
    assert told(audit([each], [BALANCED], ledger(each.file))) == findings


def test_money_that_bears_our_reference_and_belongs_to_no_order_is_found() -> None:
    stranger = LedgerEntry(
        kind="charge", reference=provider_reference("lost", "charge/0/1"), key="k", minor=5, currency="EUR"
    )
    report = audit([sold()], [BALANCED], [booked(sold().file), stranger])
    assert [(each.property_id, each.subject) for each in report.findings] == [("MONEY-4", stranger.reference)]


def test_money_that_is_not_ours_is_none_of_our_business() -> None:
    theirs = LedgerEntry(kind="charge", reference="another shop's", key="k", minor=5, currency="EUR")
    assert told(audit([sold()], [BALANCED], [booked(sold().file), theirs])) == []


def test_books_are_not_compared_for_what_is_still_under_way() -> None:
    each = unfinished()
    assert told(audit([each], [BALANCED], [booked(each.file, minor=1990)])) == []
