-- Who receives events, and what each of them has not acknowledged yet. ``due_at`` NULL: a dead letter, since ``died_at``.
CREATE TABLE checkout_sinks (
    sink text COLLATE "C" PRIMARY KEY,
    registered_at timestamptz NOT NULL
);

CREATE TABLE checkout_deliveries (
    sink text COLLATE "C" NOT NULL,
    order_id uuid NOT NULL,
    sequence integer NOT NULL,
    event_id uuid NOT NULL,
    queued_at timestamptz NOT NULL,
    due_at timestamptz,
    died_at timestamptz,
    tries integer NOT NULL DEFAULT 0,
    token text COLLATE "C" NOT NULL DEFAULT '',
    error text NOT NULL DEFAULT '',
    PRIMARY KEY (sink, order_id, sequence)
) WITH (fillfactor = 70);

CREATE INDEX checkout_deliveries_due ON checkout_deliveries (sink, due_at) WHERE due_at IS NOT NULL;

CREATE INDEX checkout_deliveries_dead ON checkout_deliveries (sink, event_id) WHERE died_at IS NOT NULL;
