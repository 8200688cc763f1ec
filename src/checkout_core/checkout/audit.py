"""The auditor: checks the promises on a live store, and against the provider's own ledger.

Pure: it reads files, balances and ledger entries that it is given. A finding names the property that is broken. What
holds only at rest is not checked for sagas that are still running.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from checkout_core.checkout.plan import REFERENCE_PREFIX
from checkout_core.checkout.transitions import TABLE
from checkout_core.domain.order import Attention, Order, OrderStatus, StockState
from checkout_core.ports.records import OperationKind, OperationState, Phase
from checkout_core.ports.store import OutboxEvent, SagaFile, StockBalance
from checkout_core.saga.journal import Moved, Resumed, Settled, Verdict, read_row

_SOLD = (OrderStatus.CONFIRMED, OrderStatus.PARTIALLY_REFUNDED)
_ARROWS = {(str(source or ""), str(row.on), str(row.target or source)): row for row in TABLE for source in row.sources}


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerEntry:
    """One movement in the provider's own books. ``kind`` is charge or refund; ``reference`` is ours."""

    kind: str
    reference: str
    key: str
    minor: int
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """``property_id`` as in the guarantees; ``subject`` an order id, an item or a reference."""

    property_id: str
    subject: str
    text: str


@dataclass(slots=True, kw_only=True)
class AuditReport:
    """``clean`` when nothing is broken. ``unfinished`` orders are not at rest; ``parked`` ones wait for an operator."""

    orders: int = 0
    unfinished: int = 0
    parked: int = 0
    watched: int = 0
    items: int = 0
    ledger_entries: int = 0
    findings: list[Finding] = field(default_factory=list[Finding])

    @property
    def clean(self) -> bool:
        return not self.findings


@dataclass(frozen=True, slots=True, kw_only=True)
class Audited:
    """One order with its events in the outbox."""

    file: SagaFile
    events: tuple[OutboxEvent, ...]


def audit(
    orders: Iterable[Audited], balances: Iterable[StockBalance], ledger: Sequence[LedgerEntry] | None = None
) -> AuditReport:
    """Check everything. ``ledger`` None: the provider's books are not compared."""
    report = AuditReport()
    books = _Books(ledger) if ledger is not None else None
    keys: Counter[tuple[str, str]] = Counter()
    live: Counter[tuple[str, str, str]] = Counter()
    for each in orders:
        file, order = each.file, each.file.order
        if order is None:
            continue
        report.orders += 1
        report.unfinished += file.saga.phase is Phase.RUNNING
        report.parked += file.saga.phase is Phase.PARKED
        report.watched += file.saga.phase is Phase.WATCHING
        keys[file.scope, file.key] += 1
        if order.cart_revision and order.status.is_live:
            live[order.scope, order.cart_id, order.cart_revision] += 1
        for rule, text in _order_rules(file, order, each.events):
            report.findings.append(Finding(property_id=rule, subject=order.order_id, text=text))
        if books is not None:
            for rule, text in books.compare(file):
                report.findings.append(Finding(property_id=rule, subject=order.order_id, text=text))
    _twice(report, "ORDER-1", keys, "idempotency key with several orders")
    _twice(report, "ORDER-3", live, "cart revision with several live orders")
    _stock(report, balances)
    if books is not None:
        report.ledger_entries = books.entries
        for entry in books.strangers():
            text = f"{entry.kind} of {entry.minor} {entry.currency} bears our reference but no order knows it"
            report.findings.append(Finding(property_id="MONEY-4", subject=entry.reference, text=text))
    return report


def _order_rules(file: SagaFile, order: Order, events: tuple[OutboxEvent, ...]) -> Iterator[tuple[str, str]]:
    yield from _amounts(file, order)
    yield from _history(file, order, events)
    if file.saga.phase in (Phase.DONE, Phase.WATCHING):
        yield from _at_rest(file, order)


def _amounts(file: SagaFile, order: Order) -> Iterator[tuple[str, str]]:
    due = sum(item.price.minor * item.qty for item in order.items)
    due += sum(each.signed_minor for each in order.details.adjustments)
    if due != order.total.minor:
        yield "ORDER-4", f"lines and adjustments make {due}, the total is {order.total.minor}"
    captured, refunded = _moved(file)
    pending = sum(op.amount.minor for op in file.operations if _is_pending_refund(op.kind, op.state))
    too_much = captured > order.total.minor and captured != refunded and not _is_parked(file)
    if too_much or not 0 <= refunded + pending <= captured:
        yield (
            "MONEY-1",
            f"captured {captured}, refunded {refunded}, refunds under way {pending}, total {order.total.minor}",
        )
    for op in file.operations:
        if op.kind is OperationKind.CHARGE and op.amount != order.total:
            yield "ORDER-4", f"{op.operation_id} asked for {op.amount}, the total is {order.total}"


def _history(file: SagaFile, order: Order, events: tuple[OutboxEvent, ...]) -> Iterator[tuple[str, str]]:
    versions = [row.version for row in file.journal]
    if versions != list(range(1, file.saga.version + 1)):
        yield "STATE-3", f"the journal has versions {versions}, the saga is at {file.saga.version}"
    moves = list[tuple[int, Moved]]()
    for row in file.journal:
        entries = read_row(row)
        if entries is None:
            yield "STATE-3", f"commit {row.version} of the journal cannot be read by this version"
            return
        moves += [(row.version, entry) for entry in entries if isinstance(entry, Moved)]
    yield from _moves(moves, order, events)


def _moves(
    moves: Sequence[tuple[int, Moved]], order: Order, events: tuple[OutboxEvent, ...]
) -> Iterator[tuple[str, str]]:
    status, expected = "", list[tuple[int, str]]()
    for version, move in moves:
        if move.source != status:
            yield "STATE-1", f"moved from {move.source or '(new)'} while it was {status or '(new)'}"
        arrow = _ARROWS.get((move.source, move.on, move.target))
        if arrow is None:
            yield "STATE-1", f"moved {move.source or '(new)'} -> {move.target} on {move.on}: not in the table"
        elif arrow.event is not None:
            expected.append((version, arrow.event))
        status = move.target
    if status != order.status:
        yield "STATE-3", f"the journal ends at {status}, the order is {order.status}"
    found = sorted((each.aggregate_seq, each.type) for each in events)
    if found != sorted(expected):
        yield "EVENT-1", f"the outbox has {found}, the transitions make {sorted(expected)}"


def _at_rest(file: SagaFile, order: Order) -> Iterator[tuple[str, str]]:
    captured, refunded = _moved(file)
    if order.status in _SOLD:
        if captured < order.total.minor:
            yield "MONEY-3", f"{order.status} with {captured} of {order.total.minor} captured"
        if order.stock is not StockState.COMMITTED:
            yield "STOCK-3", f"{order.status} with stock {order.stock}"
    if order.status in (OrderStatus.FAILED, OrderStatus.CANCELLED):
        if captured != refunded:
            yield "MONEY-4", f"{order.status} with {captured} captured and {refunded} given back"
        if order.stock not in (StockState.RELEASED, StockState.NONE):
            yield "STOCK-3", f"{order.status} with stock {order.stock}"
    if order.status.is_open:
        yield "LIVE-1", f"{order.status} although nothing is left to do"
    if file.saga.phase is Phase.DONE and file.observations:
        yield "MONEY-4", f"{len(file.observations)} answers of the provider were stored and nobody will read them"


def _stock(report: AuditReport, balances: Iterable[StockBalance]) -> None:
    for each in balances:
        report.items += 1
        if each.available < 0 or each.received != each.available + each.held + each.committed:
            text = f"received {each.received}, available {each.available}, held {each.held}, committed {each.committed}"
            subject = f"{each.item_id}@{each.location}" if each.location else each.item_id
            report.findings.append(Finding(property_id="STOCK-1", subject=subject, text=text))


def _twice(
    report: AuditReport, rule: str, counted: Counter[tuple[str, str]] | Counter[tuple[str, str, str]], text: str
) -> None:
    for subject, count in counted.items():
        if count > 1:
            report.findings.append(Finding(property_id=rule, subject="/".join(subject), text=text))


def _moved(file: SagaFile) -> tuple[int, int]:
    """(captured, refunded) by our own records."""
    done = [op for op in file.operations if op.state is OperationState.SUCCEEDED]
    captured = sum(op.moved_minor for op in done if op.kind is OperationKind.CHARGE)
    return captured, sum(op.moved_minor for op in done if op.kind is OperationKind.REFUND)


def _is_pending_refund(kind: OperationKind, state: OperationState) -> bool:
    open_states = (OperationState.INTENDED, OperationState.UNKNOWN, OperationState.PROCESSING)
    return kind is OperationKind.REFUND and state in open_states


def _is_parked(file: SagaFile) -> bool:
    return file.order is not None and file.order.attention in (Attention.PARKED, Attention.UNDER_REVIEW)


def _refunds_by_hand(file: SagaFile) -> set[str]:
    """The refunds that an operator has said to be made: settled in the very commit that took up the operator's note."""
    found = set[str]()
    for row in file.journal:
        entries = read_row(row) or ()
        if any(isinstance(entry, Resumed) for entry in entries):
            settled = (entry for entry in entries if isinstance(entry, Settled))
            found |= {each.operation_id for each in settled if (each.direction, each.verdict) == ("undo", Verdict.DONE)}
    return found


class _Books:
    """The provider's ledger, by our reference."""

    def __init__(self, ledger: Sequence[LedgerEntry]) -> None:
        self.entries = len(ledger)
        self._by_reference: dict[str, list[LedgerEntry]] = {}
        for entry in ledger:
            if entry.reference.startswith(REFERENCE_PREFIX):
                self._by_reference.setdefault(entry.reference, []).append(entry)

    def compare(self, file: SagaFile) -> Iterator[tuple[str, str]]:
        """What the provider booked for this order against what we recorded (MONEY-2, MONEY-4).

        For a refund that stands on an operator's word alone the provider may have less under our reference, since the
        money can have gone another way (a transfer, the provider's own pages); never more, and never twice.
        """
        by_hand = _refunds_by_hand(file)
        for op in file.operations:
            booked = self._by_reference.pop(op.reference, [])
            for entry in booked:
                if (entry.kind, entry.key, entry.currency) != (op.kind, op.key, op.amount.currency):
                    yield "MONEY-2", f"{op.operation_id}: booked as a {entry.kind} in {entry.currency}, key {entry.key}"
            if len(booked) > 1:
                yield "MONEY-2", f"{op.operation_id} took effect {len(booked)} times at the provider"
            at_rest = file.saga.phase is Phase.DONE or op.state is OperationState.SUCCEEDED
            moved = sum(entry.minor for entry in booked)
            ours = op.moved_minor if op.state is OperationState.SUCCEEDED else 0
            went_elsewhere = moved < ours and op.operation_id in by_hand
            if at_rest and moved != ours and not went_elsewhere:
                yield "MONEY-2", f"{op.operation_id}: the provider moved {moved}, we recorded {ours}"

    def strangers(self) -> Iterator[LedgerEntry]:
        """What is left: entries that bear our reference and belong to no operation of ours."""
        for entries in self._by_reference.values():
            yield from entries
