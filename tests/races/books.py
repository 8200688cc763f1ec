"""What must hold when a race is over: the auditor's view, and an independent one of charges and stock."""

from __future__ import annotations

from collections import Counter

from checkout_core import LedgerEntry, Order, OrderStatus
from checkout_core.adapters.sandbox import LedgerEntry as BankEntry
from checkout_core.adapters.sandbox import SandboxBank
from checkout_core.drivers.auditing import audit_store, every_file
from checkout_core.ports.store import Store

SOLD = (OrderStatus.CONFIRMED, OrderStatus.PARTIALLY_REFUNDED)


def assert_settled(store: Store, bank: SandboxBank, stocked: dict[str, int]) -> list[Order]:
    """Every order is at rest, the audit against the bank's ledger is clean, no unit and no cent is lost.

    ``stocked``: the units that each item began with. The answer is every order of the store.
    """
    report = audit_store(store, [audited(entry) for entry in bank.ledger()])
    assert report.findings == []
    assert (report.unfinished, report.parked, report.watched) == (0, 0, 0)
    orders = [file.order for file in every_file(store) if file.order is not None]
    assert {order.status for order in orders} <= {OrderStatus.CONFIRMED, OrderStatus.FAILED}
    assert units_by_item(store) == stocked
    sold: Counter[str] = Counter()
    for line in (line for order in orders if order.status in SOLD for line in order.items):
        sold[line.item_id] += line.qty
    left = {item: store.inventory.available(item) for item in stocked}
    assert left == {item: units - sold[item] for item, units in stocked.items()}
    assert charges(bank) == {order.order_id: 1 for order in orders if order.status in SOLD}
    return orders


def units_by_item(store: Store) -> dict[str, int]:
    """All units of each item, wherever they are."""
    return {each.item_id: each.available + each.held + each.committed for each in store.stock_balances()}


def charges(bank: SandboxBank) -> Counter[str]:
    """How often the bank took money for each order."""
    return Counter(order_of(entry) for entry in bank.ledger())


def order_of(entry: BankEntry) -> str:
    """The order of which an entry's reference speaks: co_ORDER_OPERATION."""
    return entry.reference.split("_")[1]


def audited(entry: BankEntry) -> LedgerEntry:
    """The bank's entry as the auditor takes it."""
    return LedgerEntry(
        kind=entry.kind,
        reference=entry.reference,
        key=entry.key,
        minor=entry.amount.minor,
        currency=entry.amount.currency,
    )
