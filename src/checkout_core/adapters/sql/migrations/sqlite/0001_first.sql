-- Everything a checkout stores. Instants are microseconds since 1970, UTC.
CREATE TABLE checkout_sagas (
    saga_id text PRIMARY KEY,
    definition text NOT NULL,
    definition_version integer NOT NULL,
    version integer NOT NULL,
    tries integer NOT NULL,
    unseen integer NOT NULL DEFAULT 0,
    phase text NOT NULL,
    stock text NOT NULL,
    token text NOT NULL,
    lease_until integer,
    due_at integer
) STRICT, WITHOUT ROWID;

CREATE INDEX checkout_sagas_due ON checkout_sagas (due_at, saga_id) WHERE due_at IS NOT NULL;

CREATE TABLE checkout_keys (
    scope text NOT NULL,
    idempotency_key text NOT NULL,
    order_id text NOT NULL,
    fingerprint text NOT NULL,
    PRIMARY KEY (scope, idempotency_key)
) STRICT, WITHOUT ROWID;

CREATE INDEX checkout_keys_order ON checkout_keys (order_id);

CREATE TABLE checkout_guards (
    scope text NOT NULL,
    cart_id text NOT NULL,
    revision text NOT NULL,
    order_id text NOT NULL,
    owner text NOT NULL,
    expires_at integer,
    PRIMARY KEY (scope, cart_id, revision)
) STRICT, WITHOUT ROWID;

CREATE TABLE checkout_orders (
    order_id text PRIMARY KEY,
    scope text NOT NULL,
    user_id text NOT NULL,
    cart_id text NOT NULL,
    cart_revision text NOT NULL,
    total_minor integer NOT NULL,
    currency text NOT NULL,
    status text NOT NULL,
    reason text NOT NULL,
    attention text NOT NULL,
    reason_detail text NOT NULL,
    details text NOT NULL,
    previous_order_id text NOT NULL,
    created_at integer NOT NULL,
    updated_at integer NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE checkout_order_items (
    order_id text NOT NULL,
    position integer NOT NULL,
    item_id text NOT NULL,
    location text NOT NULL,
    qty integer NOT NULL,
    price_minor integer NOT NULL,
    PRIMARY KEY (order_id, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE checkout_operations (
    saga_id text NOT NULL,
    operation_id text NOT NULL,
    position integer NOT NULL,
    kind text NOT NULL,
    leg integer NOT NULL,
    attempt integer NOT NULL,
    provider text NOT NULL,
    account text NOT NULL,
    idempotency_key text NOT NULL,
    reference text NOT NULL,
    amount_minor integer NOT NULL,
    currency text NOT NULL,
    request text NOT NULL,
    token text NOT NULL,
    state text NOT NULL,
    provider_reference text NOT NULL,
    moved_minor integer NOT NULL,
    code text NOT NULL,
    decline_kind text NOT NULL,
    action_url text NOT NULL,
    created_at integer NOT NULL,
    pay_by integer NOT NULL,
    resend_until integer NOT NULL,
    quiet_until integer NOT NULL,
    watch_until integer,
    PRIMARY KEY (saga_id, operation_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE checkout_journal (
    saga_id text NOT NULL,
    version integer NOT NULL,
    commit_id text NOT NULL,
    at integer NOT NULL,
    worker text NOT NULL,
    entries text NOT NULL,
    shortage text NOT NULL,
    PRIMARY KEY (saga_id, version)
) STRICT, WITHOUT ROWID;

CREATE TABLE checkout_observations (
    observation_id text PRIMARY KEY,
    saga_id text NOT NULL,
    position integer NOT NULL,
    merged integer NOT NULL,
    outcome text NOT NULL,
    noted_at integer NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX checkout_observations_saga ON checkout_observations (saga_id) WHERE merged = 0;

CREATE TABLE checkout_outbox (
    id text NOT NULL,
    aggregatetype text NOT NULL,
    aggregateid text NOT NULL,
    type text NOT NULL,
    payload text NOT NULL,
    aggregate_seq integer NOT NULL,
    created_at integer NOT NULL,
    PRIMARY KEY (aggregateid, aggregate_seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE checkout_stock (
    item_id text NOT NULL,
    location text NOT NULL,
    available_qty integer NOT NULL CHECK (available_qty >= 0),
    received_qty integer NOT NULL,
    PRIMARY KEY (item_id, location)
) STRICT, WITHOUT ROWID;

CREATE TABLE checkout_stock_adjustments (
    adjustment_id text PRIMARY KEY,
    item_id text NOT NULL,
    location text NOT NULL,
    delta integer NOT NULL,
    at integer NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE checkout_alarms (
    alarm_id text PRIMARY KEY,
    kind text NOT NULL,
    order_id text NOT NULL,
    detail text NOT NULL,
    raised_at integer NOT NULL,
    acknowledged_at integer
) STRICT, WITHOUT ROWID;

-- The latest moment that any process has written: the host's clock may jump back, ours may not.
CREATE TABLE checkout_clock (
    one integer PRIMARY KEY CHECK (one = 1),
    latest integer NOT NULL
) STRICT;

INSERT INTO checkout_clock (one, latest) VALUES (1, 0);
