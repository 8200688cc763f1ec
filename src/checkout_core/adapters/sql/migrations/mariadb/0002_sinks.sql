-- Who receives events, and what each of them has not acknowledged yet. ``due_at`` NULL: a dead letter, since ``died_at``.
CREATE TABLE IF NOT EXISTS checkout_sinks (
    sink varchar(64) PRIMARY KEY,
    registered_at datetime(6) NOT NULL
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;

CREATE TABLE IF NOT EXISTS checkout_deliveries (
    sink varchar(64) NOT NULL,
    order_id char(36) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
    sequence integer NOT NULL,
    event_id char(36) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL,
    queued_at datetime(6) NOT NULL,
    due_at datetime(6),
    died_at datetime(6),
    tries integer NOT NULL DEFAULT 0,
    token varchar(64) NOT NULL DEFAULT '',
    error longtext NOT NULL DEFAULT '',
    PRIMARY KEY (sink, order_id, sequence)
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;

CREATE INDEX IF NOT EXISTS checkout_deliveries_due ON checkout_deliveries (sink, due_at);

CREATE INDEX IF NOT EXISTS checkout_deliveries_dead ON checkout_deliveries (died_at, sink);
