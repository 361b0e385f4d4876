-- Pools whose program refused an order's swap in a simulation, for a reason of its own. The order leaves out
-- the venue from then on. Others leave the pool out for a while, if enough orders met it and most orders on
-- that pool did: those rows count.
CREATE TABLE pool_refusals (
  order_id uuid        NOT NULL,
  pool     text        NOT NULL,
  venue    text        NOT NULL,
  counts   boolean     NOT NULL,
  at       timestamptz NOT NULL DEFAULT now(),

  CONSTRAINT pool_refusals_pkey PRIMARY KEY (order_id, pool)
);
CREATE INDEX pool_refusals_counted ON pool_refusals (at, pool) WHERE counts;
