"""What the properties look at: the store's files, the bank's ledger and the history."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

from checkout_core.adapters.sandbox import BankPolicy, LedgerEntry
from checkout_core.domain.order import Attention, Order, OrderStatus
from checkout_core.domain.request import CheckoutRequest
from checkout_core.ports.records import OperationKind, OperationState, Phase
from checkout_core.ports.store import Alarm, Operation, OutboxEvent, SagaFile, StockBalance
from checkout_core.saga.journal import Entry, Moved, decode
from checkout_core.settings import Settings
from checkout_core.testing.simulator.history import History


class PropertyViolatedError(AssertionError):
    """A promise of the library does not hold. ``property_id`` is its id in the list of properties."""

    def __init__(self, property_id: str, found: str) -> None:
        self.property_id = property_id
        self.found = found
        super().__init__(f"{property_id}: {found}")

    def __reduce__(self) -> tuple[type[PropertyViolatedError], tuple[str, str]]:
        """It travels from a worker process."""
        return type(self), (self.property_id, self.found)


Property: TypeAlias = "Callable[[View], Iterator[str]]"
"""Yields what was found wrong, in words."""


@dataclass(slots=True, kw_only=True)
class Seen:
    """One saga as last loaded. ``entries`` is its whole journal, decoded."""

    file: SagaFile
    entries: tuple[tuple[int, Entry], ...]
    outbox: tuple[OutboxEvent, ...]
    balance_at_confirmation: int | None = None
    """What the bank had charged less refunded for the order when it was confirmed."""
    terms: tuple[object, ...] = ()
    """The order's terms when it was first seen."""
    request: CheckoutRequest | None = None
    """The request with these terms."""

    @property
    def order(self) -> Order:
        assert self.file.order is not None, "a saga was stored without an order"
        return self.file.order

    @property
    def is_parked(self) -> bool:
        return self.file.saga.phase is Phase.PARKED

    @property
    def moves(self) -> list[Moved]:
        return [entry for _, entry in self.entries if isinstance(entry, Moved)]

    def moved(self, kind: OperationKind) -> int:
        """Minor units that our books say have moved."""
        done = (op for op in self.file.operations if op.kind is kind and op.state is OperationState.SUCCEEDED)
        return sum(op.moved_minor for op in done)


@dataclass(slots=True, kw_only=True)
class View:
    """``alarms`` by order. ``ledger`` is the bank's."""

    settings: Settings
    policy: BankPolicy
    received: dict[str, int]
    history: History
    sagas: dict[str, Seen] = field(default_factory=dict[str, Seen])
    balances: tuple[StockBalance, ...] = ()
    ledger: tuple[LedgerEntry, ...] = ()
    alarms: tuple[Alarm, ...] = ()
    now: float = 0.0

    @property
    def undisturbed(self) -> bool:
        """Nothing went wrong, the warehouse kept still, and the bank approves whatever it is asked."""
        tokens = [r.payment_method.token for r in self.history.requests if r.payment_method is not None]
        approved = all(token.startswith("tok_approve") for token in tokens)
        return approved and not self.history.adjusted and not any(each.mishap for each in self.history.happenings)

    def see(self, file: SagaFile, outbox: tuple[OutboxEvent, ...]) -> Seen:
        """Take over a saga as it stands now."""
        known = self.sagas.get(file.saga.saga_id)
        entries = known.entries if known is not None else ()
        fresh = file.journal[len({version for version, _ in entries}) :] if known is not None else file.journal
        entries = (*entries, *((row.version, entry) for row in fresh for entry in decode([row])))
        if known is None:
            known = self.sagas[file.saga.saga_id] = Seen(file=file, entries=entries, outbox=outbox)
            known.terms = terms_of(known.order)
        known.file, known.entries, known.outbox = file, entries, outbox
        return known

    def ledger_of(self, seen: Seen, kind: str) -> int:
        """Minor units that the bank says have moved for this order."""
        references = {op.reference for op in seen.file.operations}
        return sum(e.amount.minor for e in self.ledger if e.kind == kind and e.reference in references)

    def balance_of(self, seen: Seen) -> int:
        """Charged less refunded at the bank."""
        return self.ledger_of(seen, "charge") - self.ledger_of(seen, "refund")

    def is_handed_over(self, seen: Seen) -> bool:
        """Parked, under review, and with an alarm: a human has it."""
        alarmed = any(alarm.order_id == seen.file.saga.saga_id for alarm in self.alarms)
        return seen.is_parked and seen.order.attention is not Attention.NONE and alarmed

    def request_of(self, seen: Seen) -> CheckoutRequest | None:
        """The first request with the order's key and terms."""
        if seen.request is None:
            owner = (seen.file.scope, seen.file.key)
            mine = (each for each in self.history.requests if (each.scope, each.idempotency_key) == owner)
            seen.request = next((each for each in mine if terms_of_request(each) == seen.terms), None)
        return seen.request


def terms_of(order: Order) -> tuple[object, ...]:
    """What nothing may change once the order is accepted (ORDER-4)."""
    lines = tuple((item.item_id, item.location, item.qty, item.price) for item in order.items)
    return (order.cart_id, order.cart_revision, lines, order.details.adjustments, order.total, order.user_id)


def terms_of_request(request: CheckoutRequest) -> tuple[object, ...]:
    cart = request.priced_cart
    lines = tuple((line.item_id, line.location, line.qty, line.price) for line in cart.lines)
    return (cart.cart_id, cart.revision, lines, cart.adjustments, cart.payable, request.user_id)


def operation_with(view: View, key: str) -> tuple[Seen, Operation] | None:
    """The stored operation that bears this provider key."""
    for seen in view.sagas.values():
        for operation in seen.file.operations:
            if operation.key == key:
                return seen, operation
    return None


def is_kept(seen: Seen) -> bool:
    """Whether the order stands as sold."""
    return seen.order.status in (OrderStatus.CONFIRMED, OrderStatus.PARTIALLY_REFUNDED)
