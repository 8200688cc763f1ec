"""The store port: everything durable. For authors of another store; hosts use ``SqlStore``.

Contract (each clause is proved by ``checkout_core.testing.contracts.store``; the memory adapter is the executable
specification):

1. ``commit(batch)`` is observationally equal to applying its members one at a time in order, each atomic (STATE-5).
   Within a member: key, then guard, then stock are decided, in this order; a refusal stores nothing of the member.
   Unknown items win over a shortage.
2. A member whose fence does not match answers :class:`VersionConflict` and changes nothing, except that its outcomes
   are appended as observations (STATE-2).
3. Repeating a member with the same ``commit_id`` changes nothing and gives the first answer again (protocol 2.8).
   A saga that moved on under another's commit_id is a :class:`VersionConflict`.
4. When ``commit`` raises ``StorageUnavailableError(applied="no")`` nothing of the batch is stored; with ``"unknown"``
   each member is stored whole or not at all.
5. All times are the database's. Loads give *remaining* seconds, negative when past.
6. ``claim_due`` hands a saga to at most one caller per lease; a live lease is never stolen.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from checkout_core.domain.money import Money
from checkout_core.domain.order import Order
from checkout_core.domain.result import DeclineKind
from checkout_core.errors import CheckoutError
from checkout_core.ports.outbox import Outbox
from checkout_core.ports.records import CommitAnswer, OperationKind, OperationState, Phase, RecordOutcome, Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class SagaRow:
    """``due_in_seconds`` None: never due. ``lease_seconds``: what remains of somebody's lease, <= 0: free."""

    saga_id: str
    definition: str
    definition_version: int
    version: int
    phase: Phase
    tries: int
    due_in_seconds: float | None
    lease_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalRow:
    """One commit of the saga: ``entries`` is the JSON text that the core wrote."""

    version: int
    commit_id: str
    at: datetime
    worker: str
    entries: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """A provider operation as stored. The four ``..._seconds`` are what remains at loading; ``age_seconds`` counts from
    the intent. ``watch_seconds`` None: no watch.
    """

    operation_id: str
    kind: OperationKind
    leg: int
    attempt: int
    provider: str
    account: str
    key: str
    reference: str
    amount: Money
    request: str
    token: str
    state: OperationState
    provider_reference: str
    moved_minor: int
    code: str
    decline_kind: DeclineKind | None
    action_url: str
    age_seconds: float
    pay_by_seconds: float
    resend_seconds: float
    quiet_seconds: float
    watch_seconds: float | None

    def __repr__(self) -> str:
        return f"Operation({self.operation_id!r}, {self.state}, {self.amount})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """What a fenced-out worker was told by the provider and could not write itself."""

    observation_id: str
    outcome: RecordOutcome


@dataclass(frozen=True, slots=True, kw_only=True)
class SagaFile:
    """Everything about one saga, read in one snapshot. ``order.payments`` is empty: the core derives it."""

    saga: SagaRow
    journal: tuple[JournalRow, ...]
    order: Order | None
    operations: tuple[Operation, ...]
    observations: tuple[Observation, ...]
    scope: str = ""
    key: str = ""
    fingerprint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StockBalance:
    """One item at one location. STOCK-1: ``received == available + held + committed`` and ``available >= 0``."""

    item_id: str
    location: str
    available: int
    received: int
    held: int
    committed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxEvent:
    """An event as it stands in the outbox (Debezium's names, protocol 6.1)."""

    event_id: str
    aggregatetype: str
    aggregateid: str
    type: str
    payload: str
    aggregate_seq: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    alarm_id: str
    kind: str
    order_id: str
    detail: str
    raised_at: datetime


class StockLedger(Protocol):
    """Stock that lives in the store, as the shop's warehouse software sees it."""

    def set_available(
        self, item_id: str, free_qty: int, *, location: str = "", adjustment_id: str | None = None
    ) -> None:
        """Make ``free_qty`` units available beyond what is held: one ledger entry under the row lock (protocol 7.5)."""
        ...

    def adjust(self, item_id: str, delta: int, *, location: str = "", adjustment_id: str | None = None) -> None:
        """Add (negative: take away) units. Refused with :class:`InvalidRequestError` if available would go below 0."""
        ...

    def available(self, item_id: str, *, location: str = "") -> int | None:
        """Units that can be sold now; None for an unknown item."""
        ...


class Store(Protocol):
    """A database as the saga sees it: synchronous, called from the committer's and the readers' threads."""

    @property
    def inventory(self) -> StockLedger: ...

    @property
    def outbox(self) -> Outbox:
        """How events leave the store: see :mod:`checkout_core.ports.outbox`."""
        ...

    @property
    def commits_inline(self) -> bool:
        """Commit each transaction alone, in its caller's thread, instead of together with others in a committer's.

        For hosts whose connection belongs to the caller (row-level security by session), and for small scripts.
        """
        return False

    def commit(self, batch: Sequence[Transaction]) -> Sequence[CommitAnswer | CheckoutError]:
        """Apply the members; one answer per member, by position. A store splits a batch with overlapping claims.

        A member that failed alone has its error in its position: :class:`InvariantError` where it can never be stored,
        :class:`StorageUnavailableError` where the database failed after other members were stored.
        """
        ...

    def load(self, saga_id: str) -> SagaFile | None: ...
    def find(self, scope: str, key: str) -> SagaFile | None: ...

    def claim_due(self, *, token: str, lease_seconds: float, limit: int) -> tuple[str, ...]:
        """Lease up to ``limit`` sagas that are due and not leased, oldest due first; each under ``token``."""
        ...

    def claim_one(self, saga_id: str, *, token: str, lease_seconds: float) -> bool:
        """Lease this saga under ``token`` if it is not done and nobody's lease is live."""
        ...

    def put_back(self, saga_id: str, *, token: str, due_seconds: float, tries: int | None = None) -> None:
        """Give the lease up and make the saga due again; its version and its journal stay as they are.

        ``tries``: what the saga's row shall remember of it; None: as before. Nothing happens under another token.
        """
        ...

    def files_after(self, saga_id: str, *, limit: int) -> tuple[SagaFile, ...]:
        """The next files in order of saga id, for auditors and lists; '' starts."""
        ...

    def parked(self, *, limit: int = 100) -> tuple[str, ...]:
        """Ids of sagas that wait for an operator, in order."""
        ...

    def stock_balances(self) -> Iterator[StockBalance]:
        """Every item, in one snapshot, in order of (item, location)."""
        ...

    def outbox_of(self, order_id: str) -> tuple[OutboxEvent, ...]: ...
    def alarms(self, *, limit: int = 100) -> tuple[Alarm, ...]: ...
    def acknowledge_alarm(self, alarm_id: str) -> None: ...
    def close(self) -> None: ...
