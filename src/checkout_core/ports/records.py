"""What a commit consists of: frozen records, and the answers a store gives (protocol sections 2 and 3).

A :class:`Transaction` is one atomic change of one saga. The core never holds a connection: it hands transactions over
and reads answers. Times are relative seconds; the store adds them to the *database's* statement clock (protocol 3.3).
Ids are UUIDv7 strings in canonical lower-case form. Texts hold no control characters. The order's id is its saga's id.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Literal, TypeAlias

from checkout_core.domain.money import Money
from checkout_core.domain.order import Attention, FailureReason, OrderDetails, OrderItem, OrderStatus
from checkout_core.domain.result import DeclineKind, Shortage


class Phase(StrEnum):
    """Where a saga stands for whoever claims due work."""

    RUNNING = "running"
    PARKED = "parked"
    WATCHING = "watching"
    """Closed, but a presumed outcome is still looked at until its window ends (protocol 3.4)."""
    DONE = "done"


class OperationKind(StrEnum):
    CHARGE = "charge"
    REFUND = "refund"


class OperationState(StrEnum):
    """What is known of one provider operation. Only :attr:`UNKNOWN` and before are open."""

    INTENDED = "intended"
    UNKNOWN = "unknown"
    PROCESSING = "processing"
    ACTION_REQUIRED = "action_required"
    SUCCEEDED = "succeeded"
    DECLINED = "declined"
    NOT_EXECUTED = "not_executed"
    PRESUMED_NOT_EXECUTED = "presumed_not_executed"
    """Not found after every in-flight request must have ended; watched, since a stopped process may still send."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenSaga:
    """Insert the saga. Only in a transaction with version 0."""

    definition: str
    definition_version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SaveSaga:
    """The saga's row after this commit, and its journal row. Exactly one per alternative of a transaction.

    ``entries`` is the journal row's JSON text, opaque to the store. ``lease_seconds``: the writer keeps the lease for
    that long from now, or gives it up (None). ``due_seconds``: when a worker shall claim the saga if nobody holds it
    then; None: never. While a lease is kept, ``due_seconds`` equals it. Where an observation is not merged when this is
    stored (it came after the writer had loaded), DONE becomes WATCHING and due at once. A store must see that even if
    the observation is appended at the same moment: by a count in the saga's own row, not by a query beside it.
    """

    phase: Phase
    entries: str
    lease_seconds: float | None
    due_seconds: float | None
    tries: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimKey:
    """Own (scope, key) for this order; unique for ever. Answers :class:`DuplicateKey` if another order has it."""

    scope: str
    key: str
    fingerprint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeGuard:
    """Own (scope, cart_id, revision) unless a live order does (:class:`GuardTaken`). An expired one is taken over."""

    scope: str
    cart_id: str
    revision: str
    owner: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FreeGuard:
    """Give the guard up, at once (0) or after a time, if this order owns it; nothing to free is no error."""

    scope: str
    cart_id: str
    revision: str
    after_seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenOrder:
    """Insert the order and its items. ``created_at`` is the database's clock."""

    scope: str
    user_id: str
    cart_id: str
    cart_revision: str
    total: Money
    status: OrderStatus
    items: tuple[OrderItem, ...]
    details: OrderDetails
    previous_order_id: str = ""
    reason: FailureReason | None = None
    reason_detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveOrder:
    """Set the order's status, reason and attention."""

    status: OrderStatus
    reason: FailureReason | None = None
    reason_detail: str = ""
    attention: Attention = Attention.NONE


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class StockLine:
    """``qty`` units of one item at one location; within one record each (item, location) occurs once, sorted."""

    item_id: str
    location: str
    qty: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReserveStock:
    """Take all lines or none (STOCK-4) and set the order's stock to held. Short: ``if_short`` is applied instead."""

    lines: tuple[StockLine, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitStock:
    """held -> committed. Touches no stock row. In any other state nothing happens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseStock:
    """held -> released, and the lines go back to available. In any other state nothing happens (STOCK-3)."""

    lines: tuple[StockLine, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordIntent:
    """A provider operation that is about to be sent (MONEY-5). ``operation_id`` is unique within the order.

    ``request`` is the canonical request as JSON, without the token. ``pay_by_seconds``, ``resend_seconds``: bounds
    from now. ``quiet_seconds``: from then on "not found" at the provider means "was not executed".
    """

    operation_id: str
    kind: OperationKind
    attempt: int
    provider: str
    account: str
    key: str
    reference: str
    amount: Money
    request: str
    token: str = field(repr=False)
    pay_by_seconds: float
    resend_seconds: float
    quiet_seconds: float
    leg: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordSend:
    """The operation is about to be sent again: "not found" means nothing for another ``quiet_seconds``."""

    operation_id: str
    quiet_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordOutcome:
    """What the provider is now known to have done.

    Every field but ``quiet_seconds`` replaces what was stored: the writer carries on what still holds.
    ``moved_minor`` is the amount that moved. ``quiet_seconds`` as in :class:`RecordSend`, None: unchanged.
    ``watch_seconds``: look again until then, None: no watch. ``erase_token``: the token is needed no more.
    """

    operation_id: str
    state: OperationState
    provider_reference: str = ""
    moved_minor: int = 0
    code: str = ""
    decline_kind: DeclineKind | None = None
    action_url: str = ""
    quiet_seconds: float | None = None
    watch_seconds: float | None = None
    erase_token: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeObservation:
    """The owner has taken this observation into account; it is not loaded again."""

    observation_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AppendEvent:
    """One outbox row; its ``aggregate_seq`` is the saga's version after this commit (EVENT-1)."""

    event_id: str
    type: str
    payload: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RaiseAlarm:
    """A row that operators see until they acknowledge it."""

    alarm_id: str
    kind: str
    detail: str


Record: TypeAlias = (
    OpenSaga
    | SaveSaga
    | ClaimKey
    | TakeGuard
    | FreeGuard
    | OpenOrder
    | MoveOrder
    | ReserveStock
    | CommitStock
    | ReleaseStock
    | RecordIntent
    | RecordSend
    | RecordOutcome
    | MergeObservation
    | AppendEvent
    | RaiseAlarm
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Transaction:
    """One atomic change of one saga.

    The fence is (``token``, ``version``) and nothing else (protocol 3.1): the writer's lease token, and the version
    that the saga has before this commit. An expired lease that nobody took still writes. ``version`` 0 opens the saga,
    whose version becomes 1 and whose lease is then held under ``token``.
    ``if_short``: applied instead of ``records`` when a :class:`ReserveStock` among them is short.
    ``commit_id`` is new for each transaction and the same for each repetition of it (protocol 2.8).
    """

    commit_id: str
    saga_id: str
    token: str
    version: int
    worker: str
    records: tuple[Record, ...]
    if_short: Sequence[Record] | None = None

    def claims(self) -> Iterator[tuple[str, ...]]:
        """What at most one member of a batch may touch: its saga, its key, its cart guard (protocol 2.2)."""
        yield ("saga", self.saga_id)
        for record in self.records:
            if isinstance(record, ClaimKey):
                yield ("key", record.scope, record.key)
            elif isinstance(record, TakeGuard | FreeGuard):
                yield ("guard", record.scope, record.cart_id, record.revision)


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """Stored. ``version`` is the saga's version now, ``at`` the database's time of it (UTC)."""

    version: int
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Short:
    """A reservation was short: the ``if_short`` alternative is stored."""

    version: int
    at: datetime
    lines: tuple[Shortage, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownItems:
    """The store has never heard of these (item, location). Nothing is stored."""

    items: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DuplicateKey:
    """The key belongs to another order. Nothing is stored."""

    order_id: str
    fingerprint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardTaken:
    """Another live order has the cart. Nothing is stored."""

    order_id: str
    owner: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionConflict:
    """Somebody else moved the saga. Nothing is stored, except: every :class:`RecordOutcome` of the transaction is kept
    as an observation (STATE-2), and a DONE saga that has just got one is WATCHING and due at once, so that a worker
    looks whether it contradicts how the saga ended."""


CommitAnswer: TypeAlias = Applied | Short | UnknownItems | DuplicateKey | GuardTaken | VersionConflict

Applies: TypeAlias = Literal["applied", "short"]
"""What a journal row remembers of its commit's answer, for a repetition after a lost COMMIT."""
