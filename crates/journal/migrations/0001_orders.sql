-- The durable record of every order: what was asked for, what happened, and which transactions may
-- have been sent. Rules that must never break are rules of the schema, whatever the program does.
-- Amounts are numeric(20, 0): a u64 of a token's smallest unit fits, exactly. All times are the
-- database's; no other clock is written here, except inside the quotes of an event's body.

-- One row an order: the sum of its events, for those who look for work, list, or count.
CREATE TABLE orders (
  id              uuid        NOT NULL,
  owner           text        NOT NULL,
  idempotency_key text,
  -- Tells a repeated request from another one with the same key.
  request_hash    bytea,
  intent          jsonb       NOT NULL,
  -- The trace of the request, so that whoever works on the order continues it.
  traceparent     text,

  -- What the events add up to.
  status          text        NOT NULL,
  seq             bigint      NOT NULL,
  attempt         bigint      NOT NULL,

  -- Who may write: each claim raises the fence, and a write with an older one changes nothing.
  fence           bigint      NOT NULL DEFAULT 0,
  -- Nobody else claims the order before this moment.
  lease_until     timestamptz,
  -- Nobody claims the order before this moment: the pause before a retry.
  next_attempt_at timestamptz,
  -- When the order was last put on the queue. A hint for the sweep.
  dispatched_at   timestamptz,

  -- Copies out of the events, so that lists and statistics need not read these.
  token_in        text        NOT NULL,
  token_out       text        NOT NULL,
  amount_in       numeric(20, 0) NOT NULL,
  dex             text,
  quoted_out      numeric(20, 0),
  executed_out    numeric(20, 0),

  created_at      timestamptz NOT NULL DEFAULT now(),
  updated_at      timestamptz NOT NULL DEFAULT now(),
  ended_at        timestamptz,

  CONSTRAINT orders_pkey PRIMARY KEY (id),
  CONSTRAINT orders_owner_idempotency_key_key UNIQUE (owner, idempotency_key),
  CONSTRAINT orders_owner_length CHECK (octet_length(owner) BETWEEN 1 AND 255),
  CONSTRAINT orders_idempotency_key_length CHECK (octet_length(idempotency_key) BETWEEN 1 AND 255),
  CONSTRAINT orders_request_hash_length CHECK (octet_length(request_hash) = 32),
  CONSTRAINT orders_idempotency_whole CHECK ((idempotency_key IS NULL) = (request_hash IS NULL)),
  CONSTRAINT orders_traceparent_length CHECK (octet_length(traceparent) <= 255),
  CONSTRAINT orders_status_known
    CHECK (status IN ('pending', 'routing', 'building', 'submitted', 'confirmed', 'failed')),
  CONSTRAINT orders_seq_positive CHECK (seq >= 1),
  CONSTRAINT orders_attempt_not_negative CHECK (attempt >= 0),
  CONSTRAINT orders_ended_whole CHECK ((status IN ('confirmed', 'failed')) = (ended_at IS NOT NULL)),
  -- Statistics tell confirmed from failed by the output, from an index that has no status.
  CONSTRAINT orders_executed_when_confirmed CHECK ((status = 'confirmed') = (executed_out IS NOT NULL)),
  CONSTRAINT orders_ended_unleased CHECK (ended_at IS NULL OR lease_until IS NULL)
);

-- Work to do, oldest first: as small as the backlog, however long the history. No column that
-- changes during an order's life is in any index, so that these updates stay on their page.
CREATE INDEX orders_open ON orders (id) WHERE ended_at IS NULL;
-- What ended last, and how many of each kind, without touching the rows.
CREATE INDEX orders_ended ON orders (ended_at DESC, executed_out) WHERE ended_at IS NOT NULL;
-- Lists within a span of time.
CREATE INDEX orders_created ON orders (created_at);

-- Room on each page for the next version of its rows: an order's row is written about six times.
ALTER TABLE orders SET (fillfactor = 60);

-- The facts. Only ever added to.
CREATE TABLE order_events (
  order_id uuid        NOT NULL,
  seq      bigint      NOT NULL,
  attempt  bigint      NOT NULL,
  -- The claim under which it was written; 0 for the acceptance.
  fence    bigint      NOT NULL,
  body     jsonb       NOT NULL,
  kind     text        NOT NULL GENERATED ALWAYS AS (body ->> 'kind') STORED,
  at       timestamptz NOT NULL,
  previous bigint      GENERATED ALWAYS AS (nullif(seq - 1, 0)) STORED,

  CONSTRAINT order_events_pkey PRIMARY KEY (order_id, seq),
  CONSTRAINT order_events_order_id_fkey FOREIGN KEY (order_id) REFERENCES orders (id),
  -- No event without the one before it: a gap cannot be written.
  CONSTRAINT order_events_no_gap FOREIGN KEY (order_id, previous) REFERENCES order_events (order_id, seq),
  CONSTRAINT order_events_seq_positive CHECK (seq >= 1),
  CONSTRAINT order_events_begins_with_acceptance CHECK ((seq = 1) = (kind = 'accepted'))
);

-- Every transaction that may have been sent. Its bytes are in the event that recorded it.
CREATE TABLE transactions (
  signature               text           NOT NULL,
  order_id                uuid           NOT NULL,
  attempt                 bigint         NOT NULL,
  last_valid_block_height numeric(20, 0) NOT NULL,
  state                   text           NOT NULL,
  signed_at               timestamptz    NOT NULL,
  observed_at             timestamptz,

  CONSTRAINT transactions_pkey PRIMARY KEY (signature),
  CONSTRAINT transactions_order_id_fkey FOREIGN KEY (order_id) REFERENCES orders (id),
  CONSTRAINT transactions_state_known CHECK (state IN ('open', 'landed', 'reverted', 'expired')),
  CONSTRAINT transactions_observed_whole CHECK ((state = 'open') = (observed_at IS NULL))
);

-- No second transaction of an order before the chain has spoken of the first, and none after one
-- has landed.
CREATE UNIQUE INDEX transactions_one_open_or_landed ON transactions (order_id)
  WHERE state IN ('open', 'landed');
CREATE INDEX transactions_order_id ON transactions (order_id);

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% of % refused by %', TG_OP, TG_TABLE_NAME, TG_NAME
    USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = TG_NAME;
END
$$;

-- The audit trail: once a statement, so an insert pays nothing.
CREATE TRIGGER order_events_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON order_events
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER orders_kept BEFORE DELETE OR TRUNCATE ON orders
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER orders_ended_is_final BEFORE UPDATE ON orders
  FOR EACH ROW WHEN (OLD.ended_at IS NOT NULL) EXECUTE FUNCTION refuse_change();
CREATE TRIGGER transactions_kept BEFORE DELETE OR TRUNCATE ON transactions
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER transactions_observed_is_final BEFORE UPDATE ON transactions
  FOR EACH ROW WHEN (OLD.state <> 'open') EXECUTE FUNCTION refuse_change();
