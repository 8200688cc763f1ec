"""What a batch looks at: rows that exist among those it names, locked where it will decide on them."""

from __future__ import annotations

from checkout_core.adapters.sql.statement import GUARD, PLACE, Select, ids, ints, words

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
    fetch=("t.scope", "t.cart_id", "t.revision", "t.order_id", "t.owner", "t.expires_at"),
    locked=True,
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
