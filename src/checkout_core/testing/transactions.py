"""Transactions such as the checkout makes, for tests of stores."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from checkout_core.domain.buyer import Address, Contact
from checkout_core.domain.cart import Adjustment, AdjustmentKind
from checkout_core.domain.event import EventType
from checkout_core.domain.money import Money
from checkout_core.domain.order import Attention, FailureReason, OrderDetails, OrderItem, OrderStatus
from checkout_core.domain.result import DeclineKind
from checkout_core.ports.records import (
    AppendEvent,
    ClaimKey,
    CommitStock,
    FreeGuard,
    MoveOrder,
    OpenOrder,
    OpenSaga,
    OperationKind,
    OperationState,
    Phase,
    RaiseAlarm,
    Record,
    RecordIntent,
    RecordOutcome,
    RecordSend,
    ReleaseStock,
    ReserveStock,
    SaveSaga,
    StockLine,
    TakeGuard,
    Transaction,
)
from checkout_core.testing.names import alarm_of, event_of

LONG = 3000.0
"""A time that no test reaches, in seconds."""

CHARGE = "charge-1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Purchase:
    """What one saga buys. ``lines`` sorted by (item, location), each once; empty: stock lives elsewhere."""

    saga_id: str
    scope: str
    key: str
    fingerprint: str
    cart_id: str
    owner: str = "Zoë"
    lines: tuple[StockLine, ...] = ()

    @property
    def total(self) -> Money:
        return Money(minor=1000 * sum(line.qty for line in self.lines), currency="EUR")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fence:
    """Under which id, token and version a transaction is written."""

    commit_id: str
    token: str
    version: int = 0


class Ending(StrEnum):
    """What a worker may write next."""

    CONFIRM = "confirm"
    DECLINE = "decline"
    UNKNOWN = "unknown"
    """Keeps the lease."""
    RESEND = "resend"
    """Keeps a lease that has run out at once: anybody may claim the saga."""
    LET_GO = "let_go"
    PARK = "park"
    PRESUME = "presume"
    """Not executed in all likelihood: undone and watched."""
    LATE = "late"
    """The charge of an undone order succeeded after all: guard and stock are taken again, else it is given back.
    Only for an order without stock."""


def opening(purchase: Purchase, fence: Fence, *, lease_seconds: float = LONG) -> Transaction:
    """Commit 1 of the protocol; where stock is short the order opens as FAILED."""
    saga = OpenSaga(definition="checkout", definition_version=1)
    key = ClaimKey(scope=purchase.scope, key=purchase.key, fingerprint=purchase.fingerprint)
    save = SaveSaga(
        phase=Phase.RUNNING, entries='[{"did": "öpen"}]', lease_seconds=lease_seconds, due_seconds=lease_seconds
    )
    opened = (saga, key, _take_guard(purchase), _open_order(purchase, OrderStatus.PENDING))
    if not purchase.lines:
        return _transaction(purchase, fence, (*opened, _charge(purchase), save))
    failed = (
        saga,
        key,
        _open_order(purchase, OrderStatus.FAILED, FailureReason.OUT_OF_STOCK),
        _event(fence, EventType.ORDER_FAILED),
        _closed('["short"]'),
    )
    records = (*opened, ReserveStock(lines=purchase.lines), _charge(purchase), save)
    return _transaction(purchase, fence, records, failed)


def ending(purchase: Purchase, kind: Ending, fence: Fence) -> Transaction:
    """A later commit of a saga that :func:`opening` opened."""
    match kind:
        case Ending.CONFIRM:
            return _transaction(purchase, fence, _confirm(purchase, fence))
        case Ending.DECLINE:
            return _transaction(purchase, fence, _decline(purchase, fence))
        case Ending.UNKNOWN:
            return _transaction(purchase, fence, _UNKNOWN)
        case Ending.RESEND:
            return _transaction(purchase, fence, _RESEND)
        case Ending.LET_GO:
            return _transaction(purchase, fence, _LET_GO)
        case Ending.PARK:
            return _transaction(purchase, fence, _park(fence))
        case Ending.PRESUME:
            return _transaction(purchase, fence, _presume(purchase, fence))
        case Ending.LATE:
            return _late(purchase, fence)


def outcome(state: OperationState, *, operation_id: str = CHARGE, provider_reference: str = "ch_1") -> RecordOutcome:
    """What the provider has told about the charge."""
    return RecordOutcome(operation_id=operation_id, state=state, provider_reference=provider_reference)


def saving(phase: Phase = Phase.RUNNING, *, lease_seconds: float | None = LONG, due: float | None = LONG) -> SaveSaga:
    """The saga's row after a commit of no further interest."""
    return SaveSaga(phase=phase, entries="[]", lease_seconds=lease_seconds, due_seconds=due)


def of_saga(saga_id: str, fence: Fence, *records: Record) -> Transaction:
    """``records`` as one transaction without an alternative."""
    return Transaction(
        commit_id=fence.commit_id,
        saga_id=saga_id,
        token=fence.token,
        version=fence.version,
        worker="worker-1",
        records=records,
    )


def _confirm(purchase: Purchase, fence: Fence) -> tuple[Record, ...]:
    return (
        _paid(purchase),
        CommitStock(),
        MoveOrder(status=OrderStatus.CONFIRMED),
        _free_guard(purchase, after_seconds=LONG),
        _event(fence, EventType.ORDER_CONFIRMED),
        _closed('["confirmed"]'),
    )


def _decline(purchase: Purchase, fence: Fence) -> tuple[Record, ...]:
    declined = RecordOutcome(
        operation_id=CHARGE,
        state=OperationState.DECLINED,
        code="insufficient_funds",
        decline_kind=DeclineKind.SOFT,
        erase_token=True,
    )
    return (
        declined,
        ReleaseStock(lines=purchase.lines),
        MoveOrder(status=OrderStatus.FAILED, reason=FailureReason.PAYMENT_DECLINED, reason_detail="insufficient_funds"),
        _free_guard(purchase, after_seconds=0.0),
        _event(fence, EventType.ORDER_FAILED),
        _closed('["declined"]'),
    )


def _park(fence: Fence) -> tuple[Record, ...]:
    return (
        MoveOrder(status=OrderStatus.PENDING, attention=Attention.PARKED),
        RaiseAlarm(alarm_id=alarm_of(fence.commit_id), kind="unknown_charge", detail="older than a day"),
        SaveSaga(phase=Phase.PARKED, entries='["parked"]', lease_seconds=None, due_seconds=None),
    )


def _presume(purchase: Purchase, fence: Fence) -> tuple[Record, ...]:
    presumed = RecordOutcome(operation_id=CHARGE, state=OperationState.PRESUMED_NOT_EXECUTED, watch_seconds=2000.0)
    return (
        presumed,
        ReleaseStock(lines=purchase.lines),
        MoveOrder(status=OrderStatus.FAILED, reason=FailureReason.PAYMENT_NOT_SENT),
        _free_guard(purchase, after_seconds=0.0),
        _event(fence, EventType.ORDER_FAILED),
        SaveSaga(phase=Phase.WATCHING, entries='["watching"]', lease_seconds=None, due_seconds=1000.0),
    )


_UNKNOWN: tuple[Record, ...] = (
    RecordOutcome(operation_id=CHARGE, state=OperationState.UNKNOWN, code="timeout", quiet_seconds=2000.0),
    SaveSaga(phase=Phase.RUNNING, entries='["?"]', lease_seconds=LONG, due_seconds=LONG, tries=1),
)
_RESEND: tuple[Record, ...] = (
    RecordSend(operation_id=CHARGE, quiet_seconds=LONG),
    SaveSaga(phase=Phase.RUNNING, entries='["!"]', lease_seconds=0.0, due_seconds=0.0, tries=2),
)
_LET_GO: tuple[Record, ...] = (
    SaveSaga(phase=Phase.RUNNING, entries="[]", lease_seconds=None, due_seconds=1000.0, tries=3),
)


def _late(purchase: Purchase, fence: Fence) -> Transaction:
    taken = (
        _paid(purchase),
        _take_guard(purchase),
        ReserveStock(lines=purchase.lines),
        CommitStock(),
        MoveOrder(status=OrderStatus.CONFIRMED),
        _event(fence, EventType.ORDER_CONFIRMED),
        _closed('["late"]'),
    )
    given_back = (
        _paid(purchase),
        _refund(purchase, fence),
        MoveOrder(status=OrderStatus.FAILED, reason=FailureReason.OUT_OF_STOCK, attention=Attention.UNDOING),
        _event(fence, EventType.ORDER_LATE_PAYMENT_RETURNED),
        saving(),
    )
    return _transaction(purchase, fence, taken, given_back)


def _transaction(
    purchase: Purchase, fence: Fence, records: tuple[Record, ...], if_short: tuple[Record, ...] | None = None
) -> Transaction:
    return Transaction(
        commit_id=fence.commit_id,
        saga_id=purchase.saga_id,
        token=fence.token,
        version=fence.version,
        worker="worker-1",
        records=records,
        if_short=if_short,
    )


def _open_order(purchase: Purchase, status: OrderStatus, reason: FailureReason | None = None) -> OpenOrder:
    return OpenOrder(
        scope=purchase.scope,
        user_id=purchase.owner,
        cart_id=purchase.cart_id,
        cart_revision="",
        total=purchase.total,
        status=status,
        items=_items(purchase),
        details=OrderDetails(
            adjustments=(Adjustment(kind=AdjustmentKind.TAX, amount=Money.zero("EUR"), label="0 %"),),
            contact=Contact(email="zoë@example.org", name='Zoë "Z" O\'Hara', locale="de-AT"),
            shipping_address=Address(country="AT", city="Wien", line1="Am Graben 1\\2"),
            return_url="https://shop.example/return?order=1",
        ),
        reason=reason,
    )


def _items(purchase: Purchase) -> tuple[OrderItem, ...]:
    # Order lines stay as given (protocol 5.3): several units are two lines of the order and one of the reservation.
    price = Money(minor=1000, currency="EUR")
    parts = [(line, qty) for line in purchase.lines for qty in (line.qty - 1, 1) if qty > 0]
    stocked = [OrderItem(item_id=line.item_id, qty=qty, price=price, location=line.location) for line, qty in parts]
    return tuple(stocked) or (OrderItem(item_id="made elsewhere", qty=1, price=Money.zero("EUR")),)


def _take_guard(purchase: Purchase) -> TakeGuard:
    return TakeGuard(scope=purchase.scope, cart_id=purchase.cart_id, revision="", owner=purchase.owner)


def _free_guard(purchase: Purchase, *, after_seconds: float) -> FreeGuard:
    return FreeGuard(scope=purchase.scope, cart_id=purchase.cart_id, revision="", after_seconds=after_seconds)


def _charge(purchase: Purchase) -> RecordIntent:
    return _intent(purchase, CHARGE, OperationKind.CHARGE)


def _refund(purchase: Purchase, fence: Fence) -> RecordIntent:
    return _intent(purchase, f"refund-{fence.version}", OperationKind.REFUND)


def _intent(purchase: Purchase, operation_id: str, kind: OperationKind) -> RecordIntent:
    return RecordIntent(
        operation_id=operation_id,
        kind=kind,
        attempt=1,
        provider="sandbox",
        account="acct_1",
        key=f"{purchase.saga_id}/{operation_id}",
        reference=f"{purchase.saga_id}/1",
        amount=purchase.total,
        request='{"version": 1, "note": "é\\n"}',
        token="tok_1",  # noqa: S106 - nobody's
        pay_by_seconds=1000.0,
        resend_seconds=5000.0,
        quiet_seconds=4000.0,
    )


def _paid(purchase: Purchase) -> RecordOutcome:
    return RecordOutcome(
        operation_id=CHARGE,
        state=OperationState.SUCCEEDED,
        provider_reference="ch_1",
        moved_minor=purchase.total.minor,
        erase_token=True,
    )


def _event(fence: Fence, kind: EventType) -> AppendEvent:
    return AppendEvent(event_id=event_of(fence.commit_id), type=kind, payload='{"order": "ö"}')


def _closed(entries: str) -> SaveSaga:
    return SaveSaga(phase=Phase.DONE, entries=entries, lease_seconds=None, due_seconds=None)
