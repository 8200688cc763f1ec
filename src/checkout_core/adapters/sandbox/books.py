"""The bank's books: its operations as they stand, and the append-only ledger of money that has moved."""

from __future__ import annotations

from dataclasses import dataclass, field
from heapq import heappop, heappush
from typing import Literal, TypeAlias

from checkout_core.domain.money import Money
from checkout_core.ports.payment import ChargeRequest, Declined, PaymentAnswer, Processing, RefundRequest, Succeeded

EntryKind: TypeAlias = Literal["charge", "refund"]
MoneyRequest: TypeAlias = ChargeRequest | RefundRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerEntry:
    """Money that has moved. ``entry_id`` counts from 1; ``at`` is the bank's clock in seconds.

    ``charge_reference`` is, for a refund, the ``provider_reference`` of the charge that it gives back.
    """

    entry_id: int
    kind: EntryKind
    key: str
    reference: str
    provider_reference: str
    amount: Money
    at: float
    charge_reference: str = ""


@dataclass(slots=True, kw_only=True)
class Operation:
    """One charge or refund as the bank has it, whether or not money has moved."""

    kind: EntryKind
    key: str
    reference: str
    provider_reference: str
    amount: Money
    created_at: float
    state: PaymentAnswer
    charge_reference: str = ""
    refund_token: str = field(default="", repr=False)
    approve_later: bool = True
    lookups_left: int | None = None

    @property
    def is_open(self) -> bool:
        return not isinstance(self.state, Succeeded | Declined)


class Books:
    """Operations and ledger. Not thread-safe: the bank holds its lock."""

    def __init__(self) -> None:
        self.ledger: list[LedgerEntry] = []
        self._operations: dict[str, Operation] = {}
        self._by_reference: dict[tuple[EntryKind, str], list[Operation]] = {}
        self._by_key: dict[str, list[Operation]] = {}
        self._refunds: dict[str, list[Operation]] = {}
        self._timed: list[tuple[float, str]] = []

    def open(self, request: MoneyRequest, now: float) -> Operation:
        """Enter an operation that is not decided yet."""
        kind: EntryKind = "charge" if isinstance(request, ChargeRequest) else "refund"
        provider_reference = f"sandbox_{kind}_{len(self._operations) + 1:06d}"
        operation = Operation(
            kind=kind,
            key=request.key,
            reference=request.reference,
            provider_reference=provider_reference,
            amount=request.amount,
            created_at=now,
            state=Processing(provider_reference=provider_reference),
            charge_reference="" if isinstance(request, ChargeRequest) else request.provider_reference,
        )
        self._operations[provider_reference] = operation
        self._by_reference.setdefault((kind, request.reference), []).append(operation)
        self._by_key.setdefault(request.key, []).append(operation)
        if operation.charge_reference:
            self._refunds.setdefault(operation.charge_reference, []).append(operation)
        return operation

    def succeed(self, operation: Operation, amount: Money, now: float) -> LedgerEntry:
        """Move ``amount``."""
        operation.state = Succeeded(provider_reference=operation.provider_reference, amount=amount)
        entry = LedgerEntry(
            entry_id=len(self.ledger) + 1,
            kind=operation.kind,
            key=operation.key,
            reference=operation.reference,
            provider_reference=operation.provider_reference,
            amount=amount,
            at=now,
            charge_reference=operation.charge_reference,
        )
        self.ledger.append(entry)
        return entry

    def decline(self, operation: Operation, answer: Declined) -> None:
        operation.state = answer

    def defer(self, operation: Operation, *, approve: bool, lookups: int | None, at: float | None) -> None:
        """Leave the decision to the lookup with that number, or to :meth:`settle`."""
        operation.approve_later, operation.lookups_left = approve, lookups
        if at is not None:
            heappush(self._timed, (at, operation.provider_reference))

    def settle(self, now: float) -> None:
        """Decide every operation whose time has come, in the order of those times."""
        while self._timed and self._timed[0][0] <= now:
            at, reference = heappop(self._timed)
            operation = self._operations[reference]
            if operation.is_open:
                self.decide(operation, at)

    def looked_up(self, operation: Operation, now: float) -> None:
        """Count a lookup towards the decision."""
        if operation.is_open and operation.lookups_left is not None:
            operation.lookups_left -= 1
            if operation.lookups_left <= 0:
                self.decide(operation, now)

    def decide(self, operation: Operation, now: float) -> None:
        if operation.approve_later:
            self.succeed(operation, operation.amount, now)
        else:
            reference = operation.provider_reference
            self.decline(operation, Declined(code="declined_after_review", provider_reference=reference))

    def find(self, provider_reference: str) -> Operation | None:
        return self._operations.get(provider_reference)

    def with_reference(self, kind: EntryKind, reference: str) -> list[Operation]:
        return self._by_reference.get((kind, reference), [])

    def with_key(self, key: str) -> list[Operation]:
        return self._by_key.get(key, [])

    def remaining_minor(self, charge: Operation) -> int:
        """What may still be given back; refunds that are not decided count as given (MONEY-1)."""
        if not isinstance(charge.state, Succeeded):
            return 0
        refunds = self._refunds.get(charge.provider_reference, [])
        given = sum(each.amount.minor for each in refunds if not isinstance(each.state, Declined))
        return charge.state.amount.minor - given
