-- Who receives events, and what each of them has not acknowledged yet. ``due_at`` NULL: a dead letter, since ``died_at``.
CREATE TABLE checkout_sinks (
    sink text PRIMARY KEY,
    registered_at integer NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE checkout_deliveries (
    sink text NOT NULL,
    order_id text NOT NULL,
    sequence integer NOT NULL,
    event_id text NOT NULL,
    queued_at integer NOT NULL,
    due_at integer,
    died_at integer,
    tries integer NOT NULL DEFAULT 0,
    token text NOT NULL DEFAULT '',
    error text NOT NULL DEFAULT '',
    PRIMARY KEY (sink, order_id, sequence)
) STRICT, WITHOUT ROWID;

CREATE INDEX checkout_deliveries_due ON checkout_deliveries (sink, due_at) WHERE due_at IS NOT NULL;

CREATE INDEX checkout_deliveries_dead ON checkout_deliveries (sink, event_id) WHERE died_at IS NOT NULL;
