"""What the memory store keeps: frozen rows in tables, and drafts of them that are kept whole or dropped whole.

Times are seconds of the store's clock.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import TypeAlias, TypeVar

from checkout_core.domain.event import Event
from checkout_core.domain.order import Order, StockState
from checkout_core.ports.records import Applied, ClaimKey, Phase, RecordIntent, RecordOutcome, Short, StockLine
from checkout_core.ports.store import Alarm, JournalRow, Observation, OutboxEvent

K = TypeVar("K")
V = TypeVar("V")


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredCommit:
    """A journal row, and the answer that a repetition of its commit is given."""

    row: JournalRow
    answer: Applied | Short


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredOperation:
    """A provider operation: its intent and what is known of it. ``outcome`` None: nothing yet."""

    intent: RecordIntent
    intended_at: float
    quiet_at: float
    token: str
    outcome: RecordOutcome | None = None
    watch_until: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredObservation:
    """Kept after it was merged, so that a late repetition of its commit does not bring it back."""

    observation: Observation
    merged: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredSaga:
    """One saga with everything that belongs to it alone. ``token`` None: nobody may write before a claim."""

    saga_id: str
    definition: str
    definition_version: int
    version: int = 0
    phase: Phase = Phase.RUNNING
    tries: int = 0
    token: str | None = None
    leased_until: float | None = None
    due_at: float | None = None
    key: ClaimKey | None = None
    order: Order | None = None
    stock: StockState = StockState.NONE
    reserved: tuple[StockLine, ...] = ()
    journal: tuple[StoredCommit, ...] = ()
    operations: Mapping[str, StoredOperation] = field(default_factory=dict[str, StoredOperation])
    observations: Mapping[str, StoredObservation] = field(default_factory=dict[str, StoredObservation])
    events: tuple[OutboxEvent, ...] = ()

    def is_leased(self, now: float) -> bool:
        return self.leased_until is not None and self.leased_until > now


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredDelivery:
    """An event that one sink has not acknowledged. ``due_at`` None: a dead letter, since ``died_at``."""

    event: Event
    due_at: float | None
    token: str = ""
    tries: int = 0
    error: str = ""
    died_at: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyOwner:
    """The one order of a (scope, key), for ever (ORDER-1)."""

    order_id: str
    fingerprint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """The order that has a cart (ORDER-3). ``until`` None: until it is given up."""

    order_id: str
    owner: str
    until: float | None = None

    def is_live(self, now: float) -> bool:
        return self.until is None or self.until > now


@dataclass(frozen=True, slots=True, kw_only=True)
class Stock:
    """``received`` is the sum of the ledger's entries. What is held and committed stands with the orders (STOCK-1)."""

    available: int = 0
    received: int = 0

    def entered(self, delta: int) -> Stock:
        return Stock(available=self.available + delta, received=self.received + delta)


StockKey: TypeAlias = tuple[str, str]
GuardKey: TypeAlias = tuple[str, str, str]
DeliveryKey: TypeAlias = tuple[str, str, int]
"""(sink, order id, sequence)"""


@dataclass(slots=True, kw_only=True)
class Tables:
    """Everything durable. Rows are never deleted by a commit, so a draft is a layer of newer rows over the old ones."""

    sagas: MutableMapping[str, StoredSaga] = field(default_factory=dict[str, StoredSaga])
    keys: MutableMapping[tuple[str, str], KeyOwner] = field(default_factory=dict[tuple[str, str], KeyOwner])
    guards: MutableMapping[GuardKey, Guard] = field(default_factory=dict[GuardKey, Guard])
    stock: MutableMapping[StockKey, Stock] = field(default_factory=dict[StockKey, Stock])
    alarms: MutableMapping[str, Alarm] = field(default_factory=dict[str, Alarm])
    sinks: set[str] = field(default_factory=set[str])
    deliveries: MutableMapping[DeliveryKey, StoredDelivery] = field(default_factory=dict[DeliveryKey, StoredDelivery])

    def draft(self) -> Tables:
        """A view of these tables whose changes stay its own until :meth:`keep`."""
        return Tables(
            sagas=ChainMap({}, self.sagas),
            keys=ChainMap({}, self.keys),
            guards=ChainMap({}, self.guards),
            stock=ChainMap({}, self.stock),
            alarms=ChainMap({}, self.alarms),
            sinks=self.sinks,
            deliveries=ChainMap({}, self.deliveries),
        )

    def keep(self, draft: Tables) -> None:
        """Take over what ``draft`` changed."""
        self.sagas.update(_changes(draft.sagas))
        self.keys.update(_changes(draft.keys))
        self.guards.update(_changes(draft.guards))
        self.stock.update(_changes(draft.stock))
        self.alarms.update(_changes(draft.alarms))
        self.deliveries.update(_changes(draft.deliveries))


def _changes(table: MutableMapping[K, V]) -> Mapping[K, V]:
    return table.maps[0] if isinstance(table, ChainMap) else table
