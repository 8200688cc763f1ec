-- Everything a checkout stores. Texts that are compared or sorted are ordered by their bytes.
CREATE TABLE checkout_sagas (
    saga_id uuid PRIMARY KEY,
    definition_version integer NOT NULL,
    definition text NOT NULL,
    version integer NOT NULL,
    tries integer NOT NULL,
    unseen integer NOT NULL DEFAULT 0,
    token text COLLATE "C" NOT NULL,
    phase text NOT NULL,
    stock text NOT NULL,
    lease_until timestamptz,
    due_at timestamptz
) WITH (fillfactor = 45);

CREATE INDEX checkout_sagas_due ON checkout_sagas (due_at, saga_id) WHERE due_at IS NOT NULL;

CREATE TABLE checkout_keys (
    scope text COLLATE "C" NOT NULL,
    idempotency_key text COLLATE "C" NOT NULL,
    order_id uuid NOT NULL,
    fingerprint text COLLATE "C" NOT NULL,
    PRIMARY KEY (scope, idempotency_key)
);

CREATE INDEX checkout_keys_order ON checkout_keys (order_id);

CREATE TABLE checkout_guards (
    scope text COLLATE "C" NOT NULL,
    cart_id text COLLATE "C" NOT NULL,
    revision text COLLATE "C" NOT NULL,
    order_id uuid NOT NULL,
    owner text NOT NULL,
    expires_at timestamptz,
    PRIMARY KEY (scope, cart_id, revision)
) WITH (fillfactor = 45);

CREATE TABLE checkout_orders (
    order_id uuid PRIMARY KEY,
    created_at timestamptz NOT NULL,
    total_minor bigint NOT NULL,
    currency text NOT NULL,
    scope text COLLATE "C" NOT NULL,
    user_id text COLLATE "C" NOT NULL,
    cart_id text COLLATE "C" NOT NULL,
    cart_revision text COLLATE "C" NOT NULL,
    previous_order_id text NOT NULL,
    details text NOT NULL,
    updated_at timestamptz NOT NULL,
    status text NOT NULL,
    reason text NOT NULL,
    attention text NOT NULL,
    reason_detail text NOT NULL
) WITH (fillfactor = 45);

CREATE TABLE checkout_order_items (
    order_id uuid NOT NULL,
    position integer NOT NULL,
    item_id text COLLATE "C" NOT NULL,
    location text COLLATE "C" NOT NULL,
    qty bigint NOT NULL,
    price_minor bigint NOT NULL,
    PRIMARY KEY (order_id, position)
);

CREATE TABLE checkout_operations (
    saga_id uuid NOT NULL,
    position bigint NOT NULL,
    amount_minor bigint NOT NULL,
    created_at timestamptz NOT NULL,
    pay_by timestamptz NOT NULL,
    resend_until timestamptz NOT NULL,
    leg integer NOT NULL,
    attempt integer NOT NULL,
    operation_id text COLLATE "C" NOT NULL,
    kind text NOT NULL,
    provider text NOT NULL,
    account text NOT NULL,
    idempotency_key text NOT NULL,
    reference text NOT NULL,
    currency text NOT NULL,
    request text NOT NULL,
    quiet_until timestamptz NOT NULL,
    watch_until timestamptz,
    moved_minor bigint NOT NULL,
    token text NOT NULL,
    state text NOT NULL,
    provider_reference text NOT NULL,
    code text NOT NULL,
    decline_kind text NOT NULL,
    action_url text NOT NULL,
    PRIMARY KEY (saga_id, operation_id)
) WITH (fillfactor = 45);

CREATE TABLE checkout_journal (
    saga_id uuid NOT NULL,
    version integer NOT NULL,
    commit_id uuid NOT NULL,
    at timestamptz NOT NULL,
    worker text NOT NULL,
    entries text NOT NULL,
    shortage text NOT NULL,
    PRIMARY KEY (saga_id, version)
);

CREATE TABLE checkout_observations (
    observation_id text COLLATE "C" PRIMARY KEY,
    saga_id uuid NOT NULL,
    position integer NOT NULL,
    merged smallint NOT NULL,
    outcome text NOT NULL,
    noted_at timestamptz NOT NULL
);

CREATE INDEX checkout_observations_saga ON checkout_observations (saga_id) WHERE merged = 0;

CREATE TABLE checkout_outbox (
    id uuid NOT NULL,
    aggregatetype text NOT NULL,
    aggregateid uuid NOT NULL,
    type text NOT NULL,
    payload text NOT NULL,
    aggregate_seq integer NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (aggregateid, aggregate_seq)
);

CREATE TABLE checkout_stock (
    item_id text COLLATE "C" NOT NULL,
    location text COLLATE "C" NOT NULL,
    available_qty bigint NOT NULL CHECK (available_qty >= 0),
    received_qty bigint NOT NULL,
    PRIMARY KEY (item_id, location)
) WITH (fillfactor = 50);

CREATE TABLE checkout_stock_adjustments (
    adjustment_id text COLLATE "C" PRIMARY KEY,
    item_id text COLLATE "C" NOT NULL,
    location text COLLATE "C" NOT NULL,
    delta bigint NOT NULL,
    at timestamptz NOT NULL
);

CREATE TABLE checkout_alarms (
    alarm_id text COLLATE "C" PRIMARY KEY,
    kind text NOT NULL,
    order_id uuid NOT NULL,
    detail text NOT NULL,
    raised_at timestamptz NOT NULL,
    acknowledged_at timestamptz
);
