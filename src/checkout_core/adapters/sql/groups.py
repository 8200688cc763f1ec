"""What a batch may change: each group is one kind of change to one table, written for many rows at once."""

from __future__ import annotations

from checkout_core.adapters.sql.statement import (
    GUARD,
    PLACE,
    Delete,
    Group,
    Insert,
    Update,
    afters,
    ids,
    ints,
    texts,
    words,
)

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
DELIVERIES = Insert(
    table="deliveries",
    columns=ids("order_id") + ints("sequence") + ids("event_id"),
    stamped=("queued_at", "due_at"),
    across=("sinks", "sink"),
)
"""What each sink that is registered in the database has still to be told (protocol 6.1)."""
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
_IS_LIVE = "(t.expires_at IS NULL OR t.expires_at > {now})"
GUARD_CHANGES = Update(
    name="guard_changes",
    table="guards",
    columns=GUARD + ids("order_id") + words(255, "owner") + afters("expires_at") + ints("holds"),
    where="t.scope = x.scope AND t.cart_id = x.cart_id AND t.revision = x.revision"
    f" AND CASE WHEN {_IS_LIVE} THEN t.order_id = x.order_id ELSE x.holds = 1 END",
    assign={
        "order_id": "x.order_id",
        "owner": "CASE WHEN x.holds = 1 THEN x.owner ELSE t.owner END",
        "expires_at": "x.expires_at",
    },
)
"""``holds`` 1: the order has the guard until it expires, if it is its own or free. 0: the order's own guard ends then.
One group for both, so that one pass in order touches every guard that is there (:mod:`guards`)."""
GUARD_DROPS = Delete(
    name="guard_drops",
    table="guards",
    columns=GUARD + ids("order_id"),
    where="t.scope = x.scope AND t.cart_id = x.cart_id AND t.revision = x.revision AND t.order_id = x.order_id",
)
"""Only of rows that this very batch has inserted: whoever is refused leaves nothing."""
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

LOCK_ORDER: tuple[Group, ...] = (
    SAGA_SAVES,
    WAKES,
    KEYS,
    KEY_DROPS,
    GUARDS,
    GUARD_CHANGES,
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
    DELIVERIES,
    ALARMS,
    STOCK_TAKES,
)
"""One order of tables for every writer (protocol 2.6), stock last (2.10)."""

COUNTED: tuple[Group, ...] = (SAGA_SAVES, ORDER_MOVES, OUTCOMES, SENDS, MERGED, STOCK_TAKES)
"""Groups of which every row must be found."""
