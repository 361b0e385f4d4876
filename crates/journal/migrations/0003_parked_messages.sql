-- Messages of the queue that nobody can work on, kept for the operator: here rather than on a stream,
-- so that they outlive a queue that is wiped and are listed by one query.
CREATE TABLE parked_messages (
  id          bigint      NOT NULL GENERATED ALWAYS AS IDENTITY,
  subject     text        NOT NULL,
  payload     bytea       NOT NULL,
  traceparent text,
  -- The order that it names. There need not be one, hence no foreign key.
  order_id    uuid,
  -- What was wrong with it the last time.
  reason      text        NOT NULL,
  times       bigint      NOT NULL DEFAULT 1,
  first_at    timestamptz NOT NULL DEFAULT now(),
  last_at     timestamptz NOT NULL DEFAULT now(),

  CONSTRAINT parked_messages_pkey PRIMARY KEY (id)
);
-- The same message again is the same row. By its hash, because an index takes no long values.
CREATE UNIQUE INDEX parked_messages_once ON parked_messages (subject, sha256(payload));
-- The sweep leaves parked orders alone.
CREATE INDEX parked_messages_order_id ON parked_messages (order_id);
