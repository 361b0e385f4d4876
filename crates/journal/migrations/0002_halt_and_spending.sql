-- The operator's kill switch: while a row has no end, no order is taken on and none is signed.
-- Rows stay, as the record of who stopped what and why.
CREATE TABLE halts (
  id         bigint      NOT NULL GENERATED ALWAYS AS IDENTITY,
  reason     text        NOT NULL,
  at         timestamptz NOT NULL DEFAULT now(),
  resumed_at timestamptz,

  CONSTRAINT halts_pkey PRIMARY KEY (id),
  CONSTRAINT halts_reason_length CHECK (octet_length(reason) BETWEEN 1 AND 1000)
);
CREATE UNIQUE INDEX halts_one_at_a_time ON halts ((true)) WHERE resumed_at IS NULL;

-- What each day's orders come to, in millionths of a dollar. The row is the lock that executors take
-- turns at, so that together they do not exceed a limit that each of them keeps.
CREATE TABLE spending_days (
  day        date   NOT NULL,
  usd_micros bigint NOT NULL,

  CONSTRAINT spending_days_pkey PRIMARY KEY (day),
  CONSTRAINT spending_days_not_negative CHECK (usd_micros >= 0)
);

-- Which orders were counted: each once, on the day of its first attempt, however many follow.
CREATE TABLE spending (
  order_id   uuid   NOT NULL,
  day        date   NOT NULL,
  usd_micros bigint NOT NULL,

  CONSTRAINT spending_pkey PRIMARY KEY (order_id),
  CONSTRAINT spending_order_id_fkey FOREIGN KEY (order_id) REFERENCES orders (id),
  CONSTRAINT spending_day_fkey FOREIGN KEY (day) REFERENCES spending_days (day),
  CONSTRAINT spending_not_negative CHECK (usd_micros >= 0)
);
