"""What a batch may change: each group is one kind of change to one table, written for many rows at once.

A group is declared once; a dialect turns it into one stable statement over a list of rows ``x``. In conditions and
assignments ``t`` is the table, ``x`` a given row and ``{now}`` the statement's clock.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TypeAlias

Cell: TypeAlias = str | int | float | None
Row: TypeAlias = tuple[Cell, ...]


class Kind(Enum):
    ID = auto()
    """A UUID in canonical lower-case form."""
    TEXT = auto()
    INT = auto()
    AFTER = auto()
    """Given as seconds from now, stored as an instant; None: no instant."""


@dataclass(frozen=True, slots=True)
class Column:
    """``most``: characters that a bounded text may have; 0: unbounded."""

    name: str
    kind: Kind
    most: int = 0


def ids(*names: str) -> tuple[Column, ...]:
    return tuple(Column(name, Kind.ID, 64) for name in names)


def words(most: int, *names: str) -> tuple[Column, ...]:
    return tuple(Column(name, Kind.TEXT, most) for name in names)


def texts(*names: str) -> tuple[Column, ...]:
    return tuple(Column(name, Kind.TEXT) for name in names)


def ints(*names: str) -> tuple[Column, ...]:
    return tuple(Column(name, Kind.INT) for name in names)


def afters(*names: str) -> tuple[Column, ...]:
    return tuple(Column(name, Kind.AFTER) for name in names)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Insert:
    """``stamped`` columns get the clock. ``keep``: a row whose key exists is left out instead of failing.

    ``keep_unless``: with ``keep``, an existing row of which this holds is overwritten instead.
    """

    table: str
    columns: tuple[Column, ...]
    stamped: tuple[str, ...] = ()
    key: tuple[str, ...] = ()
    keep: bool = False
    keep_unless: str = ""

    @property
    def name(self) -> str:
        return self.table


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Update:
    name: str
    table: str
    columns: tuple[Column, ...]
    where: str
    assign: dict[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Delete:
    name: str
    table: str
    columns: tuple[Column, ...]
    where: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Select:
    """Reads ``fetch`` of the rows that exist. ``locked``: they stay locked until the end, in the order given."""

    name: str
    table: str
    columns: tuple[Column, ...]
    where: str
    fetch: tuple[str, ...]
    locked: bool = False


Group: TypeAlias = Insert | Update | Delete
Statement: TypeAlias = Insert | Update | Delete | Select

PLACE = words(128, "item_id") + words(64, "location")
GUARD = words(64, "scope") + words(128, "cart_id", "revision")
EXPIRED = "t.expires_at <= {now}"

KEYS = Insert(
    table="keys",
    columns=words(64, "scope") + words(255, "idempotency_key") + ids("order_id") + words(255, "fingerprint"),
    key=("scope", "idempotency_key"),
    keep=True,
)
GUARDS = Insert(
    table="guards",
    columns=GUARD + ids("order_id") + words(255, "owner") + afters("expires_at"),
    key=("scope", "cart_id", "revision"),
    keep=True,
    keep_unless=EXPIRED,
)
SAGAS = Insert(
    table="sagas",
    columns=ids("saga_id")
    + words(128, "definition")
    + ints("definition_version", "version", "tries")
    + words(16, "phase", "stock")
    + words(64, "token")
    + afters("lease_until", "due_at"),
)
ORDERS = Insert(
    table="orders",
    columns=ids("order_id")
    + words(64, "scope")
    + words(128, "user_id", "cart_id", "cart_revision")
    + ints("total_minor")
    + words(3, "currency")
    + words(32, "status", "reason", "attention")
    + texts("reason_detail", "details")
    + words(64, "previous_order_id"),
    stamped=("created_at", "updated_at"),
)
ORDER_ITEMS = Insert(
    table="order_items",
    columns=ids("order_id") + ints("position") + PLACE + ints("qty", "price_minor"),
)
OPERATIONS = Insert(
    table="operations",
    columns=ids("saga_id")
    + words(128, "operation_id")
    + ints("position")
    + words(16, "kind")
    + ints("leg", "attempt")
    + words(128, "provider", "account")
    + words(255, "idempotency_key", "reference")
    + ints("amount_minor")
    + words(3, "currency")
    + texts("request", "token")
    + words(32, "state")
    + words(255, "provider_reference")
    + ints("moved_minor")
    + words(255, "code")
    + words(16, "decline_kind")
    + texts("action_url")
    + afters("pay_by", "resend_until", "quiet_until", "watch_until"),
    stamped=("created_at",),
)
JOURNAL = Insert(
    table="journal",
    columns=ids("saga_id") + ints("version") + ids("commit_id") + words(255, "worker") + texts("entries", "shortage"),
    stamped=("at",),
)
OUTBOX = Insert(
    table="outbox",
    columns=ids("id")
    + words(32, "aggregatetype")
    + ids("aggregateid")
    + words(128, "type")
    + texts("payload")
    + ints("aggregate_seq"),
    stamped=("created_at",),
)
ALARMS = Insert(
    table="alarms",
    columns=words(64, "alarm_id", "kind") + ids("order_id") + texts("detail"),
    stamped=("raised_at",),
)
OBSERVATIONS = Insert(
    table="observations",
    columns=words(128, "observation_id") + ids("saga_id") + ints("position", "merged") + texts("outcome"),
    stamped=("noted_at",),
)

_ENDS_UNSEEING = "x.phase = 'done' AND t.unseen > x.merged"
SAGA_SAVES = Update(
    name="saga_saves",
    table="sagas",
    columns=ids("saga_id")
    + ints("version")
    + words(64, "token", "next_token")
    + words(16, "phase", "stock_was", "stock")
    + ints("tries", "merged")
    + afters("lease_until", "due_at"),
    where="t.saga_id = x.saga_id AND t.version = x.version AND t.token = x.token AND x.token <> ''"
    " AND (x.stock_was = '' OR t.stock = x.stock_was)",
    assign={
        "version": "t.version + 1",
        "stock": "CASE WHEN x.stock = '' THEN t.stock ELSE x.stock END",
        "tries": "x.tries",
        "token": "x.next_token",
        "lease_until": "x.lease_until",
        "due_at": f"CASE WHEN {_ENDS_UNSEEING} THEN {{now}} ELSE x.due_at END",
        "phase": f"CASE WHEN {_ENDS_UNSEEING} THEN 'watching' ELSE x.phase END",
        "unseen": "t.unseen - x.merged",
    },
)
"""``unseen`` counts the observations that are not merged, in the saga's own row: a saga does not end over one that
came after its owner had loaded, even if both are written at the same moment."""
WAKES = Update(
    name="wakes",
    table="sagas",
    columns=ids("saga_id") + ints("fresh"),
    where="t.saga_id = x.saga_id",
    assign={
        "due_at": "CASE WHEN t.phase = 'done' THEN {now} ELSE t.due_at END",
        "phase": "CASE WHEN t.phase = 'done' THEN 'watching' ELSE t.phase END",
        "unseen": "t.unseen + x.fresh",
    },
)
"""Nobody would load a finished saga again: a worker must look whether the observation contradicts how it ended."""
ORDER_MOVES = Update(
    name="order_moves",
    table="orders",
    columns=ids("order_id") + words(32, "status", "reason", "attention") + texts("reason_detail"),
    where="t.order_id = x.order_id",
    assign={
        "status": "x.status",
        "reason": "x.reason",
        "attention": "x.attention",
        "reason_detail": "x.reason_detail",
        "updated_at": "{now}",
    },
)
OUTCOMES = Update(
    name="outcomes",
    table="operations",
    columns=ids("saga_id")
    + words(128, "operation_id")
    + words(32, "state")
    + words(255, "provider_reference")
    + ints("moved_minor")
    + words(255, "code")
    + words(16, "decline_kind")
    + texts("action_url")
    + afters("quiet_until", "watch_until")
    + ints("erase_token"),
    where="t.saga_id = x.saga_id AND t.operation_id = x.operation_id",
    assign={
        "state": "x.state",
        "provider_reference": "x.provider_reference",
        "moved_minor": "x.moved_minor",
        "code": "x.code",
        "decline_kind": "x.decline_kind",
        "action_url": "x.action_url",
        "quiet_until": "COALESCE(x.quiet_until, t.quiet_until)",
        "watch_until": "x.watch_until",
        "token": "CASE WHEN x.erase_token = 1 THEN '' ELSE t.token END",
    },
)
SENDS = Update(
    name="sends",
    table="operations",
    columns=ids("saga_id") + words(128, "operation_id") + afters("quiet_until"),
    where="t.saga_id = x.saga_id AND t.operation_id = x.operation_id",
    assign={"quiet_until": "x.quiet_until"},
)
GUARD_ENDS = Update(
    name="guard_ends",
    table="guards",
    columns=GUARD + ids("order_id") + afters("expires_at"),
    where="t.scope = x.scope AND t.cart_id = x.cart_id AND t.revision = x.revision AND t.order_id = x.order_id"
    " AND (t.expires_at IS NULL OR t.expires_at > {now})",
    assign={"expires_at": "x.expires_at"},
)
GUARD_HOLDS = Update(
    name="guard_holds",
    table="guards",
    columns=GUARD + ids("order_id") + words(255, "owner") + afters("expires_at"),
    where="t.scope = x.scope AND t.cart_id = x.cart_id AND t.revision = x.revision AND t.order_id = x.order_id",
    assign={"owner": "x.owner", "expires_at": "x.expires_at"},
)
GUARD_DROPS = Delete(
    name="guard_drops",
    table="guards",
    columns=GUARD + ids("order_id"),
    where="t.scope = x.scope AND t.cart_id = x.cart_id AND t.revision = x.revision AND t.order_id = x.order_id",
)
KEY_DROPS = Delete(
    name="key_drops",
    table="keys",
    columns=words(64, "scope") + words(255, "idempotency_key") + ids("order_id"),
    where="t.scope = x.scope AND t.idempotency_key = x.idempotency_key AND t.order_id = x.order_id",
)
MERGED = Update(
    name="merged",
    table="observations",
    columns=words(128, "observation_id") + ids("saga_id"),
    where="t.observation_id = x.observation_id AND t.saga_id = x.saga_id AND t.merged = 0",
    assign={"merged": "1"},
)
STOCK_TAKES = Update(
    name="stock_takes",
    table="stock",
    columns=PLACE + ints("taken", "returned"),
    where="t.item_id = x.item_id AND t.location = x.location AND t.available_qty >= x.taken",
    assign={"available_qty": "t.available_qty - x.taken + x.returned"},
)

FENCES = Select(
    name="fences",
    table="sagas",
    columns=ids("saga_id"),
    where="t.saga_id = x.saga_id",
    fetch=("t.saga_id", "t.version", "t.token", "t.stock"),
    locked=True,
)
STORED_ANSWERS = Select(
    name="stored_answers",
    table="journal",
    columns=ids("saga_id", "commit_id") + ints("version"),
    where="t.saga_id = x.saga_id AND t.version = x.version AND t.commit_id = x.commit_id",
    fetch=("t.saga_id", "t.version", "t.at", "t.shortage"),
)
KEY_OWNERS = Select(
    name="key_owners",
    table="keys",
    columns=words(64, "scope") + words(255, "idempotency_key"),
    where="t.scope = x.scope AND t.idempotency_key = x.idempotency_key",
    fetch=("t.scope", "t.idempotency_key", "t.order_id", "t.fingerprint"),
)
GUARD_OWNERS = Select(
    name="guard_owners",
    table="guards",
    columns=GUARD,
    where="t.scope = x.scope AND t.cart_id = x.cart_id AND t.revision = x.revision",
    fetch=("t.scope", "t.cart_id", "t.revision", "t.order_id", "t.owner"),
)
OBSERVED = Select(
    name="observed",
    table="observations",
    columns=words(128, "observation_id"),
    where="t.observation_id = x.observation_id",
    fetch=("t.observation_id", "t.saga_id", "t.merged"),
)
STOCK_ROWS = Select(
    name="stock_rows",
    table="stock",
    columns=PLACE,
    where="t.item_id = x.item_id AND t.location = x.location",
    fetch=("t.item_id", "t.location", "t.available_qty"),
    locked=True,
)

LOCK_ORDER: tuple[Group, ...] = (
    SAGA_SAVES,
    WAKES,
    KEYS,
    KEY_DROPS,
    GUARDS,
    GUARD_ENDS,
    GUARD_HOLDS,
    GUARD_DROPS,
    SAGAS,
    ORDERS,
    ORDER_MOVES,
    ORDER_ITEMS,
    OPERATIONS,
    OUTCOMES,
    SENDS,
    JOURNAL,
    MERGED,
    OBSERVATIONS,
    OUTBOX,
    ALARMS,
    STOCK_TAKES,
)
"""One order of tables for every writer (protocol 2.6), stock last (2.10)."""

COUNTED: tuple[Group, ...] = (SAGA_SAVES, ORDER_MOVES, OUTCOMES, SENDS, MERGED, STOCK_TAKES)
"""Groups of which every row must be found."""
