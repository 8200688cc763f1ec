-- Everything a checkout stores. Texts that are compared or sorted are ordered by their bytes.
-- MariaDB commits each statement by itself: each may be run again after a step that did not come to its end.
CREATE TABLE IF NOT EXISTS checkout_sagas (
    saga_id char(36) CHARACTER SET ascii COLLATE ascii_nopad_bin PRIMARY KEY,
    definition varchar(128) NOT NULL,
    definition_version integer NOT NULL,
    version integer NOT NULL,
    tries integer NOT NULL,
    unseen integer NOT NULL DEFAULT 0,
    phase varchar(16) NOT NULL,
    stock varchar(16) NOT NULL,
    token varchar(64) NOT NULL,
    lease_until datetime(6),
    due_at datetime(6)
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;

CREATE INDEX IF NOT EXISTS checkout_sagas_due ON checkout_sagas (due_at, saga_id);

CREATE TABLE IF NOT EXISTS checkout_keys (
    scope varchar(64) NOT NULL,
    idempotency_key varchar(255) NOT NULL,
    order_id char(36) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
    fingerprint varchar(255) NOT NULL,
    PRIMARY KEY (scope, idempotency_key)
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;

CREATE INDEX IF NOT EXISTS checkout_keys_order ON checkout_keys (order_id);

CREATE TABLE IF NOT EXISTS checkout_guards (
    scope varchar(64) NOT NULL,
    cart_id varchar(128) NOT NULL,
    revision varchar(128) NOT NULL,
    order_id char(36) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
    owner varchar(255) NOT NULL,
    expires_at datetime(6),
    PRIMARY KEY (scope, cart_id, revision)
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;

CREATE TABLE IF NOT EXISTS checkout_orders (
    order_id char(36) CHARACTER SET ascii COLLATE ascii_nopad_bin PRIMARY KEY,
    scope varchar(64) NOT NULL,
    user_id varchar(128) NOT NULL,
    cart_id varchar(128) NOT NULL,
    cart_revision varchar(128) NOT NULL,
    total_minor bigint NOT NULL,
    currency varchar(3) NOT NULL,
    status varchar(32) NOT NULL,
    reason varchar(32) NOT NULL,
    attention varchar(32) NOT NULL,
    reason_detail longtext NOT NULL,
    details longtext NOT NULL,
    previous_order_id varchar(64) NOT NULL,
    created_at datetime(6) NOT NULL,
    updated_at datetime(6) NOT NULL
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;

CREATE TABLE IF NOT EXISTS checkout_order_items (
    order_id char(36) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
    position integer NOT NULL,
    item_id varchar(128) NOT NULL,
    location varchar(64) NOT NULL,
    qty bigint NOT NULL,
    price_minor bigint NOT NULL,
    PRIMARY KEY (order_id, position)
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;

CREATE TABLE IF NOT EXISTS checkout_operations (
    saga_id char(36) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
    operation_id varchar(128) NOT NULL,
    position bigint NOT NULL,
    kind varchar(64) NOT NULL,
    leg integer NOT NULL,
    attempt integer NOT NULL,
    provider varchar(128) NOT NULL,
    account varchar(128) NOT NULL,
    idempotency_key varchar(255) NOT NULL,
    reference varchar(255) NOT NULL,
    amount_minor bigint NOT NULL,
    currency varchar(3) NOT NULL,
    request longtext NOT NULL,
    token longtext NOT NULL,
    state varchar(32) NOT NULL,
    provider_reference varchar(255) NOT NULL,
    moved_minor bigint NOT NULL,
    code varchar(255) NOT NULL,
    decline_kind varchar(16) NOT NULL,
    action_url longtext NOT NULL,
    created_at datetime(6) NOT NULL,
    pay_by datetime(6) NOT NULL,
    resend_until datetime(6) NOT NULL,
    quiet_until datetime(6) NOT NULL,
    watch_until datetime(6),
    PRIMARY KEY (saga_id, operation_id)
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;

CREATE TABLE IF NOT EXISTS checkout_journal (
    saga_id char(36) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
    version integer NOT NULL,
    commit_id char(36) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
    at datetime(6) NOT NULL,
    worker varchar(255) NOT NULL,
    entries longtext NOT NULL,
    shortage longtext NOT NULL,
    PRIMARY KEY (saga_id, version)
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;

CREATE TABLE IF NOT EXISTS checkout_observations (
    observation_id varchar(128) PRIMARY KEY,
    saga_id char(36) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
    position integer NOT NULL,
    merged smallint NOT NULL,
    outcome longtext NOT NULL,
    noted_at datetime(6) NOT NULL
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;

CREATE INDEX IF NOT EXISTS checkout_observations_saga ON checkout_observations (saga_id);

CREATE TABLE IF NOT EXISTS checkout_outbox (
    id char(36) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
    aggregatetype varchar(32) NOT NULL,
    aggregateid char(36) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
    type varchar(128) NOT NULL,
    payload longtext NOT NULL,
    aggregate_seq integer NOT NULL,
    created_at datetime(6) NOT NULL,
    PRIMARY KEY (aggregateid, aggregate_seq)
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;

CREATE TABLE IF NOT EXISTS checkout_stock (
    item_id varchar(128) NOT NULL,
    location varchar(64) NOT NULL,
    available_qty bigint NOT NULL CHECK (available_qty >= 0),
    received_qty bigint NOT NULL,
    PRIMARY KEY (item_id, location)
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;

CREATE TABLE IF NOT EXISTS checkout_stock_adjustments (
    adjustment_id varchar(128) PRIMARY KEY,
    item_id varchar(128) NOT NULL,
    location varchar(64) NOT NULL,
    delta bigint NOT NULL,
    at datetime(6) NOT NULL
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;

CREATE TABLE IF NOT EXISTS checkout_alarms (
    alarm_id varchar(64) PRIMARY KEY,
    kind varchar(64) NOT NULL,
    order_id char(36) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
    detail longtext NOT NULL,
    raised_at datetime(6) NOT NULL,
    acknowledged_at datetime(6)
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;
